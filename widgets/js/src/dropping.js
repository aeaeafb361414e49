// An image from a file: chosen, or dropped anywhere on the widget. The kernel runs it; nothing leaves the machine.

import { h } from "./dom.js";
import { imageBytes } from "./inspector-file.js";

/** `tell(problem)` is told of a file that is no image. */
export function makeDrop(root, store, tell) {
  const element = h("input", { type: "file", accept: "image/*", class: "sr", tabindex: "-1", "aria-label": "Image file" });
  async function give(file) {
    try {
      store.send({ type: "image", name: file.name }, [await imageBytes(file)]);
      tell("");
    } catch (why) {
      tell(`${file.name} cannot be read as an image: ${why.message}`);
    }
  }
  element.addEventListener("change", () => element.files[0] && give(element.files[0]).then(() => (element.value = "")));

  let depth = 0;
  const over = (inside) => {
    depth = Math.max(0, inside);
    root.classList.toggle("dropping", depth > 0);
  };
  const carries = (event) => [...event.dataTransfer.types].includes("Files");
  root.addEventListener("dragenter", (event) => carries(event) && (over(depth + 1), event.preventDefault()));
  root.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  root.addEventListener("dragleave", (event) => carries(event) && over(depth - 1));
  root.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    over(0);
    if (event.dataTransfer.files[0]) give(event.dataTransfer.files[0]);
  });
  return { element, open: () => element.click() };
}
