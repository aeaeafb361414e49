"""Views of what goes on filling after its cell has ended: it is seen at once, its picture follows."""

from __future__ import annotations

import base64
import threading
from typing import Any

from .still import live_bundle, shown_above, still_bundle

PATIENCE_SECONDS = 2.0  # so long a cell waits: what is over by then has its picture in the cell's own output

# The picture stands in the cell twice, as HTML and as an image. Where there are styles, the image goes.
IMAGE_FOLLOWS = """<i class="owl-image-follows" hidden></i><style>
.jp-OutputArea-child:has(.owl-image-follows) + .jp-OutputArea-child { display: none; }
</style>"""


class FillingView:
    """The widgets have `settled`, an event, `on_settled`, listeners, and `picture()`, PNG or None.

    Three outputs: the live widget, the picture as HTML, and the picture as an image for viewers that know
    neither (see `still`). The live one is never updated: JupyterLab would put a new view in its place, and
    what a person is doing in it by then, a drag or the keys, would be lost.
    """

    @classmethod
    def widget(cls, shown: Any) -> Any:
        """The live widget. Subclasses say which."""
        raise TypeError(f"{cls.__name__} does not define widget")

    @classmethod
    def display(cls, shown: Any) -> None:
        """Show it as output of the present cell. What takes longer gets a picture of what there is so far,
        and its own when it has settled.
        """
        from IPython.display import display

        widget = cls.widget(shown)
        display(live_bundle(widget, None), raw=True)
        still = display(_html(widget, None), raw=True, display_id=True)
        image = display(_image(None), raw=True, display_id=True)
        turn = threading.Lock()  # the picture that is drawn last is the one that stays

        def follow() -> None:
            with turn:
                picture = widget.picture()
                still.update(_html(widget, picture), raw=True)
                image.update(_image(picture), raw=True)

        widget.settled.wait(PATIENCE_SECONDS)
        if not widget.settled.is_set():
            widget.on_settled.append(follow)
        follow()

    @classmethod
    def mimebundle(cls, shown: Any) -> dict[str, Any]:
        """The value of a cell: shown above it, so that its picture outlives the kernel."""
        cls.display(shown)
        return shown_above(repr(shown))


def _html(widget: Any, picture: bytes | None) -> dict[str, Any]:
    bundle = still_bundle(widget, picture)
    return bundle | {"text/html": bundle["text/html"] + IMAGE_FOLLOWS}


def _image(picture: bytes | None) -> dict[str, Any]:
    if picture is None:
        return {"text/plain": ""}
    return {"text/plain": "", "image/png": base64.b64encode(picture).decode("ascii")}
