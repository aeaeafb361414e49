// Names that are too long for the gutter, made shorter such that what tells layers apart stays. The rule is that of
// owlkit_widgets/layer_names.py: a name is written in the first of five ways that fits and in which no other looks the
// same: as it is; with words cut off ("fire2/sq…1x1"); the same without marks ("fi2/sq1x1"); without signs between
// them, too ("f2s1x1"); and from shortly before the place in which it differs from those that look the same
// ("…longnumber"). Where none does, it is the layer's number ("#12").

const CUT = "…";
const CONTEXT = 5; // characters before the first by which two names differ
const SHORT = 4; // letters of a word that is whole as long as others can give way: conv, fire, pool
const WAYS = [(name) => name, (name, fits) => cut(name, fits), (name, fits) => cut(name, fits, /…/g), (name, fits) => cut(name, fits, /[^A-Za-z0-9]/g)];
const [BEHIND, NUMBER] = [4, 5]; // the last two ways of writing a name

/** `names` -> what is written of each: as it is where `fits(text)`, else shorter, no two alike. */
export function shortNames(names, fits) {
  const all = [...new Set(names)];
  const way = new Map(all.map((name) => [name, 0]));
  const common = new Map();
  const written = (name) => {
    if (way.get(name) === NUMBER) return `#${all.indexOf(name) + 1}`;
    return way.get(name) === BEHIND ? behind(name, common.get(name), fits) : WAYS[way.get(name)](name, fits);
  };
  const short = new Map(all.map((name) => [name, written(name)]));
  for (;;) {
    const unclear = alikeIn(short).filter((alike) => alike.length > 1 || !fits(short.get(alike[0])));
    const moved = unclear.flatMap((alike) => alike.filter((name) => way.get(name) || !fits(name)).map((name) => [name, alike]));
    const movable = moved.filter(([name]) => way.get(name) < NUMBER);
    if (!movable.length) return short;
    for (const [name, alike] of movable) {
      way.set(name, way.get(name) + 1);
      common.set(name, alike.length > 1 ? Math.max(0, prefixOf(alike) - CONTEXT) : 0);
      short.set(name, written(name));
    }
  }
}

/** One name, which fits: long words lose ends, then short ones; where that is not enough, so does all. */
export function shorten(name, fits) {
  const text = cut(name, fits);
  return fits(text) ? text : behind(name, 0, fits);
}

/** Long words lose ends, then short ones: "fire2/squeeze1x1" becomes "fire2/sq…1x1". Numbers stay, so it may not fit.
 *  `without`: what is left out of the text. */
function cut(name, fits, without = null) {
  const parts = name.match(/[A-Za-z]+|[^A-Za-z]+/g) ?? [];
  const kept = parts.map((part) => part.length);
  let text = name;
  while (!fits(text)) {
    const words = [...parts.keys()].filter((k) => kept[k] > 1 && isWord(parts[k]));
    if (!words.length) return text;
    const long = words.filter((k) => parts[k].length > SHORT);
    const i = (long.length ? long : words).reduce((best, k) => (kept[k] > kept[best] ? k : best));
    kept[i] -= kept[i] === parts[i].length && !without ? 2 : 1; // the first cut makes room for its mark
    text = parts.map((part, k) => (kept[k] < part.length ? part.slice(0, Math.max(1, kept[k])) + CUT : part)).join("");
    text = text.replace(/…[_.-]/g, CUT);
    if (without) text = text.replace(without, "");
  }
  return text;
}

const isWord = (part) => /^[A-Za-z]{3,}$/.test(part);

/** The names by what is written of them. */
function alikeIn(short) {
  const found = new Map();
  for (const [name, text] of short) found.set(text, [...(found.get(text) ?? []), name]);
  return [...found.values()];
}

/** What comes from a place on, as much of it as fits. */
function behind(name, from, fits) {
  const start = from ? CUT + name.slice(from) : name;
  let text = start;
  for (let n = start.length - 1; n > 1 && !fits(text); n--) text = start.slice(0, n) + CUT;
  return text;
}

/** How many characters all of them begin with. */
function prefixOf(names) {
  let n = 0;
  while (n < names[0].length && names.every((name) => name[n] === names[0][n])) n++;
  return n;
}
