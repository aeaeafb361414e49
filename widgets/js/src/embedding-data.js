// Points of an embedding as numbers: where they lie on the screen, which is nearest, which lie within a line.

export const COLOURS = 7; // --owl-c-0 to --owl-c-6
export const SHAPES = ["circle", "square", "up", "diamond", "down", "cross"]; // of 7 × 6 classes each has its own look
export const ZOOMS = { least: 0.5, most: 60 };
const FILLED = 0.92; // share of the plot that all points fill

/** How the mark of a class looks: { colour, shape }, both numbers. */
export const lookOf = (group) => ({ colour: group % COLOURS, shape: group % SHAPES.length });

/** Float32 x, y one after the other, or nothing, from a buffer that may begin anywhere. */
export function floatsOf(view) {
  return view?.byteLength ? new Float32Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Float32Array(0);
}

/** Whole numbers of 2 or 4 bytes from a buffer. */
export function wholesOf(view, Kind) {
  return view?.byteLength ? new Kind(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength)) : new Kind(0);
}

/** { x, y: middle, width, height } of all points. */
export function boundsOf(points) {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (let i = 0; i < points.length; i += 2) {
    left = Math.min(left, points[i]);
    right = Math.max(right, points[i]);
    low = Math.min(low, points[i + 1]);
    high = Math.max(high, points[i + 1]);
  }
  if (!(right >= left)) return { x: 0, y: 0, width: 1, height: 1 };
  return { x: (left + right) / 2, y: (low + high) / 2, width: right - left || 1, height: high - low || 1 };
}

/** From data to a plot of width × height and back. zoom: { x, y, k } in data, null shows all. Both axes have one
 *  scale: what counts is distance. */
export function cameraOf(bounds, zoom, width, height, rim = 0) {
  const fit = Math.min(Math.max(1, FILLED * width - 2 * rim) / bounds.width, Math.max(1, FILLED * height - 2 * rim) / bounds.height);
  const { x, y, k } = zoom ?? { x: bounds.x, y: bounds.y, k: 1 };
  const scale = fit * k;
  return {
    scale,
    k,
    toScreen: (px, py) => [width / 2 + (px - x) * scale, height / 2 - (py - y) * scale],
    toData: (sx, sy) => [x + (sx - width / 2) / scale, y - (sy - height / 2) / scale],
  };
}

/** The zoom after a factor at a place of the screen, which keeps what lies there. */
export function zoomedAt(camera, factor, [sx, sy], width, height) {
  const k = Math.max(ZOOMS.least, Math.min(ZOOMS.most, camera.k * factor));
  const [dx, dy] = camera.toData(sx, sy);
  const scale = (camera.scale / camera.k) * k;
  return { x: dx - (sx - width / 2) / scale, y: dy + (sy - height / 2) / scale, k };
}

/** The point nearest to a place of the screen within `reach` pixels, of those that are shown; -1 for none. */
export function nearestAt(screen, shown, [sx, sy], reach) {
  let [best, least] = [-1, reach * reach];
  for (const i of shown) {
    const apart = (screen[2 * i] - sx) ** 2 + (screen[2 * i + 1] - sy) ** 2;
    if (apart <= least) [best, least] = [i, apart];
  }
  return best;
}

/** The next point in the direction of an arrow key: near, and rather straight ahead. */
export function nextTowards(screen, shown, from, key) {
  const direction = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
  if (!direction) return null;
  let [best, least] = [null, Infinity];
  for (const i of shown) {
    const [dx, dy] = [screen[2 * i] - from[0], screen[2 * i + 1] - from[1]];
    const ahead = dx * direction[0] + dy * direction[1];
    if (ahead < 0.5) continue;
    const aside = Math.abs(dx * direction[1]) + Math.abs(dy * direction[0]);
    if (ahead + 2.5 * aside < least) [best, least] = [i, ahead + 2.5 * aside];
  }
  return best;
}

/** Whether a place lies within a closed line [[x, y], ...] (even-odd rule). */
export function within(line, [x, y]) {
  let inside = false;
  for (let i = 0, j = line.length - 1; i < line.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [line[i], line[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
}

/** Points that are shown and lie within a closed line. */
export const selectedBy = (line, screen, shown) => shown.filter((i) => within(line, [screen[2 * i], screen[2 * i + 1]]));

/** How many of these points each class has. */
export function countsOf(indices, each, classes) {
  const counts = new Array(classes).fill(0);
  for (const i of indices) if (each[i] < classes) counts[each[i]]++;
  return counts;
}

/** Points whose nearest neighbour is of another class. */
export function oddOnes(each, nearest, neighbours) {
  const odd = new Set();
  for (let i = 0; i < each.length; i++) if (each[nearest[i * neighbours]] !== each[i]) odd.add(i);
  return odd;
}

/** Where the name of a class is written: the median of its points, [x, y] in data; null without points. */
export function middleOf(points, indices) {
  if (!indices.length) return null;
  const median = (offset) => {
    const values = indices.map((i) => points[2 * i + offset]).sort((a, b) => a - b);
    return values[values.length >> 1];
  };
  return [median(0), median(1)];
}
