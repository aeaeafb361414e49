// What the browser knows about a gradient check: facts per blob, and a byte per element for its map.

export const WAITING = 0;
export const KINK = 1;
export const NO_NUMBER = 2;
export const PENDING = 3; // disagrees, and may yet turn out to be a kink
export const RIGHT = 4; // from here on errors up to the tolerance, the smallest first
export const WRONG = 132; // from here on errors above it
export const LAST = 255;
const SMALLEST = -12; // log10 of the error that RIGHT stands for

/** Bytes of a DataView, an ArrayBuffer or nothing. */
function bytesOf(data) {
  if (!data) return new Uint8Array(0);
  return data.buffer ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
}

/** log10 of the error that a code stands for; null where it stands for none. */
export function logError(code, tolerance) {
  if (code < RIGHT) return null;
  const limit = Math.log10(tolerance);
  if (code < WRONG) return SMALLEST + ((code - RIGHT) / (WRONG - 1 - RIGHT)) * (limit - SMALLEST);
  return limit + ((code - WRONG) / (LAST - WRONG)) * (0 - limit);
}

export class GradientStore {
  constructor() {
    this.clear();
    this.head = { state: "running", done: 0, total: 0 };
    this.view = { row: null, k: null, table: false };
    this.listeners = new Set();
  }

  clear() {
    this.rows = [];
    this.codes = [];
    this.positions = []; // per row the places in the blob of its sample, null where it is the whole blob
    this.elements = new Map(); // "row:k" -> what the kernel told about an element
    this.curves = new Map(); // "row:k" -> [[step, error]]
  }

  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  changed() {
    for (const listener of this.listeners) listener();
  }

  /** Everything, from the `whole` trait. */
  load(whole) {
    this.clear();
    if (!whole?.head) return;
    this.head = whole.head;
    this.rows = [...whole.rows];
    this.#take(whole.cells, bytesOf(whole.codes), bytesOf(whole.positions));
    this.changed();
  }

  /** What is new, from a message. */
  apply(message, buffers) {
    if (message.type === "again") this.#restart();
    else if (message.type === "element") this.elements.set(`${message.row}:${message.k}`, message);
    else if (message.type === "curve") this.curves.set(`${message.row}:${message.k}`, message);
    else if (message.type === "update") this.#update(message, buffers);
    this.changed();
  }

  #restart() {
    this.clear();
    this.view = { ...this.view, row: null, k: null };
  }

  #update({ head, rows, cells }, buffers) {
    this.head = head;
    for (const [place, row] of Object.entries(rows)) {
      this.rows[place] = row;
      for (const key of this.elements.keys()) if (key.startsWith(`${place}:`)) this.elements.delete(key);
    }
    this.#take(cells, bytesOf(buffers[0]), bytesOf(buffers[1]));
  }

  #take(cells, codes, positions) {
    const places = new Uint32Array(positions.slice().buffer);
    let [at, from] = [0, 0];
    for (const { row, first, n, positions: moved } of cells) {
      const known = this.codes[row] ?? new Uint8Array(0);
      let mine = known;
      if (first + n > known.length) {
        mine = new Uint8Array(first + n);
        mine.set(known);
      }
      mine.set(codes.subarray(at, at + n), first);
      this.codes[row] = mine;
      if (moved) this.positions[row] = places.slice(from, from + moved);
      at += n;
      from += moved;
    }
  }

  get over() {
    return this.head.state === "done";
  }

  get wrongRows() {
    return this.rows.filter((row) => row.verdict === "wrong");
  }

  /** Right, but written although propagate_down is false. */
  get unaskedRows() {
    return this.rows.filter((row) => row.verdict === "unasked");
  }

  /** Number of the row that is looked at: the chosen one, else the first wrong, the present, the first that is
   *  written unasked, or the worst. */
  get selected() {
    if (this.view.row !== null && this.view.row < this.rows.length) return this.view.row;
    const wrong = this.rows.findIndex((row) => row.verdict === "wrong");
    if (wrong >= 0) return wrong;
    const now = this.rows.findLastIndex((row) => row.verdict === "checking" && row.done > 0);
    if (now >= 0 && !this.over) return now;
    const unasked = this.rows.findIndex((row) => row.verdict === "unasked");
    if (unasked >= 0) return unasked;
    return Math.max(0, this.#worst());
  }

  #worst() {
    let [best, largest] = [-1, -1];
    this.rows.forEach((row, i) => {
      const error = row.worst && typeof row.worst.error === "number" ? row.worst.error : -1;
      if (error > largest) [best, largest] = [i, error];
    });
    return best;
  }

  /** The element that is looked at, as the kernel told it; the worst of its row unless one was chosen. */
  get element() {
    const place = this.selected;
    const { row, k } = this.view;
    if (row === place && k !== null) return this.elements.get(`${place}:${k}`) ?? null;
    return this.rows[place]?.worst ?? null;
  }

  /** Number of the element within the sample, null where there is none. */
  get k() {
    const place = this.selected;
    if (this.view.row === place && this.view.k !== null) return this.view.k;
    return this.rows[place]?.worst?.k ?? null;
  }

  /** Its error over the step, [] where that was not measured, null where it is being asked for. */
  get curve() {
    const place = this.selected;
    const row = this.rows[place];
    if (!row) return [];
    const k = this.k;
    if (k === row.worst?.k && row.curve?.length) return row.curve;
    return this.curves.get(`${place}:${k}`)?.curve ?? null;
  }

  setView(change) {
    this.view = { ...this.view, ...change };
    this.changed();
  }
}
