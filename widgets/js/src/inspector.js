// Entry of the inspector: the model's traits in, one view per place where it is shown.

import { h } from "./dom.js";
import { makeHelp } from "./help.js";
import { makeAnswer } from "./inspector-answer.js";
import { makeBar, makeFoot, makeHead, makeSaid } from "./inspector-bar.js";
import { makeDetail } from "./inspector-detail.js";
import { makeGraph } from "./inspector-graph.js";
import { INSPECTOR_KEYS, listenToInspectorKeys } from "./inspector-keys.js";
import { InspectorStore } from "./inspector-store.js";
import { makeInspectorTable } from "./inspector-table.js";
import { schedule } from "./schedule.js";
import { makeTooltip } from "./tooltip.js";

const ALL = ["net", "cards", "order", "drawing", "detail", "tiles", "answer", "timing", "said", "view", "word"];

function view(store, el) {
  const root = h("div", { class: "owl insp", role: "region", "aria-label": `Inspector: ${store.net.name}` });
  el.append(root); // first, so that the colours of the theme can be read
  const graph = makeGraph(store);
  const head = makeHead(store);
  const help = makeHelp(() => root.querySelector('[data-act="help"]').focus(), INSPECTOR_KEYS, "while the inspector has the focus");
  const bar = makeBar(store, graph, { help: () => help.toggle() });
  const said = makeSaid(store);
  const table = makeInspectorTable(store, graph);
  const answer = makeAnswer(store, root);
  const detail = makeDetail(store, graph, () => (store.answer.image && answer.picture.complete && answer.picture.naturalWidth ? answer.picture : null));
  const foot = makeFoot(store);
  const tooltip = makeTooltip(root, bar.element, bar.tip);
  const left = h("div", { class: "left" }, table.element, answer.element);
  root.append(head.element, bar.element, said.element, graph.element, h("div", { class: "body" }, left, detail.element), foot.element, help.element, tooltip.element);
  listenToInspectorKeys(root, { store, graph, bar, help, tooltip, answer });
  answer.picture.addEventListener("load", () => detail.update(root));

  function update(asked) {
    const topics = asked.has("start") ? new Set([...asked, ...ALL]) : asked;
    const any = (...some) => some.some((topic) => topics.has(topic));
    for (const part of [head, bar, said, foot]) part.update();
    table.update(topics); // before the graph: it knows what the field has found
    graph.update(topics);
    answer.update(topics);
    if (any("detail", "tiles", "answer", "cards", "net", "timing", "size", "theme")) detail.update(root);
    if (any("size", "theme", "view")) graph.redraw();
  }

  return { root, update, resize: (width) => graph.resize(width) };
}

export default {
  render({ model, el }) {
    const store = new InspectorStore(model);
    const stop = schedule(store, view(store, el));
    return () => {
      stop();
      store.dispose();
    };
  },
};
