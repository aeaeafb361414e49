// Entry of the widget: `initialize` keeps the run's store for the model's life, `render` makes a view of it.

import { makeAnnouncer } from "./accessibility.js";
import { makeBanner } from "./banner.js";
import { makeChart } from "./chart.js";
import { Commands } from "./commands.js";
import { makeControls } from "./controls.js";
import { h } from "./dom.js";
import { makeFooter } from "./footer.js";
import { makeHeader } from "./header.js";
import { makeHelp } from "./help.js";
import { makeLegend } from "./legend.js";
import { listenToMonitorKeys } from "./monitor-keys.js";
import { makePanels } from "./panels.js";
import { makeRuns } from "./runs.js";
import { schedule } from "./schedule.js";
import { DEFAULT_VIEW, Store } from "./store.js";
import { makeTable } from "./table.js";
import { makeTooltip } from "./tooltip.js";

const SAVE_DELAY = 300; // milliseconds after the last change of the view
const PATIENCE = 10000; // milliseconds without a word (the kernel sends one every three seconds)
const SPEAKING = new Set(["starting", "running", "paused"]); // states in which it does
const TOLD = ["run", "status", "connection"]; // topics that are words: the name of the region, announcements

/** Keep a store in step with the kernel's model. */
function connect(store, model, commands) {
  store.run = model.get("run");
  store.status = model.get("status");
  store.figures = model.get("figures");
  store.view = { ...DEFAULT_VIEW, ...model.get("view") };
  store.load(model.get("history"));
  store.loadReferences(model.get("references"));
  const handlers = {
    "change:run": () => store.set("run", model.get("run")),
    "change:status": () => store.set("status", model.get("status")),
    "change:figures": () => store.set("figures", model.get("figures")),
    "change:history": () => {
      store.run = model.get("run"); // another run may have come to the front
      store.load(model.get("history"));
    },
    "change:references": () => store.loadReferences(model.get("references")),
    "msg:custom": (message, buffers) => {
      if (message.type === "answer") commands.answer(message);
      else if (message.type === "news" && !store.receiveAll(message.parts, buffers)) model.send({ type: "resync" });
    },
    "change:said": () => commands.trouble(model.get("said").text ?? ""),
    "comm_live_update": () => hear(store, false),
    "comm:close": () => hear(store, false),
  };
  const watch = Object.entries(handlers).map(([event, handler]) => {
    if (event.startsWith("comm")) return [event, handler];
    return [event, (...words) => (hear(store, true), handler(...words))];
  });
  for (const [event, handler] of watch) model.on(event, handler);
  store.heard = performance.now();
  const listen = setInterval(() => {
    if (SPEAKING.has(store.state) && performance.now() - store.heard > PATIENCE) hear(store, false);
  }, 1000);
  model.send({ type: "hello" });
  return () => {
    clearInterval(listen);
    for (const [event, handler] of watch) model.off(event, handler);
    commands.dispose();
  };
}

/** The kernel has said something, or is gone. */
function hear(store, there) {
  if (there) store.heard = performance.now();
  if (store.connected === there) return;
  store.connected = there;
  store.changed("connection");
}

/** Write the view's settings back, so that they are there after a reload. */
function remember(store, model) {
  let timer = 0;
  const stop = store.subscribe((topic) => {
    if (topic !== "view") return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      model.set("view", store.view);
      model.save_changes();
    }, SAVE_DELAY);
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}

function view(store, commands, el) {
  const root = h("div", { class: "owl mon", role: "region" });
  el.append(root); // first, so that the colours of the theme can be read
  const header = makeHeader(store);
  const chart = makeChart(store, root);
  const help = makeHelp(() => root.querySelector('[data-act="help"]').focus());
  const controls = makeControls(store, commands, chart, { help: () => help.toggle(), focus: () => chart.element.querySelector(".plot").focus() });
  const runs = makeRuns(store, commands, root);
  const legend = makeLegend(store, chart.cursor, runs.element);
  const table = makeTable(store);
  const footer = makeFooter(store);
  const announcer = makeAnnouncer(store, root);
  const tooltip = makeTooltip(root, controls.element, controls.tip);
  chart.element.append(chart.overview.element, legend.element);
  const panels = makePanels(store, chart, root);
  const banner = makeBanner(store, commands, panels.showLayer);
  const body = h("div", { class: "mon-body" }, header.element, header.progress, controls.element, banner.element, chart.element, table.element, panels.element, footer.element);
  root.append(body, help.element, tooltip.element, announcer.element);
  listenToMonitorKeys(root, { controls, chart, help, store, tooltip, panels });
  const parts = [header, controls, banner, legend, runs, table, footer, announcer];

  function update(topics, seen) {
    chart.element.hidden = store.view.table;
    for (const part of parts) part.update();
    if (!seen) return; // back in sight, all of it is drawn
    const figuresOnly = [...topics].every((topic) => topic === "figures" || topic === "clock");
    if (!chart.element.hidden && !figuresOnly) chart.update();
    panels.update();
  }

  const told = (topics) => TOLD.some((topic) => topics.has(topic));
  const theme = () => (chart.build(), panels.theme());
  return { root, chart, update, told, theme, resize: (width) => chart.resize(width) };
}

export default () => {
  const store = new Store();
  let commands = null;
  return {
    initialize({ model }) {
      // A command is meant for what is shown when its button is pressed, whatever has come of it by now.
      commands = new Commands((content) => model.send({ ...content, run: store.key, state: store.state }));
      const stops = [connect(store, model, commands), remember(store, model)];
      return () => stops.forEach((stop) => stop());
    },
    render({ el }) {
      const shown = view(store, commands, el);
      const stop = schedule(store, shown);
      const clock = setInterval(() => store.state === "paused" && store.changed("clock"), 1000);
      return () => {
        clearInterval(clock);
        stop();
        shown.chart.destroy();
      };
    },
  };
};
