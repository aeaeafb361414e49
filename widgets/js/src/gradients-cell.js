// What only the front end can do: put a cell into the notebook, and interrupt the kernel.

/** A function that puts code into a new cell below the one with `element`, null where that cannot be done. */
export function cellInserter(model, element) {
  const notebook = model.widget_manager?.context?.model?.sharedModel;
  if (typeof notebook?.insertCell !== "function") return null;
  return (source) => {
    const cell = element.closest(".jp-Cell");
    const all = [...(cell?.closest(".jp-Notebook")?.querySelectorAll(".jp-Cell") ?? [])];
    const listed = Number(cell?.dataset.windowedListIndex ?? NaN);
    const here = Number.isInteger(listed) ? listed : all.indexOf(cell);
    const at = here < 0 ? notebook.cells.length : here + 1;
    notebook.insertCell(at, { cell_type: "code", source, metadata: { trusted: true } });
    return at;
  };
}

/** Interrupt the kernel, as the notebook's own button does; whether that could be asked for. */
export function interruptKernel(model) {
  const kernel = model.widget_manager?.kernel;
  if (typeof kernel?.interrupt !== "function") return false;
  kernel.interrupt();
  return true;
}

/** Copy text; resolves with whether it is on the clipboard. */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea"); // without a secure context there is no clipboard object
    area.value = text;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
