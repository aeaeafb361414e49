// Lines with rounded corners, and the arrows at their ends.

const RADIUS = 7;
const ARROW = 8; // pixels

const far = (a, b) => Math.abs(a[0] - b[0]) + Math.abs(a[1] - b[1]);

function towards(a, b, distance) {
  const share = distance / (far(a, b) || 1);
  return [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share];
}

const write = ([x, y]) => `${+x.toFixed(1)} ${+y.toFixed(1)}`;

/** Path data of a line through corners, whose pieces are level or upright. */
export function rounded(points, radius = RADIUS) {
  let path = `M${write(points[0])}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [before, at, after] = [points[i - 1], points[i], points[i + 1]];
    const r = Math.min(radius, far(before, at) / 2, far(at, after) / 2);
    path += `L${write(towards(at, before, r))}Q${write(at)} ${write(towards(at, after, r))}`;
  }
  return path + `L${write(points.at(-1))}`;
}

/** A line that ends in an arrow stops before its tip. */
export function shortened(points) {
  const [x, y] = points.at(-1);
  return [...points.slice(0, -1), [x - 5, y]];
}

export function arrow([x, y]) {
  return `M${x - ARROW} ${y - 4.5}L${x - 1} ${y}L${x - ARROW} ${y + 4.5}z`;
}

/** Where a note fits on a line: the beginning of its longest level piece. */
export function noteAt(points) {
  let best = null;
  for (let i = 1; i < points.length; i++) {
    const [a, b] = [points[i - 1], points[i]];
    if (a[1] === b[1] && (!best || b[0] - a[0] > best.length)) best = { x: a[0], y: a[1], length: b[0] - a[0] };
  }
  return best;
}
