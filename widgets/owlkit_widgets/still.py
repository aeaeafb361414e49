"""Live widgets that leave a picture behind.

Their output is three displays: the live widget; a mark in HTML, with what it shows in words; and the picture
as an image, which every viewer knows, code hosting too. It is stored once: pictures are most of a saved
notebook. Where the widget is alive, the style sheet of the mark hides the picture. Where it is not (a saved
notebook in JupyterLab, without the kernel that made it; nbconvert's page), it hides what the viewer says in
place of the widget. Without a style sheet the mark is not seen.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
from typing import Any

from . import comms
from .frontend import WIDGET_VIEW

# `.owl` is the live widget: where it is, what stands in for it goes (`.owl-static`, the image that follows a
# mark); where it is not, the widget's own output ("model not found") goes. Words beside a picture are for
# screen readers.
STYLE = """<style>
.owl-static[hidden] { display: block; margin: 0; }
.jp-OutputArea-child:not(:has(.owl)):has(+ .jp-OutputArea-child .owl-static) { display: none; }
.jp-OutputArea-child:has(.owl) + .jp-OutputArea-child:has(.owl-static) { display: none; }
.jp-OutputArea-child:has(.owl) + .jp-OutputArea-child:has(.owl-image-follows) + .jp-OutputArea-child {
  display: none; }
.owl-static.owl-image-follows {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.jp-OutputArea-child:has(.owl-shown-above) { display: none; }
</style>"""


def live_bundle(widget: Any, picture: bytes | None) -> dict[str, Any]:
    """A display of its own: the live widget, words, and the picture (PNG) where there is one."""
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    return _image(picture) | {"text/plain": repr(widget), WIDGET_VIEW: view}


def show_live(widget: Any, picture: bytes | None = None) -> Callable[[bytes | None], None]:
    """Show a widget as output of the present cell; returns what gives it its picture (PNG) later.

    The live output is never updated: JupyterLab would put a new view in its place, and what a person is doing
    in it by then, a drag or the keys, would be lost.
    """
    from IPython.display import display

    display(live_bundle(widget, None), raw=True)
    mark = display(_mark(widget, picture), raw=True, display_id=True)
    image = display(_image(picture), raw=True, display_id=True, metadata=_described(widget))

    def follow(picture: bytes | None) -> None:
        if comms.kernel_ends():
            return
        mark.update(_mark(widget, picture), raw=True)
        image.update(_image(picture), raw=True, metadata=_described(widget))

    return follow


def _words(widget: Any) -> str:
    return repr(widget).strip("<>")


def _mark(widget: Any, picture: bytes | None) -> dict[str, Any]:
    """Words: until there is a picture for all, then for those who cannot see it."""
    words = html.escape(_words(widget), quote=True)
    if picture is None:
        content = f'<figure class="owl-static" hidden><pre>{words}</pre></figure>'
    else:
        content = f'<figure class="owl-static owl-image-follows" hidden>{words}</figure>'
    return {"text/html": content + STYLE, "text/plain": ""}


def _image(picture: bytes | None) -> dict[str, Any]:
    if picture is None:
        return {"text/plain": ""}
    return {"text/plain": "", "image/png": base64.b64encode(picture).decode("ascii")}


def _described(widget: Any) -> dict[str, Any]:
    """Metadata of the image: its words, for viewers that put them into the page."""
    return {"image/png": {"alt": _words(widget)}}


def shown_above(words: str) -> dict[str, Any]:
    """The value of a cell that has shown it already: words only, and hidden beside the widget."""
    return {"text/html": f'<span class="owl-shown-above"></span>{STYLE}', "text/plain": words}
