// Flags beneath the axis: what was done to the run, and when.

const KINDS = new Set(["snapshot", "pause", "lr", "step", "stop", "nan", "back"]);

const RANK = ["nan", "back", "lr", "pause", "stop", "step", "snapshot"];

/** Rows as the kernel sends them -> flags: a resume ends the pause before it and gives it its length. */
export function fromRows(rows) {
  const flags = [];
  let paused = null;
  for (const row of rows) {
    if (row.kind === "resume") {
      if (paused && row.time && paused.time) paused.seconds = row.time - paused.time;
      paused = null;
    } else if (KINDS.has(row.kind)) {
      const flag = { ...row };
      flags.push(flag);
      if (row.kind === "pause") paused = flag;
    }
  }
  return flags;
}

/** Kinds whose hairline rises through the plot. */
export const rises = (kind) => kind === "lr" || kind === "pause" || kind === "nan" || kind === "back";

/** Kinds whose label lies to the left of the glyph. */
export const leans = (kind) => kind === "nan";

/** Place flags on the lane. `toX` in pixels; `label(flag)` its text; `measure(text)` its width.
 *  Colliding glyphs collapse to one with a count, colliding labels to the glyph alone. */
export function layout(flags, toX, label, measure, glyph = 14) {
  const groups = [];
  for (const flag of [...flags].sort((a, b) => a.iter - b.iter)) {
    const x = toX(flag.iter);
    const last = groups.at(-1);
    if (last && x - last.x < glyph) last.flags.push(flag);
    else groups.push({ x, flags: [flag], label: "" });
  }
  groups.forEach((group, i) => {
    const count = group.flags.length;
    // The weightiest flag lends a group its glyph and label.
    group.flag = RANK.map((kind) => group.flags.findLast((f) => f.kind === kind)).find(Boolean);
    // NaN ends a curve: its label lies to the left.
    const room = leans(group.flag.kind) ? group.x - (groups[i - 1]?.x ?? -Infinity) - glyph : (groups[i + 1]?.x ?? Infinity) - group.x - glyph;
    const name = label(group.flag);
    const full = count > 1 && name ? `${name} +${count - 1}` : name;
    const short = count > 1 ? `×${count}` : "";
    group.label = [full, short].find((text) => text && measure(text) + glyph <= room) ?? "";
  });
  return groups;
}
