// The table's columns, and the order of its rows.

import { DASH, integer, scientific, significant, THIN } from "./format.js";

/** Multiply-adds: 149.5 M, 1.20 G. */
export function counted(x) {
  if (x === null || x === undefined) return DASH;
  if (x < 1e4) return integer(x);
  const [unit, size] = x < 1e6 ? ["k", 1e3] : x < 1e9 ? ["M", 1e6] : x < 1e12 ? ["G", 1e9] : ["T", 1e12];
  const value = x / size;
  return `${value >= 100 ? value.toFixed(1) : value.toPrecision(3)}\u202f${unit}`;
}

/** Per cent: two digits, and one decimal from 10 % on. */
export function share(x) {
  if (x === null || x === undefined) return DASH;
  const percents = 100 * x;
  if (percents >= 10) return `${percents.toFixed(1)}${THIN}%`;
  return `${percents && percents < 1e-3 ? scientific(percents, 1) : Number(percents.toPrecision(2))}${THIN}%`;
}

/** Seconds as milliseconds: three digits, none beyond the microsecond. */
export function milliseconds(seconds, unit = `${THIN}ms`) {
  if (seconds === null || seconds === undefined) return DASH;
  const ms = 1e3 * seconds;
  return ms.toFixed(ms < 1 ? 3 : ms < 10 ? 2 : ms < 100 ? 1 : 0) + unit;
}

/** Of a pass: one decimal, since more would be noise. */
export const timeShare = (x) => (x === null || x === undefined ? DASH : `${(100 * x).toFixed(1)}${THIN}%`);

const known = (x) => (x === null || x === undefined || x === 0 ? null : x);

/** key: of the card. value: what is sorted by. write: what is shown. bar: share of the net's total. */
export const COLUMNS = [
  { id: "layer", title: "layer", left: true, value: (card, i) => i, write: (card) => card.name },
  { id: "type", title: "type", left: true, value: (card) => card.layer_type, write: (card) => words(card.layer_type) },
  { id: "output", title: "output", value: (card) => product(card.shape), write: (card) => card.shape || DASH },
  { id: "parameters", title: "parameters", value: (card) => known(card.parameters), write: (card) => (card.parameters ? integer(card.parameters) : DASH), bar: "parameters" },
  { id: "macs", title: "multiply-adds", value: (card) => known(card.macs), write: (card) => (card.macs ? counted(card.macs) : DASH), bar: "macs" },
  { id: "forward", title: "fwd ms", value: (card) => card.forward ?? null, write: (card) => milliseconds(card.forward, "") },
  { id: "backward", title: "bwd ms", value: (card) => card.backward ?? null, write: (card) => milliseconds(card.backward, "") },
  { id: "seconds", title: "share", value: (card) => card.seconds ?? null, write: (card) => timeShare(card.share), bar: "seconds" },
  { id: "field", title: "sees", value: (card) => known(card.field), write: (card) => (card.field ? integer(card.field) : DASH) },
  { id: "std", title: "std of W", value: (card) => known(card.std), write: (card) => significant(card.std, 2) },
  { id: "moved", title: "moved", value: (card) => card.moved ?? null, write: (card) => share(card.moved) },
];

/** "InnerProduct" -> "Inner product". */
export function words(type) {
  if (/^[A-Z0-9]+$/.test(type ?? "") || /^[A-Z]+[a-z]*LU$/.test(type ?? "")) return type;
  const split = (type ?? "").replace(/([a-z])([A-Z])/g, "$1 $2").replace("With Loss", "loss");
  return split.charAt(0) + split.slice(1).toLowerCase();
}

const product = (shape) => (shape ? shape.split("×").reduce((a, b) => a * (Number(b) || 1), 1) : null);

/** Keys of the cards that a word finds, in the order of a column; unknown values last. sort: {id, down} or null. */
export function sorted(order, cards, sort, word = "") {
  const wanted = word.trim().toLowerCase();
  const found = order.filter((key) => !wanted || matches(cards[key], wanted));
  const column = COLUMNS.find((c) => c.id === sort?.id);
  if (!column) return found;
  const value = new Map(order.map((key, i) => [key, column.value(cards[key], i)]));
  const sign = sort.down ? -1 : 1;
  return [...found].sort((a, b) => {
    const [x, y] = [value.get(a), value.get(b)];
    if (x === null || x === undefined) return y === null || y === undefined ? 0 : 1;
    if (y === null || y === undefined) return -1;
    return sign * (typeof x === "string" ? x.localeCompare(y) : x - y);
  });
}

const matches = (card, word) => [card.name, card.layer_type, card.folded, ...card.layers].some((text) => (text ?? "").toLowerCase().includes(word));
