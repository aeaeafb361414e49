// How numbers are written: SPEC "Numbers". Unknown is an en dash, never 0; NaN is written NaN.

export const THIN = "\u202f"; // narrow no-break space: thousands, and before units
export const MINUS = "\u2212";
export const DASH = "\u2013";
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

const known = (x) => x !== null && x !== undefined;
const signed = (text) => text.replace("-", MINUS);

/** 48240 -> "48 240". */
export function integer(x) {
  if (!known(x) || Number.isNaN(x)) return DASH;
  return signed(String(Math.round(x)).replace(/\B(?=(\d{3})+$)/g, THIN));
}

/** 9.1e-4 -> "9.1 × 10⁻⁴" with the given decimals in the mantissa. */
export function scientific(x, decimals = 1) {
  const [mantissa, power] = x.toExponential(decimals).split("e");
  const exponent = Number(power);
  const raised = (exponent < 0 ? "⁻" : "") + String(Math.abs(exponent)).replace(/\d/g, (d) => SUPERSCRIPTS[d]);
  return `${signed(mantissa)}${THIN}×${THIN}10${raised}`;
}

/** Loss and the like: significant digits, scientific below 0.001 and from 100 000 on. */
export function significant(x, digits = 4) {
  if (!known(x)) return DASH;
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x < 0 ? `${MINUS}Inf` : "Inf";
  const rounded = Number(x.toPrecision(digits));
  if (isFar(rounded)) return scientific(x, Math.min(digits - 1, 2));
  if (Math.abs(rounded) >= 10 ** (digits - 1)) return integer(rounded);
  return signed(rounded === 0 ? "0" : rounded.toPrecision(digits));
}

/** Whether a number is so small or large that it has an exponent. */
export const isFar = (x) => x !== 0 && (Math.abs(x) < 1e-3 || Math.abs(x) >= 1e5);

/** The same for narrow columns: 4.6e-5. */
export function compact(x, digits = 4) {
  const far = known(x) && Number.isFinite(x) && isFar(Number(x.toPrecision(digits)));
  return far ? x.toExponential(1).replace(".0", "").replace("+", "") : significant(x, digits);
}

/** A learning rate in at most three digits: 0.001, 0.0076; below 0.0001, and from 100 000 on, as 2.5 × 10⁻⁵. */
export function rate(x) {
  if (!known(x) || !Number.isFinite(x)) return DASH;
  const rounded = Number(x.toPrecision(3));
  const size = Math.abs(rounded);
  if (size === 0 || (size >= 1e-4 && size < 1e5)) return signed(String(rounded));
  return scientific(rounded, 2).replace(/\.?0+(?=\u202f)/, "");
}

const FIELD = 6; // characters that a number field shows at any width

/** Images in a second; 0.43 of a net that needs longer for one. */
export const speed = (x) => (x < 9.95 ? significant(x, 2) : integer(x));

/** A learning rate as text that a number field takes back: 0.0001, and 1e-5 where that would be cut. */
export function rateField(x) {
  if (!known(x) || !Number.isFinite(x)) return "";
  const rounded = Number(x.toPrecision(3));
  const [plain, short] = [String(rounded), rounded.toExponential().replace("+", "")];
  return plain.length > FIELD && short.length < plain.length ? short : plain;
}

/** A number that somebody has typed, maybe in the wide digits of a Japanese keyboard; NaN where it is none. */
export function typed(text) {
  const plain = text.normalize("NFKC").trim();
  return plain === "" ? NaN : Number(plain);
}

/** Per cent with one decimal, 0.583 -> "58.3". */
export function percent(fraction, decimals = 1) {
  return known(fraction) && Number.isFinite(fraction) ? signed((fraction * 100).toFixed(decimals)) : DASH;
}

const UNITS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** Seconds in at most two units: "2 h 54 min", "7 min 43 s", "11 s". */
export function duration(seconds) {
  if (!known(seconds) || !Number.isFinite(seconds)) return DASH;
  const whole = Math.max(0, Math.round(seconds));
  const first = UNITS.findIndex(([, size]) => whole >= size);
  if (first < 0) return `0${THIN}s`;
  const [unit, size] = UNITS[first];
  const parts = [`${Math.floor(whole / size)}${THIN}${unit}`];
  const [nextUnit, nextSize] = UNITS[first + 1] ?? [];
  const rest = nextSize ? Math.floor((whole % size) / nextSize) : 0;
  if (rest) parts.push(`${rest}${THIN}${nextUnit}`);
  return parts.join(" ");
}

/** Time left, rounded the coarser the further away it is, so that it does not twitch. */
export function timeLeft(seconds) {
  if (!known(seconds) || !Number.isFinite(seconds)) return DASH;
  const grain = seconds < 60 ? 1 : seconds < 600 ? 5 : seconds < 3600 ? 60 : seconds < 36000 ? 300 : 1800;
  return duration(Math.max(grain === 1 ? 0 : grain, Math.round(seconds / grain) * grain));
}

/** Axis ticks of the iteration axis: 500, 5k, 1.2M. */
export function tick(x) {
  if (Math.abs(x) >= 1e6) return `${Number((x / 1e6).toPrecision(6))}M`;
  if (Math.abs(x) >= 1e3) return `${Number((x / 1e3).toPrecision(6))}k`;
  return signed(String(Number(x.toPrecision(6))));
}

/** A tick of the loss axis: linear from `lo` to `hi` by `step`, its ticks all alike, or logarithmic (no step). */
export function lossTick(x, { lo, hi, step }) {
  const order = (size) => Math.floor(Math.log10(size) + 1e-9);
  if (!step) return isFar(x) ? scientific(x, 1) : rateField(x);
  if (Math.abs(x) < step / 2) return "0";
  if (isFar(Number(Math.max(Math.abs(lo), Math.abs(hi)).toPrecision(3)))) return scientific(x, Math.max(1, order(Math.abs(x)) - order(step)));
  return step >= 1 ? integer(x) : signed(x.toFixed(-order(step)));
}

/** Bytes in decimal units: "1.1 kB". */
export function bytes(n) {
  if (!known(n)) return DASH;
  if (n < 1000) return `${Math.round(n)}${THIN}B`;
  const [unit, size] = n < 1e6 ? ["kB", 1e3] : n < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  const value = n / size;
  return `${value >= 100 ? Math.round(value) : value.toFixed(1)}${THIN}${unit}`;
}

/** Memory in GB (10⁹ bytes), three significant digits. */
export function gigabytes(n) {
  return known(n) ? (n / 1e9).toFixed(n >= 1e10 ? 1 : 2) : DASH;
}
