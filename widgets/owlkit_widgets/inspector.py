"""The inspector of a net: the kernel's half of the widget (the browser's half is widgets/js/src/inspector*).

Traits, kernel to browser (they come back whole when a page is loaded again):

- ``net``      what header and footer show, see `inspector_facts.net_of`; unknown is None
- ``cards``    {key: words and sums of a card or stage}, see `graphs.view.Cards.describe`, and what the table
  shows of a card; ``order``: the keys of cards as the table has them
- ``drawing``  {places, lines, width, height}: see `graphs.drawing`
- ``detail``   of the chosen card or stage: `inspector_facts.detail_of`
- ``tiles``    of the chosen blob: `inspector_tiles.tiles_of`
- ``answer``   what the net says about the image: {name, classes, shares, width, height, image}
- ``timing``   {state: "none" | "running" | "ready", ...}: see `inspector_timing`
- ``said``     {text, bad}: an answer in words

``view``, browser to kernel: {phase, fold, open, chosen, param, blob, page, sort, camera}; kept for a reload.

Messages, browser to kernel: ``{type: "image", name}`` with the bytes of a file, ``{type: "compare", path}``,
``{type: "time"}`` and ``{type: "stop timing"}``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import traitlets

from owlkit.core.errors import OwlkitError
from owlkit.inspection.inspector import Inspector
from owlkit.inspection.look import Look

from .assets import STYLES, asset
from .comms import LiveWidget
from .inspector_facts import answer_of, cards_of, detail_of, net_of
from .inspector_tiles import tiles_of
from .inspector_timing import Stopwatch, timing_of

VIEW: dict[str, Any] = {
    "phase": None,
    "fold": True,
    "open": None,  # None: what can be taken in
    "chosen": None,
    "param": 0,
    "blob": None,
    "page": 0,
    "sort": None,
    "camera": None,
}


class InspectorWidget(LiveWidget):
    """Graph, table, details, blobs and classification of one `Inspector`."""

    _esm = asset("inspector.js")
    _css = asset(STYLES)

    uid: Any = traitlets.Unicode().tag(sync=True)
    net: Any = traitlets.Dict().tag(sync=True)
    cards: Any = traitlets.Dict().tag(sync=True)
    order: Any = traitlets.List().tag(sync=True)
    drawing: Any = traitlets.Dict().tag(sync=True)
    detail: Any = traitlets.Dict().tag(sync=True)
    tiles: Any = traitlets.Dict().tag(sync=True)
    answer: Any = traitlets.Dict().tag(sync=True)
    timing: Any = traitlets.Dict({"state": "none"}).tag(sync=True)
    view: Any = traitlets.Dict().tag(sync=True)

    def __init__(self, inspector: Inspector) -> None:
        self.inspector = inspector
        self._look: Look | None = None
        self._stopwatch = Stopwatch(inspector, self._tell_time)
        super().__init__(uid=uuid.uuid4().hex, view={**VIEW, "phase": inspector.subject.phase})
        self._renew_net()
        if inspector.image is not None:
            self._guarded(lambda: self._see(inspector.image, "the image given"))
        self.observe(self._follow, "view")

    def __repr__(self) -> str:
        """Cheap: a widget's own repr would serialise every trait."""
        return f"<inspector of {self.inspector.name}>"

    # -- from the browser
    def _follow(self, change: Any) -> None:
        """The person chose something: what depends on it is made anew."""
        old, new = change["old"], change["new"]
        changed = {key for key in VIEW if old.get(key) != new.get(key)}
        actions: list[Callable[[], None]] = []
        if "phase" in changed:
            actions.append(self._change_phase)
        elif "fold" in changed:
            actions.append(self._renew_net)
        elif "open" in changed and old.get("open") is not None:
            actions.append(self._renew_drawing)
        if changed & {"chosen", "param", "phase", "fold"}:
            actions.append(self._renew_detail)
        if changed & {"chosen", "blob", "page", "phase"}:
            actions.append(self._renew_tiles)
        self._guarded(*actions)

    def _receive(self, _widget: Any, content: dict[str, Any], buffers: list[memoryview]) -> None:
        kind = content.get("type")
        if kind == "image":
            name = str(content.get("name") or "image")
            self._guarded(lambda: self._see(bytes(buffers[0]), name))
        elif kind == "compare":
            self._guarded(lambda: self._compare(str(content["path"])))
        elif kind == "time":
            self.said = {}
            self._stopwatch.start()
        elif kind == "stop timing":
            self._stopwatch.stop()

    def _press(self, content: dict[str, Any]) -> bool:
        if content.get("type") == "stop timing":
            self._stopwatch.stop()
        return False  # once more after all that was asked for before, which may begin it

    def _guarded(self, *actions: Callable[[], None]) -> None:
        """What goes wrong is told in the widget: a traceback would go to the log and not be seen."""
        if not actions:
            return
        self.said = {}
        try:
            for action in actions:
                action()
        except Exception as error:
            self._complain(error)

    # -- what it does
    def _change_phase(self) -> None:
        try:
            self.inspector.show_phase(self.view["phase"])
        except OwlkitError:
            self.view = {**self.view, "phase": self.inspector.subject.phase}
            raise
        self._look, self.answer = None, {}
        self._renew_net()

    def _compare(self, path: str) -> None:
        self.inspector.compare_with(path)
        self._renew_net()
        self._renew_detail()
        self.said = {"text": f"compared with {self.inspector.earlier_name}", "bad": False}

    def _tell_time(self, content: dict[str, Any]) -> None:
        """Called in the stopwatch's thread; cards and details are made in the widget's own alone."""
        self._desk.put(lambda: self._timed(content), "how far the timing is")

    def _timed(self, content: dict[str, Any]) -> None:
        if content["state"] == "running":
            self.timing = content
            return
        if content["state"] == "failed":
            self.said = {"text": content["problem"], "bad": True}
        self.timing = timing_of(self.inspector.timing)
        self._renew_cards()
        self._renew_detail()

    def _see(self, image: Any, name: str) -> None:
        self._look = self.inspector.look(image)
        self.answer = {}  # the same image again is news too
        self.answer = answer_of(self._look, name)
        self._renew_detail()
        self._renew_tiles()

    def close(self) -> None:
        self._stopwatch.stop()
        super().close()

    # -- to the browser
    def _renew_net(self) -> None:
        self.net = net_of(self.inspector)
        if self.timing["state"] != "running":
            self.timing = timing_of(self.inspector.timing)
        self._renew_cards()
        self._renew_drawing()
        if self.view["chosen"] not in self.cards:
            self._choose_first()
        self._renew_detail()

    def _renew_cards(self) -> None:
        cards = self.inspector.cards(self.view["fold"])
        self.cards = cards_of(self.inspector, cards)
        self.order = list(cards.sheet.cards)

    def _choose_first(self) -> None:
        learned = [key for key in self.order if self.cards[key]["learns"]]
        first = next(iter(learned or self.order), None)
        self.view = {**self.view, "chosen": first, "param": 0, "blob": None, "page": 0}

    def _renew_drawing(self) -> None:
        self.drawing = self.inspector.drawing(self.view["open"], self.view["fold"]).as_dict()
        if self.view["open"] is None:
            opened = self.inspector.cards(self.view["fold"]).first_open
            self.view = {**self.view, "open": list(opened)}

    def _renew_detail(self) -> None:
        if self.view["chosen"] in self.cards:
            cards = self.inspector.cards(self.view["fold"])
            self.detail = detail_of(
                self.inspector, cards, self.view["chosen"], self.view["param"], self._look
            )

    def _renew_tiles(self) -> None:
        if self._look is None:
            self.tiles = {}
            return
        known = self.detail.get("blobs") or []
        wanted = self.view["blob"] if self.view["blob"] in known else (known[-1] if known else None)
        self.tiles = tiles_of(self._look.blob(wanted), wanted, self.view["page"]) if wanted else {}
