// What the net says about an image that was dropped into the widget or chosen from a file.

import { escape, h } from "./dom.js";
import { percent } from "./format.js";
import { icon } from "./icons.js";

export function makeAnswer(store, root) {
  const title = h("h4", { text: "What it says" });
  const name = h("span", { class: "tick" });
  const file = h("input", { type: "file", accept: "image/*", class: "sr", tabindex: "-1", "aria-label": "Image file" });
  const choose = h("button", { type: "button", class: "btn out", html: `${icon("image")}Choose an image` });
  const words = h("span", { class: "mut" });
  const empty = h("div", { class: "drop" }, choose, words);
  const picture = h("img", { alt: "The image as the net got it" });
  const again = h("button", { type: "button", class: "thumb", title: "Choose another image", "aria-label": "Choose another image" }, picture);
  const bars = h("div", { class: "bars", role: "list", "aria-label": "Most likely classes" });
  const found = h("div", { class: "found" }, again, bars);
  const element = h("section", { class: "says" }, h("div", { class: "h4r" }, title, name), empty, found, file);
  let address = null;

  const open = () => file.click();
  choose.addEventListener("click", open);
  again.addEventListener("click", open);
  file.addEventListener("change", () => file.files[0] && store.give(file.files[0]).then(() => (file.value = "")));

  // Anywhere in the widget will do.
  let depth = 0;
  const carries = (event) => store.net.weighted && [...event.dataTransfer.types].includes("Files");
  root.addEventListener("dragenter", (event) => carries(event) && (depth++, root.classList.add("dropping"), event.preventDefault()));
  root.addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  root.addEventListener("dragleave", (event) => carries(event) && --depth <= 0 && root.classList.remove("dropping"));
  root.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.stopPropagation();
    depth = 0;
    root.classList.remove("dropping");
    if (event.dataTransfer.files[0]) store.give(event.dataTransfer.files[0]);
  });

  function show() {
    const { answer } = store;
    if (address) URL.revokeObjectURL(address);
    address = answer.image ? URL.createObjectURL(new Blob([answer.image], { type: "image/png" })) : null;
    if (address) picture.src = address;
    bars.innerHTML = (answer.classes ?? [])
      .map((label, i) => `<span role="listitem" class="one${i ? "" : " b"}"><span class="lab" title="${escape(label)}">${escape(label)}</span><i class="track"><b style="width:${100 * answer.shares[i]}%"></b></i><span class="val">${percent(answer.shares[i])}\u202f%</span></span>`)
      .join("");
    if (answer.why) bars.textContent = answer.why;
  }

  function update(topics) {
    const { answer, net } = store;
    element.hidden = !net.weighted || net.macs === null;
    title.textContent = net.classifies ? "What it says" : "An image";
    empty.hidden = Boolean(answer.image);
    found.hidden = !answer.image;
    name.textContent = answer.name ?? "";
    words.textContent = "or drop one anywhere on this net: the kernel runs it, nothing leaves this machine";
    if (topics.has("answer")) show();
  }
  return { element, update, picture, open };
}
