// Error of one element against the step of the difference, both on log axes, as SVG: the theme colours it.

import { reading, setting } from "./gradients-text.js";
import { escape } from "./dom.js";

const SIZE = { width: 342, height: 96, left: 36, right: 6, top: 8, bottom: 18 };
const LOW = -12; // log10 of the smallest error drawn
const LOG = { steps: [-10, -1], errors: [LOW, 0] };

/** Place of (step, error) in the picture; errors are cut off at both ends, a word like "Inf" is the top. */
export function place(step, error, size = SIZE) {
  const [s0, s1] = LOG.steps;
  const value = typeof error === "number" ? Math.log10(Math.max(error, 1e-300)) : 0;
  const share = (Math.min(0, Math.max(LOW, value)) - LOW) / -LOW;
  const x = size.left + ((Math.log10(step) - s0) / (s1 - s0)) * (size.width - size.left - size.right);
  return [x, size.height - size.bottom - share * (size.height - size.bottom - size.top)];
}

const line = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
const power = (e) => (e === 0 ? "1" : e === -1 ? setting(1e-5).replace("⁵", "¹") : setting(10 ** e));

/** The picture as markup; `present` is the step of the check. */
export function stepsChart(curve, tolerance, present) {
  const { width, height, left, right } = SIZE;
  const right_ = width - right;
  const wrong = Math.min(...curve.map(([, e]) => (typeof e === "number" ? e : 1))) > tolerance;
  const grid = [-12, -6, 0].map((e) => {
    const [, y] = place(1e-5, 10 ** e);
    return `<path class="gl" d="M${left} ${y}H${right_}"/><text class="tk" x="${left - 6}" y="${y + 4}" text-anchor="end">${power(e)}</text>`;
  });
  const ticks = [-10, -7, -4, -1].map((e) => {
    const [x] = place(10 ** e, 1);
    return `<text class="tk" x="${Math.max(left + 14, Math.min(x, right_ - 10))}" y="${height - 2}" text-anchor="middle">${power(e)}</text>`;
  });
  const [, limit] = place(1e-5, tolerance);
  const points = curve.map(([s, e]) => place(s, e));
  const here = curve.findIndex(([s]) => Math.abs(Math.log10(s / present)) < 1e-6);
  const dot = here < 0 ? "" : `<circle class="dot" cx="${points[here][0]}" cy="${points[here][1]}" r="4"/>`;
  const label = `Relative error against the step: ${reading(curve, tolerance)}`;
  return `<svg class="steps${wrong ? " wrong" : ""}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escape(label)}">${grid.join("")}${ticks.join("")}<path class="tol" d="M${left} ${limit}H${right_}"/><path class="cv" d="${line(points)}"/>${dot}<text class="tl" x="${right_}" y="${limit - 4}" text-anchor="end">tolerance</text></svg>`;
}
