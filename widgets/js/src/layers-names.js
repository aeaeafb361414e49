// Names that are too long for the gutter, made shorter such that what tells layers apart stays. The rule is that of
// owlkit_widgets/layer_names.py.

const CUT = "…";
const CONTEXT = 5; // characters before the first by which two names differ
const SHORT = 4; // letters of a word that is whole as long as others can give way: conv, fire, pool

/** `names` -> what is written of each: as it is where `fits(text)`, else shorter, no two alike. */
export function shortNames(names, fits) {
  const short = new Map(names.map((name) => [name, shorten(name, fits)]));
  for (const text of new Set(short.values())) {
    const alike = [...short.keys()].filter((name) => short.get(name) === text);
    if (alike.length > 1) for (const name of alike) short.set(name, behind(name, Math.max(0, prefixOf(alike) - CONTEXT), fits));
  }
  return short;
}

/** Long words lose their ends, then short ones: "fire2/squeeze1x1" becomes "fire2/sq…1x1". Numbers stay. */
export function shorten(name, fits) {
  const parts = name.match(/[A-Za-z]+|[^A-Za-z]+/g) ?? [];
  const kept = parts.map((part) => part.length);
  let text = name;
  while (!fits(text)) {
    const words = [...parts.keys()].filter((k) => kept[k] > 1 && isWord(parts[k]));
    if (!words.length) return behind(name, 0, fits);
    const long = words.filter((k) => parts[k].length > SHORT);
    const i = (long.length ? long : words).reduce((best, k) => (kept[k] > kept[best] ? k : best));
    kept[i] -= kept[i] === parts[i].length ? 2 : 1; // the first cut makes room for its mark
    text = parts.map((part, k) => (kept[k] < part.length ? part.slice(0, Math.max(1, kept[k])) + CUT : part)).join("");
    text = text.replace(/…[_.-]/g, CUT);
  }
  return text;
}

const isWord = (part) => /^[A-Za-z]{3,}$/.test(part);

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
