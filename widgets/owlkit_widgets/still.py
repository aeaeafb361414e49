"""Live widgets that leave a picture behind.

Their output is two displays. The first holds the live widget and, once there is one, a picture beside it for
viewers that know no widgets (code hosting). The second holds the picture as HTML: JupyterLab shows it in
place of the widget when a saved notebook is opened without the kernel that made it, and so does nbconvert's
page.
"""

from __future__ import annotations

import base64
import html
from typing import Any

from .frontend import WIDGET_VIEW

# Without a style sheet the figure stays hidden, so no viewer shows the picture twice. `.owl` is the live
# widget: where it is, the picture goes; where it is not, the widget's own output ("model not found") goes.
STYLE = """<style>
.owl-static[hidden] { display: block; margin: 0; }
.owl-static img { max-width: 100%; height: auto; display: block; }
.jp-OutputArea-child:not(:has(.owl)):has(+ .jp-OutputArea-child .owl-static) { display: none; }
.jp-OutputArea-child:has(.owl) + .jp-OutputArea-child:has(.owl-static) { display: none; }
.jp-OutputArea-child:has(.owl-shown-above) { display: none; }
</style>"""


def live_bundle(widget: Any, picture: bytes | None) -> dict[str, Any]:
    """The first display: the live widget, words, and the picture (PNG) where there is one."""
    bundle: dict[str, Any] = {"text/plain": repr(widget)}
    bundle[WIDGET_VIEW] = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    if picture is not None:
        bundle["image/png"] = base64.b64encode(picture).decode("ascii")
    return bundle


def still_bundle(widget: Any, picture: bytes | None) -> dict[str, Any]:
    """The second display as HTML: the picture, or until there is one words."""
    words = html.escape(repr(widget).strip("<>"), quote=True)
    image = f"<pre>{words}</pre>"
    if picture is not None:
        image = f'<img alt="{words}" src="data:image/png;base64,{base64.b64encode(picture).decode("ascii")}">'
    return {"text/html": f'<figure class="owl-static" hidden>{image}</figure>{STYLE}', "text/plain": ""}


def shown_above(words: str) -> dict[str, Any]:
    """The value of a cell that has shown it already: words only, and hidden beside the widget."""
    return {"text/html": f'<span class="owl-shown-above"></span>{STYLE}', "text/plain": words}
