// Icons of 16 × 16 units, drawn with the text's colour.

const SHAPES = {
  play: '<path class="f" d="M4.5 2.8v10.4a.6.6 0 0 0 .9.5l8-5.2a.6.6 0 0 0 0-1l-8-5.2a.6.6 0 0 0-.9.5z"/>',
  pause: '<rect class="f" x="3.5" y="3" width="3" height="10" rx="1"/><rect class="f" x="9.5" y="3" width="3" height="10" rx="1"/>',
  step: '<path class="f" d="M3 3.3v9.4a.5.5 0 0 0 .8.4l6.4-4.7a.5.5 0 0 0 0-.8L3.8 2.9a.5.5 0 0 0-.8.4z"/><path d="M12.5 3.5v9"/>',
  stepn:
    '<path class="f" d="M1.5 3.6v8.8a.5.5 0 0 0 .8.4L7 8.4a.5.5 0 0 0 0-.8L2.3 3.2a.5.5 0 0 0-.8.4z"/><path class="f" d="M7.7 3.6v8.8a.5.5 0 0 0 .8.4l4.7-4.4a.5.5 0 0 0 0-.8L8.5 3.2a.5.5 0 0 0-.8.4z"/><path d="M14.5 3.5v9"/>',
  stop: '<rect class="f" x="3.5" y="3.5" width="9" height="9" rx="1.5"/>',
  snapshot:
    '<path d="M2.5 4.2v8.3a1 1 0 0 0 1 1h9a1 1 0 0 0 1-1V5.3L10.7 2.5H3.5a1 1 0 0 0-1 1z"/><path d="M5 2.7v3.3h5V2.7M4.8 13.3V9.5h6.4v3.8"/>',
  log: '<path d="M3 2.5v11h10.5"/><path d="M3 4.5h2M3 9h2M3 11.5h2"/><path d="M7 4c.5 4.5 2.5 6.5 6 7"/>',
  zoom: '<path d="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"/>',
  table: '<rect x="2.5" y="3" width="11" height="10" rx="1"/><path d="M2.5 6.5h11M2.5 9.8h11M6.5 3v10"/>',
  help: '<circle cx="8" cy="8" r="6"/><path d="M6.3 6.3a1.8 1.8 0 1 1 2.5 1.7c-.5.2-.8.6-.8 1.1v.2"/><circle class="f" cx="8" cy="11.4" r=".9"/>',
  down: '<path d="M4 6.2 8 10l4-3.8"/>',
  right: '<path d="M6.2 4 10 8l-3.8 4"/>',
  front: '<path d="M3 5.5h8.5M9 3l2.5 2.5L9 8M13 10.5H4.5M7 8l-2.5 2.5L7 13"/>',
  check: '<path d="M3 8.5 6.5 12 13 4.5" stroke-width="2"/>',
  x: '<path d="M4 4l8 8M12 4l-8 8" stroke-width="2"/>',
  warn: '<path d="M8 2.5 14.5 13.5h-13z"/><path d="M8 6.5v3.3"/><circle class="f" cx="8" cy="11.7" r=".8"/>',
  clock: '<circle cx="8" cy="8" r="5.8"/><path d="M8 4.8V8l2.3 1.5"/>',
  wait: '<circle cx="8" cy="8" r="5.5" stroke-dasharray="2.5 2.5"/>',
  copy: '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M3.5 10.5h-.2a.8.8 0 0 1-.8-.8V3.3a.8.8 0 0 1 .8-.8h6.4a.8.8 0 0 1 .8.8v.2"/>',
  cell: '<rect x="2.5" y="3" width="11" height="10" rx="1"/><path d="m5 6.5 2 1.5-2 1.5M8.5 10H11"/>',
  kink: '<path d="M2.5 12 8 5l5.5 7" stroke-width="2"/>',
  approx: '<path d="M3 6.5c2-2 4-2 5-.8s3 1.200 5-.8M3 11c2-2 4-2 5-.8s3 1.200 5-.8" stroke-width="1.7"/>',
  search: '<circle cx="7" cy="7" r="4.3"/><path d="m10.3 10.3 3.2 3.2"/>',
  plus: '<path d="M8 3v10M3 8h10"/>',
  minus: '<path d="M3 8h10"/>',
  fit: '<path d="M2.5 8h11M4.8 5.5 2.3 8l2.5 2.5M11.2 5.5 13.7 8l-2.5 2.5"/>',
  compare: '<path d="M2.5 5.5h10M10 3l2.7 2.5L10 8M13.5 10.5h-10M6 8l-2.7 2.5L6 13"/>',
  unfold: '<path d="M5.5 3.5 2 8l3.5 4.5M10.5 3.5 14 8l-3.5 4.5"/>',
  fold: '<path d="M2.5 3.5 6 8l-3.5 4.5M13.5 3.5 10 8l3.5 4.5"/>',
  image: '<rect x="2.5" y="3" width="11" height="10" rx="1"/><circle cx="6" cy="6.5" r="1.2"/><path d="m3 12 3.7-3.5 2.3 2 2-1.8 2.5 2.3"/>',
  undo: '<path d="M3 6.5h6.5a3.5 3.5 0 0 1 0 7H6M3 6.5 5.8 3.7M3 6.5l2.8 2.8"/>',
};

export const icon = (name) => `<svg class="ic" viewBox="0 0 16 16" aria-hidden="true">${SHAPES[name]}</svg>`;

const marked = (token, dash, hollow, shape) =>
  `<path d="M0 6h20" stroke="var(--owl-${token})" stroke-width="${hollow ? 1.5 : 1.75}"${dash}/><g fill="var(--owl-${hollow ? "bg" : token})"${hollow ? ` stroke="var(--owl-${token})" stroke-width="1.5"` : ""}>${shape}</g>`;

/** Swatch of the tests of a net; `shape` is its mark. */
export function testSwatch(what, shape) {
  const inner = what === "loss" ? marked("test", ' stroke-dasharray="5 3"', true, shape) : marked("acc", "", false, shape);
  return `<svg class="sw" width="20" height="12" aria-hidden="true">${inner}</svg>`;
}

/** Swatch of a run: solid for the one in front, then the dashes of the tokens. */
export function runSwatch(k) {
  const dash = k ? ` style="stroke-dasharray:var(--owl-dash-run-${k + 1})"` : "";
  return `<svg class="sw" width="22" height="12" aria-hidden="true"><path d="M0 6h22" stroke="var(--owl-ink)" stroke-width="${k ? 1.5 : 2}"${dash}/></svg>`;
}

/** Swatch of a curve in the legend; blank where nothing is drawn as a curve (the learning rate). */
export function swatch(series) {
  const shapes = {
    train: '<path d="M0 6h20" stroke="var(--owl-train)" stroke-width="2"/>',
    past: '<path d="M0 6h20" stroke="var(--owl-train)" stroke-width="1.75" opacity="var(--owl-past-alpha)"/>',
    raw: '<path d="M0 7l2-3 2 5 3-6 2 5 3-4 2 5 2-6 2 4 2-2" stroke="var(--owl-train)" fill="none" opacity=".55"/>',
  };
  return `<svg class="sw" width="20" height="12" aria-hidden="true">${shapes[series] ?? ""}</svg>`;
}
