// Several test nets of one run: hue says what is measured, the mark says by which net.

const KEYS = { loss: "test", accuracy: "acc" };

/** Key of a curve in the legend and in what is hidden: "test" and "acc" of the first net, "test1", "acc1", ... */
export const seriesKey = (what, net) => KEYS[what] + (net || "");

/** Numbers of the test nets seen so far, at least the first; a further accuracy of a net has a number of its own. */
export function testNets(tests) {
  const found = new Set([0]);
  for (const test of tests) found.add(test.net ?? 0);
  return [...found].sort((a, b) => a - b);
}

/** Added to a net's number for each further accuracy of it; as in owlkit_widgets/outputs.py. */
const FURTHER = 1000;

/** Whether that number stands for a net itself, not for a further accuracy of one. */
export const isNet = (net) => net < FURTHER;

/** What a test net is called beside "test loss": nothing where there is one, its name where that tells, else #n. */
export function netLabel(tests, net) {
  const nets = testNets(tests).filter(isNet);
  if (nets.length < 2) return "";
  const names = new Map();
  for (const test of tests) if (test.name && isNet(test.net ?? 0)) names.set(test.net ?? 0, test.name);
  const own = names.get(net % FURTHER);
  const unique = own && [...names.values()].filter((name) => name === own).length === 1;
  return unique ? own : `#${net % FURTHER}`;
}

/** "test loss" or "accuracy %", with the name of the net where there are several; of several accuracies each has
 *  the name of its output. */
export function testLabel(tests, what, net) {
  const top = tests.find((test) => (test.net ?? 0) === net && test.top)?.top;
  const measured = what === "loss" ? "test loss" : top ? `${top} %` : "accuracy %";
  return `${measured} ${netLabel(tests, net)}`.trim();
}

/** Rows of one test net. */
export const ofNet = (tests, net) => tests.filter((test) => (test.net ?? 0) === net);

/** Marks of test nets, in order; the first net's are those of the design. A path around (x, y). */
const OUTLINES = [
  { loss: "circle", accuracy: "diamond" },
  { loss: "square", accuracy: "triangle" },
  { loss: "triangle", accuracy: "square" },
  { loss: "diamond", accuracy: "circle" },
];
const DRAW = { circle, diamond, square, triangle };

const shapeOf = (what, net) => OUTLINES[(Math.floor(net / FURTHER) + net) % OUTLINES.length][what];

export function outline(g, what, net, x, y) {
  g.beginPath();
  DRAW[shapeOf(what, net)](g, x, y);
}

function circle(g, x, y) {
  g.arc(x, y, 3, 0, 7);
}

function diamond(g, x, y) {
  polygon(g, [[x, y - 4], [x + 4, y], [x, y + 4], [x - 4, y]]);
}

function square(g, x, y) {
  g.rect(x - 2.75, y - 2.75, 5.5, 5.5);
}

function triangle(g, x, y) {
  polygon(g, [[x, y - 3.75], [x + 3.75, y + 2.75], [x - 3.75, y + 2.75]]);
}

function polygon(g, points) {
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.closePath();
}

const SHAPES = {
  circle: '<circle cx="10" cy="6" r="3"/>',
  diamond: '<path d="M10 2l4 4-4 4-4-4z"/>',
  square: '<rect x="7.25" y="3.25" width="5.5" height="5.5"/>',
  triangle: '<path d="M10 2.25l3.75 6.5h-7.5z"/>',
};

/** The mark of a test net as part of a swatch. */
export const markShape = (what, net) => SHAPES[shapeOf(what, net)];
