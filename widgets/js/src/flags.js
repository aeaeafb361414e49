// Flags beneath the axis: what was done to the run, and when.

const GLYPHS = { snapshot: "snapshot", pause: "pause", lr: "lr", step: "step", stop: "stop", nan: "nan" };

/** Rows as the kernel sends them -> flags: a resume ends the pause before it and gives it its length. */
export function fromRows(rows) {
  const flags = [];
  let paused = null;
  for (const row of rows) {
    if (row.kind === "resume") {
      if (paused) paused.seconds = row.time - paused.time;
      paused = null;
    } else if (GLYPHS[row.kind]) {
      const flag = { ...row };
      flags.push(flag);
      if (row.kind === "pause") paused = flag;
    }
  }
  return flags;
}

/** Kinds whose hairline rises through the plot. */
export const rises = (kind) => kind === "lr" || kind === "pause" || kind === "nan";

/** Place flags on the lane. `toX` in pixels; `label(flag)` its text; `measure(text)` its width.
 *  Colliding labels collapse to glyphs, colliding glyphs to a count. */
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
    // A count says how many; the kind that rises is the one worth its colour.
    group.flag = group.flags.find((f) => f.kind === "nan") ?? group.flags.find((f) => rises(f.kind)) ?? group.flags[0];
    const text = count > 1 ? `×${count}` : label(group.flag);
    const room = (groups[i + 1]?.x ?? Infinity) - group.x - glyph;
    if (text && (count > 1 || measure(text) + glyph <= room)) group.label = text;
  });
  return groups;
}
