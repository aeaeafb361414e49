// Where the graph is looked at from: a point (x, y) of the drawing is seen at (x * k + camera.x, y * k + camera.y).

export const SMALLEST = 0.12;
export const LARGEST = 2.5;
const READABLE = 0.7; // smaller letters are not read: rather let a long net run out of sight
const COMFORTABLE = 0.85;
const MARGIN = 14; // pixels around the drawing
const KEPT = 60; // pixels of the drawing that stay in sight, wherever it is moved

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Height of the viewport for a drawing: all of it where that is not too much. */
export function viewHeight(drawing, k) {
  return clamp(Math.ceil(drawing.height * k) + 2 * MARGIN + 4, 120, 400);
}

/** The whole drawing, where it can then be read; else its beginning. `whole`: all of it, read or not. */
export function fit(drawing, width, whole = false) {
  const across = (width - 2 * MARGIN) / drawing.width;
  const down = (400 - 2 * MARGIN) / drawing.height;
  let k = Math.min(across, down, 1);
  if (!whole && k < READABLE) k = Math.min(COMFORTABLE, Math.max(down, 0.5));
  k = clamp(k, SMALLEST, 1);
  const height = viewHeight(drawing, k);
  const free = width - drawing.width * k;
  return { k, x: free > 0 ? free / 2 : MARGIN, y: (height - drawing.height * k) / 2 };
}

/** Zoom by a factor so that what is at (x, y) on the screen stays there. */
export function zoomAt(camera, factor, x, y) {
  const k = clamp(camera.k * factor, SMALLEST, LARGEST);
  const by = k / camera.k;
  return { k, x: x - (x - camera.x) * by, y: y - (y - camera.y) * by };
}

/** The camera, moved as little as keeps some of the drawing in sight. */
export function kept(camera, drawing, width, height) {
  const { k } = camera;
  return {
    k,
    x: clamp(camera.x, KEPT - drawing.width * k, width - KEPT),
    y: clamp(camera.y, KEPT / 2 - drawing.height * k, height - KEPT / 2),
  };
}

/** The camera, moved as little as brings a place into sight; its beginning where it is larger than the view. */
export function showing(camera, place, width, height) {
  const along = (at, size, offset, room) => {
    const [start, end] = [at * camera.k + offset, (at + size) * camera.k + offset];
    if (start < MARGIN || size * camera.k > room - 2 * MARGIN) return offset + MARGIN - start;
    return end > room - MARGIN ? offset + room - MARGIN - end : offset;
  };
  return { k: camera.k, x: along(place.x, place.width, camera.x, width), y: along(place.y, place.height, camera.y, height) };
}

/** The part of the drawing that is seen, in its own pixels. */
export function seen(camera, width, height) {
  return { x: -camera.x / camera.k, y: -camera.y / camera.k, width: width / camera.k, height: height / camera.k };
}

/** Whether part of the drawing is out of sight. */
export function overflows(camera, drawing, width, height) {
  const part = seen(camera, width, height);
  return part.x > 2 || part.y > 2 || part.x + part.width < drawing.width - 2 || part.y + part.height < drawing.height - 2;
}
