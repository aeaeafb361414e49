// Tiles of filters, and the frames around those that do no work.

/** What marks a filter: the same glyphs and dashes as in owlkit.show_filters. */
export const MARKS = {
  dead: { glyph: "∅", word: "dead", dash: [3, 2] },
  broken: { glyph: "✕", word: "NaN or infinite", dash: [] },
  duplicate: { glyph: "=", word: "duplicate", dash: [] },
  noise: { glyph: "~", word: "still noise", dash: [1, 1.5] },
};
const TAG = 11.5; // pixels of the square that holds a glyph

/** One filter, `size` pixels wide. */
export function paintTile(g, film, frame, tile, x, y, size, { scale, plane }) {
  const small = new OffscreenCanvas(film.width, film.height);
  small.getContext("2d").putImageData(new ImageData(film.pixels(frame, tile, scale, plane), film.width, film.height), 0, 0);
  g.imageSmoothingEnabled = false;
  g.drawImage(small, x, y, size, size);
}

/** All filters; the canvas reaches 4 pixels beyond the grid on every side. */
export function paintGrid(g, film, frame, grid, look, colours) {
  g.translate(4, 4);
  const place = (i) => [(i % grid.columns) * (grid.tile + grid.gap), Math.floor(i / grid.columns) * (grid.tile + grid.gapY)];
  for (let i = 0; i < film.tiles; i++) {
    const [x, y] = place(i);
    paintTile(g, film, frame, i, Math.round(2 * x) / 2, y, grid.tile, look);
  }
  for (let i = 0; i < film.tiles; i++) {
    const mark = film.mark(frame, i);
    if (mark) paintMark(g, MARKS[mark.kind], ...place(i), grid.tile, colours);
  }
  if (look.selected === null || look.selected >= film.tiles) return;
  const [x, y] = place(look.selected);
  g.strokeStyle = colours.focus;
  g.lineWidth = 2;
  g.strokeRect(x - 2, y - 2, grid.tile + 4, grid.tile + 4);
}

function paintMark(g, { glyph, dash }, x, y, tile, colours) {
  g.setLineDash(dash);
  g.strokeStyle = g.fillStyle = colours.warn;
  g.lineWidth = 1.5;
  g.strokeRect(x - 1, y - 1, tile + 2, tile + 2);
  g.setLineDash([]);
  g.fillRect(x + tile + 2 - TAG, y + tile + 2 - TAG, TAG, TAG);
  g.font = `700 10px ${colours.font}`;
  g.fillStyle = colours.bg;
  g.textAlign = "center";
  g.textBaseline = "middle";
  g.fillText(glyph, x + tile + 2 - TAG / 2, y + tile + 2.5 - TAG / 2);
}
