// A blob's channels as tiles: light is small, dead channels have a dashed frame.

import { fill, h, tokens } from "./dom.js";
import { integer, significant } from "./format.js";
import { icon } from "./icons.js";
import { gradient, ramps, SIZE } from "./ramp.js";

const GAP = 3;

/** Columns, side of a tile and rows for so many tiles of a shape in a width. */
export function gridOf(count, width, tallness) {
  const columns = count === 1 ? 1 : Math.min(16, Math.max(4, count));
  const side = count === 1 ? Math.min(width, 256) : Math.min((width - (columns - 1) * GAP) / columns, 64);
  return { columns, side, tall: side * tallness, rows: Math.ceil(count / columns) };
}

export function makeTiles(store) {
  const canvas = h("canvas", { role: "img" });
  const title = h("h4");
  const caption = h("span", { class: "tick" });
  const low = h("span");
  const high = h("span");
  const words = h("span");
  const scale = h("i", { class: "scale", style: `background:${gradient(SIZE)}` });
  const button = (name, turn) => h("button", { type: "button", class: `btn small${turn ? " turned" : ""}`, "aria-label": name, title: name, html: icon("right") });
  const [before, after] = [button("Previous channels", true), button("Next channels", false)];
  const pick = h("select", { "aria-label": "Blob to look at" });
  const key = h("div", { class: "line tick" }, low, scale, high, words, h("span", { class: "sp" }), before, after);
  const hint = h("p", { class: "mut hint" });
  const element = h("section", { class: "blob" }, h("div", { class: "h4r" }, title, pick, caption), hint, canvas, key);

  before.addEventListener("click", () => turn(-1));
  after.addEventListener("click", () => turn(1));
  pick.addEventListener("change", () => store.choose({ blob: pick.value, page: 0 }));
  const turn = (by) => {
    const page = store.tiles.page + by;
    if (page >= 0 && page < store.tiles.pages) store.choose({ page });
  };

  function update(root, width) {
    const { tiles, detail } = store;
    const shown = Boolean(tiles.blob) && (detail.blobs ?? []).includes(tiles.blob);
    for (const part of [canvas, key, caption]) part.hidden = !shown;
    pick.hidden = !shown || detail.blobs.length < 2;
    title.textContent = shown ? `Blob ${tiles.blob}` : "Blob";
    hint.hidden = shown;
    hint.textContent = hintFor(store);
    if (!shown) return;
    fill(pick, [detail.blobs, tiles.blob], () => detail.blobs.map((name) => h("option", { value: name, text: name, selected: name === tiles.blob })));
    const vector = tiles.shape.length === 1;
    caption.textContent = vector ? `${integer(tiles.shape[0])} values` : `channels ${tiles.first}–${tiles.first + tiles.count - 1} of ${tiles.shape[0]}`;
    low.textContent = significant(tiles.low, 3);
    high.textContent = significant(tiles.high, 3);
    const dead = tiles.dead.length ? `, ${tiles.dead.length} ∅ dead` : "";
    const broken = tiles.not_finite ? `, ${tiles.not_finite} NaN or infinite` : "";
    words.textContent = `zero at ${(100 * tiles.zeros).toFixed(0)}\u202f% of positions${dead}${broken}`;
    before.disabled = tiles.page === 0;
    after.disabled = tiles.page >= tiles.pages - 1;
    before.hidden = after.hidden = tiles.pages < 2;
    draw(root, width);
  }

  function draw(root, width) {
    const { tiles } = store;
    const grid = gridOf(tiles.count, width, tiles.height / tiles.width);
    const used = grid.columns * grid.side + (grid.columns - 1) * GAP;
    const high = grid.rows * grid.tall + (grid.rows - 1) * GAP;
    const dense = window.devicePixelRatio || 1;
    canvas.width = Math.round(used * dense);
    canvas.height = Math.round(high * dense);
    canvas.style.width = `${used}px`;
    canvas.style.height = `${high}px`;
    canvas.setAttribute("aria-label", `${caption.textContent} of blob ${tiles.blob}, values from ${low.textContent} to ${tiles.high}, ${words.textContent}`);
    const g = canvas.getContext("2d");
    g.scale(dense, dense);
    g.imageSmoothingEnabled = false;
    const colours = ramps(root).size;
    const levels = new Uint8Array(tiles.data.buffer ?? tiles.data, tiles.data.byteOffset ?? 0, tiles.data.byteLength);
    const size = tiles.width * tiles.height;
    const small = new OffscreenCanvas(tiles.width, tiles.height);
    const pen = small.getContext("2d");
    const image = pen.createImageData(tiles.width, tiles.height);
    const dead = new Set(tiles.dead);
    for (let i = 0; i < tiles.count; i++) {
      for (let p = 0; p < size; p++) {
        const level = 3 * levels[i * size + p];
        image.data.set([colours[level], colours[level + 1], colours[level + 2], 255], 4 * p);
      }
      pen.putImageData(image, 0, 0);
      const [x, y] = [(i % grid.columns) * (grid.side + GAP), Math.floor(i / grid.columns) * (grid.tall + GAP)];
      g.drawImage(small, x, y, grid.side, grid.tall);
      if (dead.has(tiles.first + i)) mark(g, root, x, y, grid);
    }
  }
  return { element, update };
}

function hintFor({ net, answer }) {
  if (!net.weighted) return "Without weights no image can be run through the net.";
  return answer.image ? "This layer's top holds no values of the image." : "Give the net an image to see what this layer makes of it.";
}

function mark(g, root, x, y, grid) {
  g.strokeStyle = tokens(root).warn || getComputedStyle(root).getPropertyValue("--owl-warn");
  g.lineWidth = 1.25;
  g.setLineDash([3, 2]);
  g.strokeRect(x + 0.6, y + 0.6, grid.side - 1.2, grid.tall - 1.2);
  g.setLineDash([]);
}
