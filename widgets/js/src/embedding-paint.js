// Marks of images on a canvas: pictures, shapes, names of classes, and the line of a selection.

import { SHAPES, lookOf } from "./embedding-data.js";

const FRAME = 2;
const FADED = 0.14; // of what is not selected

/** All thumbnails side by side in one picture, from which the plot takes them. */
export function makeAtlas(bytes, side, count) {
  const columns = Math.max(1, Math.ceil(Math.sqrt(count)));
  const canvas = new OffscreenCanvas(columns * side, Math.max(1, Math.ceil(count / columns)) * side);
  const g = canvas.getContext("2d");
  const pixels = new ImageData(side, side);
  for (let i = 0; i < count; i++) {
    for (let p = 0, q = 3 * i * side * side; p < pixels.data.length; p += 4, q += 3) {
      pixels.data[p] = bytes[q];
      pixels.data[p + 1] = bytes[q + 1];
      pixels.data[p + 2] = bytes[q + 2];
      pixels.data[p + 3] = 255;
    }
    g.putImageData(pixels, (i % columns) * side, Math.floor(i / columns) * side);
  }
  return { canvas, at: (i) => [(i % columns) * side, Math.floor(i / columns) * side, side, side] };
}

/** The path of a shape around x, y with radius r. */
export function shapePath(g, shape, x, y, r) {
  g.beginPath();
  const kind = SHAPES[shape];
  if (kind === "circle") g.arc(x, y, r, 0, 7);
  else if (kind === "square") g.rect(x - 0.86 * r, y - 0.86 * r, 1.72 * r, 1.72 * r);
  else if (kind === "cross") cross(g, x, y, r);
  else polygon(g, { up: [[0, -1.15], [1.05, 0.75], [-1.05, 0.75]], down: [[0, 1.15], [1.05, -0.75], [-1.05, -0.75]], diamond: [[0, -1.2], [1.1, 0], [0, 1.2], [-1.1, 0]] }[kind], x, y, r);
}

function polygon(g, corners, x, y, r) {
  corners.forEach(([cx, cy], k) => g[k ? "lineTo" : "moveTo"](x + cx * r, y + cy * r));
  g.closePath();
}

function cross(g, x, y, r) {
  const [a, b] = [1.05, 0.36];
  const arm = [[-b, -a], [b, -a], [b, -b], [a, -b], [a, b], [b, b], [b, a], [-b, a], [-b, b], [-a, b], [-a, -b], [-b, -b]];
  polygon(g, arm, x, y, r);
}

/** A mark of a class, with a rim of paper so that neighbours can be told apart. */
export function paintShape(g, group, x, y, r, colours) {
  const { colour, shape } = lookOf(group);
  shapePath(g, shape, x, y, r);
  g.fillStyle = colours.classes[colour];
  g.fill();
  g.lineWidth = 1;
  g.strokeStyle = colours.bg;
  g.stroke();
}

/** All marks: `order` is that in which they are painted; `faint(i)` tells those that are not selected. */
export function paintMarks(g, { order, screen, groups, atlas, marks, size, faint }, colours) {
  for (const i of order) {
    const [x, y] = [screen[2 * i], screen[2 * i + 1]];
    g.globalAlpha = faint(i) ? FADED : 1;
    if (marks === "pictures") paintPicture(g, atlas, i, groups, x, y, size, colours);
    else paintShape(g, groups.length ? groups[i] : 0, x, y, Math.max(2.5, size / 6), colours);
  }
  g.globalAlpha = 1;
}

function paintPicture(g, atlas, i, groups, x, y, size, colours) {
  const [left, top] = [x - size / 2, y - size / 2];
  if (groups.length) {
    g.fillStyle = colours.classes[lookOf(groups[i]).colour];
    g.fillRect(left - FRAME, top - FRAME, size + 2 * FRAME, size + 2 * FRAME);
  }
  g.imageSmoothingEnabled = size * (globalThis.devicePixelRatio || 1) < 2 * atlas.at(0)[2];
  g.drawImage(atlas.canvas, ...atlas.at(i), left, top, size, size);
}

/** A ring around an image that is looked at. */
export function paintLooked(g, x, y, radius, square, colours) {
  for (const [colour, width, grow] of [[colours.halo, 5, 0], [colours.focus, 2.5, 0]]) {
    g.strokeStyle = colour;
    g.lineWidth = width;
    g.beginPath();
    if (square) g.rect(x - radius - grow, y - radius - grow, 2 * radius, 2 * radius);
    else g.arc(x, y, radius, 0, 7);
    g.stroke();
  }
}

/** The name of a class over its points. */
export function paintName(g, text, x, y, colours) {
  g.font = `600 13px ${colours.font}`;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.lineJoin = "round";
  g.lineWidth = 4;
  g.strokeStyle = colours.bg;
  g.strokeText(text, x, y);
  g.fillStyle = colours.ink;
  g.fillText(text, x, y);
}

/** The line that is being drawn around points. */
export function paintLine(g, line, colours) {
  g.beginPath();
  line.forEach(([x, y], k) => g[k ? "lineTo" : "moveTo"](x, y));
  g.closePath();
  g.globalAlpha = 0.12;
  g.fillStyle = colours.focus;
  g.fill();
  g.globalAlpha = 1;
  g.setLineDash([5, 3]);
  g.lineWidth = 1.5;
  g.strokeStyle = colours.focus;
  g.stroke();
  g.setLineDash([]);
}
