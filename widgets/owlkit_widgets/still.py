"""Live widgets that leave a picture behind.

Their output is two displays. The first holds the live widget and, where there is one already, a picture
beside it for viewers that know no widgets (code hosting). The second holds the picture as HTML: JupyterLab
shows it in place of the widget when a saved notebook is opened without the kernel that made it, and so does
nbconvert's page. A picture that follows later gets a third display (`show_live`), hidden where there are
styles.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Callable
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


# The picture stands in the cell twice, as HTML and as an image. Where there are styles, the image goes.
IMAGE_FOLLOWS = """<i class="owl-image-follows" hidden></i><style>
.jp-OutputArea-child:has(.owl-image-follows) + .jp-OutputArea-child { display: none; }
</style>"""


def show_live(widget: Any, picture: bytes | None = None) -> Callable[[bytes | None], None]:
    """Show a widget as output of the present cell; returns what gives it its picture (PNG) later.

    Three outputs: the live widget, the picture as HTML, and the picture as an image for viewers that know
    neither. The live one is never updated: JupyterLab would put a new view in its place, and what a person is
    doing in it by then, a drag or the keys, would be lost.
    """
    from IPython.display import display

    display(live_bundle(widget, None), raw=True)
    still = display(_followed(widget, picture), raw=True, display_id=True)
    image = display(_image(picture), raw=True, display_id=True)

    def follow(picture: bytes | None) -> None:
        still.update(_followed(widget, picture), raw=True)
        image.update(_image(picture), raw=True)

    return follow


def _followed(widget: Any, picture: bytes | None) -> dict[str, Any]:
    bundle = still_bundle(widget, picture)
    return bundle | {"text/html": bundle["text/html"] + IMAGE_FOLLOWS}


def _image(picture: bytes | None) -> dict[str, Any]:
    if picture is None:
        return {"text/plain": ""}
    return {"text/plain": "", "image/png": base64.b64encode(picture).decode("ascii")}


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
