// Drawing a long curve costs as much as its pixels, not as its rows: per pixel column the first, least,
// greatest and last value. What is not finite ends a stroke, so a gap stays a gap.

/** Strokes as arrays [x, y, x, y, …] in pixels, of rows from..to (exclusive). */
export function strokes(columns, lo, hi, from, to, toX, toY) {
  const out = [];
  let stroke = [];
  let column = null;
  const flush = () => {
    if (!column) return;
    const { x, first, least, most, last } = column;
    stroke.push(x, toY(first));
    if (most - least > Math.abs(last - first)) {
      const up = last >= first; // the extreme that lies on the way comes last
      stroke.push(x, toY(up ? least : most), x, toY(up ? most : least));
    }
    if (last !== first) stroke.push(x, toY(last));
    column = null;
  };
  const end = () => {
    flush();
    if (stroke.length) out.push(stroke);
    stroke = [];
  };
  for (let i = from; i < to; i++) {
    const a = lo[i];
    const b = hi[i];
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      end();
      continue;
    }
    const exact = toX(columns.iter[i]);
    const pixel = Math.round(exact);
    if (column && column.pixel === pixel) {
      column.least = Math.min(column.least, a);
      column.most = Math.max(column.most, b);
      column.last = b;
    } else {
      flush();
      column = { pixel, x: exact, first: a, least: a, most: b, last: b };
    }
  }
  end();
  return out;
}
