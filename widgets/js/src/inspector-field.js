// What one unit in the middle of a layer sees: its receptive field on the image, or on an empty input.

import { h, tokens } from "./dom.js";

const SIDE = 150;

export function makeField() {
  const canvas = h("canvas", { role: "img" });

  /** field: {box: [top, left, height, width], image: [H, W]}; picture: an image that has loaded, or null. */
  function draw(root, field, picture) {
    const [rows, columns] = field.image;
    const k = SIDE / Math.max(rows, columns);
    const [w, tall] = [Math.round(columns * k), Math.round(rows * k)];
    const dense = window.devicePixelRatio || 1;
    canvas.width = w * dense;
    canvas.height = tall * dense;
    canvas.style.width = `${w}px`;
    canvas.style.height = `${tall}px`;
    const [top, left, height, width] = field.box.map((x) => x * k);
    canvas.setAttribute("aria-label", `A unit sees ${field.size[0]} by ${field.size[1]} of ${rows} by ${columns} pixels`);
    const g = canvas.getContext("2d");
    const colour = tokens(root);
    g.scale(dense, dense);
    g.fillStyle = colour["bg-sunk"];
    g.fillRect(0, 0, w, tall);
    if (picture) {
      g.imageSmoothingEnabled = k < 1;
      g.drawImage(picture, 0, 0, w, tall);
    } else {
      g.fillStyle = getComputedStyle(root).getPropertyValue("--owl-m-1");
      g.fillRect(left, top, width, height);
    }
    g.fillStyle = colour.bg;
    g.globalAlpha = picture ? 0.55 : 0;
    g.beginPath();
    g.rect(0, 0, w, tall);
    g.rect(left, top, width, height);
    g.fill("evenodd");
    g.globalAlpha = 1;
    // A line in two colours is seen on any picture; parts outside the image are drawn at its edge.
    const [x0, y0] = [Math.max(left, 1), Math.max(top, 1)];
    const [x1, y1] = [Math.min(left + width, w - 1), Math.min(top + height, tall - 1)];
    const [cx, cy] = [left + width / 2, top + height / 2];
    for (const [ink, thick] of [[colour.ink, 3], [colour.bg, 1.25]]) {
      g.strokeStyle = ink;
      g.lineWidth = thick;
      g.strokeRect(x0, y0, Math.max(x1 - x0, 1), Math.max(y1 - y0, 1));
      g.beginPath();
      g.moveTo(cx - 4, cy);
      g.lineTo(cx + 4, cy);
      g.moveTo(cx, cy - 4);
      g.lineTo(cx, cy + 4);
      g.stroke();
    }
  }
  return { canvas, draw };
}
