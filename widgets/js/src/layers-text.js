// What the layers panel says: numbers, rows in their order, chips for what needs a look.

import { DASH, MINUS, scientific, significant } from "./format.js";

export const GLYPH = { hot: "▲", frozen: "▼", nan: "✕" };
export const WORD = { hot: "hot", frozen: "frozen", nan: "not finite" };
export const FIXED = "fixed (lr_mult 0)";
/** What is said where the median itself is beyond a limit: of a whole net, of the one layer that learns, of those that do
 *  where others are fixed; look; what it means. The same as in owlkit_widgets/words.py. */
const WHOLE = {
  hot: ["▲ the whole net is hot", "▲ {} hot", "▲ all {} hot", "bad", "the median update is above 10⁻² of the weights: look at the learning rate"],
  frozen: [
    "▼ the whole net hardly moves", "▼ {} frozen", "▼ all {} frozen",
    "info", "the median update is below 10⁻⁴·⁵ of the weights, and has been since the beginning: look at the learning rate",
  ],
  settled: [
    "updates are small throughout", "small updates", "small updates",
    "quiet", "the median update is below 10⁻⁴·⁵ of the weights, as in a net that has learned, or whose learning rate has become low",
  ],
};
const LOOK = { hot: "bad", frozen: "info", nan: "bad" };

/** A log ratio, two decimals. */
export function logRatio(value) {
  if (value === null || value === undefined) return DASH;
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return `${MINUS}∞`;
  return value.toFixed(2).replace("-", MINUS);
}

/** A norm: three digits of weights, two of updates; what is very small or large is short: 1.2 × 10¹¹. */
export function size(value, digits) {
  const far = Number.isFinite(value) && value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e4);
  return far ? scientific(value, 1) : significant(value, digits);
}

/** The parameter that stands for a layer: the first that learns, else the first, which is then fixed. */
export const mainOf = (layer) => layer.params.find((p) => !p.fixed) ?? layer.params[0];

/** The layers that learn. */
export const learning = (layers) => layers.filter((layer) => !mainOf(layer).fixed);

/** How many layers there are, or how many of them learn where that is not all. */
export function countWords(layers) {
  const n = learning(layers).length;
  return n === layers.length ? `${n} with weights` : `${n || "none"} of ${layers.length} learn${n === 1 ? "s" : ""}`;
}

/** The texts of a parameter's row: [log ratio, weight, update]. */
export function rowTexts(norms, row, param) {
  if (row < 0) return [DASH, DASH, DASH];
  const ratio = param.fixed ? "fixed" : logRatio(norms.ratio(row, param.index));
  return [ratio, size(norms.weight(row, param.index), 3), size(norms.update(row, param.index), 2)];
}

/** Rows to show: layers in the order wanted; beneath those that are open their other parameters and histograms. */
export function listRows(layers, norms, { sort, open, flags }) {
  const last = norms.n - 1;
  const value = { ratio: (p) => norms.ratio(last, p.index), weight: (p) => norms.weight(last, p.index), update: (p) => norms.update(last, p.index) }[sort];
  const flagOf = new Map(flags.map((flag) => [flag.index, flag]));
  const rows = layers.map((layer) => {
    const param = mainOf(layer);
    return { layer, param, name: layer.name, main: true, flag: layer.params.map((p) => flagOf.get(p.index)).find(Boolean) ?? null };
  });
  if (value && last >= 0) {
    const rank = (row) => (row.param.fixed ? -Infinity : (value(row.param) ?? -Infinity));
    rows.sort((a, b) => (Number.isNaN(rank(b)) ? 1 : Number.isNaN(rank(a)) ? -1 : rank(b) - rank(a) || 0));
  }
  return rows.flatMap((row) => {
    if (!open.includes(row.name)) return [row];
    const beneath = (param, name, more) => ({ layer: row.layer, param, name, main: false, flag: null, ...more });
    const others = row.layer.params.filter((p) => p !== row.param).map((param) => beneath(param, param.name));
    return [row, ...others, ...["activations", "gradients"].map((kind) => beneath(row.param, kind, { histogram: kind }))];
  });
}

/** Of a deep net's rows those that get one of their own, in their order: who was opened before who is flagged. */
export function pinned(rows, open, most) {
  const opened = rows.filter((row) => open.includes(row.layer.name));
  const flagged = rows.filter((row) => row.flag && !opened.includes(row));
  const kept = new Set([...opened, ...flagged].slice(0, most));
  return rows.filter((row) => kept.has(row));
}

function wholeChip(kind, layers) {
  const [all, one, several, look, title] = WHOLE[kind];
  const moving = learning(layers);
  if (moving.length === layers.length) return { look, text: all, title };
  const [only] = moving;
  const text = moving.length === 1 ? one.replace("{}", only.name) : several.replace("{}", moving.length);
  const who = moving.length === 1 ? `${only.name} is the only layer that learns` : `Only ${moving.length} layers learn`;
  return { look, text, title: `${who}, the others are fixed (lr_mult 0): ${title}` };
}

/** Chips for what needs a look: names while they are few. What holds of the whole net is not counted once more. */
export function chipsOf(health, layers) {
  const names = new Map(layers.flatMap((layer) => layer.params.map((p) => [p.index, layer.name])));
  const chips = health.whole ? [wholeChip(health.whole, layers)] : [];
  for (const kind of ["nan", "hot", "frozen"]) {
    const found = health.flags.filter((flag) => flag.kind === kind);
    if (!found.length) continue;
    const all = found.map((flag) => names.get(flag.index));
    if (kind === health.whole) {
      chips[0].title += `. Most of all: ${all.slice(0, 12).join(", ")}`;
      continue;
    }
    const text = found.length === 1 ? `${GLYPH[kind]} ${all[0]} ${WORD[kind]}` : `${GLYPH[kind]} ${found.length} ${WORD[kind]}`;
    chips.push({ look: LOOK[kind], text, title: all.slice(0, 12).join(", ") });
  }
  return chips;
}
