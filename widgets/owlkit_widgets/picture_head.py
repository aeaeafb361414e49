"""The head of the still picture: state, name, figures, and the note that says what the picture is."""

from __future__ import annotations

from . import words
from .picture_page import WIDTH, Facts, Page

HEAD, NOTE = 57, 34
"""Heights of header and note."""

WORDS = {
    "finished": ("Finished", "bg-sunk", "ink"),
    "stopped": ("Stopped", "bg-sunk", "ink"),
    "diverged": ("Diverged", "bad-bg", "bad"),
    "failed": ("Failed", "bad-bg", "bad"),
    "paused": ("Paused", "info-bg", "train"),
}


def draw_head(page: Page, facts: Facts) -> None:
    """State, name, figures, progress and note, in the top HEAD + NOTE pixels."""
    word, background, ink = WORDS.get(facts.state, ("Was running", "bg-sunk", "ink"))
    label = page.text(26, 28, word, 12, weight="bold", color=page.colours[ink], zorder=3)
    wide = page.width_of(label)
    page.box(14, 17, wide + 24, 22, page.colours[background], radius=11)
    page.text(wide + 50, 28, facts.name, 15, weight="bold")
    right = WIDTH - 14.0
    for key, value, small in reversed(_figures(facts)):
        right = _figure(page, right, key, value, small) - 26
    _progress(page, facts)
    _note(page, facts)


def _progress(page: Page, facts: Facts) -> None:
    done, limit = facts.figures["iter"], facts.figures["max_iter"]
    colour = page.colours["bad" if facts.state in ("diverged", "failed") else "train"]
    page.box(1, HEAD - 3, WIDTH - 2, 3, page.colours["bg-sunk"])
    page.box(1, HEAD - 3, (WIDTH - 2) * (min(1.0, done / limit) if limit else 0.0), 3, colour)


def _figures(facts: Facts) -> list[tuple[str, str, str]]:
    figures = facts.figures
    accuracies = [value for _, value in facts.tested("accuracy")]
    losses = [value for _, value in facts.tested("loss")]
    limit = f"/ {words.integer(figures['max_iter'])}" if figures["max_iter"] else ""
    return [
        ("iteration", words.integer(figures["iter"]), limit),
        ("trained for", words.duration(figures["seconds"]), ""),
        ("images/s", words.speed(figures["images_per_second"]), ""),
        ("test accuracy", f"{100 * accuracies[-1]:.1f}\u202f%" if accuracies else words.UNKNOWN, ""),
        ("best test loss", words.significant(min(losses)) if losses else words.UNKNOWN, ""),
    ]


def _figure(page: Page, right: float, key: str, value: str, small: str) -> float:
    """One figure, flush right at `right`; its left edge."""
    number = page.text(0, 36, value, 14, weight="bold")
    more = page.text(0, 36.5, small, 12, color=page.colours["ink-2"])
    head = page.text(0, 19, key, 11, color=page.colours["ink-2"])
    first = page.width_of(number)
    wide = max(first + (page.width_of(more) + 5 if small else 0), page.width_of(head))
    left = right - wide
    for text, x in ((number, left), (more, left + first + 5), (head, left)):
        text.set_x(x)
    return left


def _note(page: Page, facts: Facts) -> None:
    problem = facts.problem if facts.state in ("diverged", "failed") else None
    page.box(1, HEAD, WIDTH - 2, NOTE, page.colours["bad-bg" if problem else "info-bg"])
    y = HEAD + NOTE / 2
    if problem is not None:
        title = words.clip(problem["title"], 150)
        page.text(14, y, title, 13, weight="bold", color=page.colours["bad"])
        return
    lead = page.text(14, y, "Static picture,", 12, weight="bold")
    at = words.integer(facts.figures["iter"])
    rest = f"saved with the notebook at iteration {at}. Run the cell to train again."
    page.text(18 + page.width_of(lead), y, rest, 12)
