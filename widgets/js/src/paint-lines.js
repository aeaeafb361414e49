// Lines of the chart on a canvas.

/** Strokes as decimate.js makes them. */
export function trace(g, list, cap = "round") {
  g.lineCap = cap;
  g.beginPath();
  for (const stroke of list) {
    g.moveTo(stroke[0], stroke[1]);
    for (let k = 2; k < stroke.length; k += 2) g.lineTo(stroke[k], stroke[k + 1]);
    if (stroke.length === 2) g.lineTo(stroke[0] + 0.01, stroke[1]); // one point alone is still seen
  }
  g.stroke();
  g.lineCap = "butt";
}

/** Points [x, y]; one with `gap` ends a line. */
export function polyline(g, points) {
  g.beginPath();
  points.forEach(([x, y], i) => (i && !points[i - 1].gap ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.stroke();
}

/** Points of a test series in pixels; a value that is not finite leaves a gap. */
export function testPoints(tests, key, px, py) {
  const out = [];
  for (const test of tests) {
    const value = test[key];
    if (Number.isFinite(value)) out.push([px(test.iter), py(value)]);
    else if (value !== null && value !== undefined && out.length) out.at(-1).gap = true;
  }
  return out;
}
