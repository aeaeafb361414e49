// Axis ranges and ticks. The y range is robust (1st to 99th percentile), grows at once and shrinks only on
// reset; the x range grows in steps, so that axes do not rescale on every tick.

/** The nearest of 1, 2, 5 × 10ⁿ at or above x. */
export function nice(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  const mantissa = x / power;
  return power * (mantissa <= 1.0001 ? 1 : mantissa <= 2.0001 ? 2 : mantissa <= 5.0001 ? 5 : 10);
}

/** Value at a quantile of a sorted array. */
export function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.round(q * (sorted.length - 1))))];
}

const finite = (values) => values.filter((v) => Number.isFinite(v));
const clean = (x) => Number(x.toPrecision(12));

/** Robust [least, greatest] of sampled values that also holds every value of `always`; null where empty. */
export function robust(values, always = []) {
  const sorted = finite(values).sort((a, b) => a - b);
  const keep = finite(always);
  if (!sorted.length && !keep.length) return null;
  const ends = sorted.length ? [quantile(sorted, 0.01), quantile(sorted, 0.99)] : [];
  const all = [...ends, ...keep];
  return [Math.min(...all), Math.max(...all)];
}

/** Up to where losses count as calm: four times their body, and at least where the curve begins in sight: most
 *  of a training is far below its start, which belongs to it. A blow-up lies above. */
export function calm(losses, start = 0) {
  if (!losses.length) return Infinity;
  const body = quantile([...losses].sort((a, b) => a - b), 0.95);
  return Math.max(body + 3 * Math.abs(body), start);
}

const FLAT = 3e-4; // of its size: a curve that differs by less is drawn flat, and its ticks have digits that fit

/** Linear range widened to ticks: { lo, hi, step }. */
export function linear([least, greatest], count = 6) {
  const size = Math.max(Math.abs(least), Math.abs(greatest));
  let span = greatest - least;
  if (span <= 0) span = size * 0.2 || 1;
  const step = nice(Math.max(span, size * FLAT) / count);
  const lo = Math.floor(least / step + 1e-9) * step;
  return { lo: clean(lo), hi: clean(Math.max(Math.ceil(greatest / step - 1e-9) * step, lo + step)), step: clean(step) };
}

const MANTISSAS = [1, 2, 3, 5];

/** Logarithmic range: the ends move out to 1, 2, 3 or 5 × 10ⁿ. */
export function logarithmic([least, greatest]) {
  const grid = [];
  const bottom = Math.max(least, greatest * 1e-9, 1e-30);
  for (let e = Math.floor(Math.log10(bottom)) - 1; e <= Math.ceil(Math.log10(greatest)) + 1; e++)
    for (const m of MANTISSAS) grid.push(clean(m * 10 ** e));
  const lo = grid.filter((v) => v <= bottom * 1.0001).at(-1);
  const hi = grid.find((v) => v >= greatest * 0.9999);
  return { lo, hi: hi > lo ? hi : lo * 10 };
}

/** Ticks of a logarithmic axis, as dense as fits: 1-2-5, 1-3 or decades. */
export function logTicks(lo, hi) {
  const decades = Math.log10(hi / lo);
  const use = decades <= 1.3 ? [1, 2, 3, 5] : decades <= 4 ? [1, 3] : [1];
  const skip = decades > 9 ? Math.ceil(decades / 8) : 1;
  const out = [];
  for (let e = Math.floor(Math.log10(lo)); e <= Math.ceil(Math.log10(hi)); e++) {
    if (e % skip) continue;
    for (const m of use) {
      const v = clean(m * 10 ** e);
      if (v >= lo * 0.9999 && v <= hi * 1.0001) out.push(v);
    }
  }
  return out;
}

/** Ticks of a linear axis. */
export function linearTicks(lo, hi, step) {
  const out = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(clean(k * step));
  return out;
}

/** Step of the iteration axis so that labels keep `room` pixels. */
export function iterationStep(span, pixels, room = 72) {
  return Math.max(1, nice((span * room) / Math.max(1, pixels)));
}

/** Right end of the following x range: grows by about an eighth at a time while the run goes on. */
export function followingEnd(iter, maxIter, live, previous = 0) {
  if (!iter) return Math.max(20, (maxIter || 400) / 20);
  if (!live) return Math.max(iter * 1.025, 2);
  const limit = maxIter ? Math.max(maxIter, iter) * 1.01 : Infinity;
  if (iter * 1.005 <= previous && previous <= iter * 2.5) return Math.min(previous, limit);
  const step = iterationStep(iter * 1.12, 20, 1);
  return Math.min(Math.max(20, Math.ceil((iter * 1.12) / step) * step), limit);
}
