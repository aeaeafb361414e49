"""An executed notebook as HTML by nbconvert shows pictures of its widgets, without a kernel or a network."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
nbconvert = pytest.importorskip("nbconvert")
pytest.importorskip("anywidget")
pytest.importorskip("matplotlib.font_manager")

ROOT = Path(__file__).resolve().parents[2]

CELLS = [
    f"import sys; sys.path[:0] = {[str(ROOT), str(ROOT / 'widgets'), str(Path(__file__).parent)]!r}",
    "import owlkit as owl\nfrom lenet_digits import solver",
    "run = owl.train(solver(max_iter=40), name='lenet')\nrun.wait()",
    "later = owl.Run(solver(max_iter=40), name='later')\nlater",
    "later.start().wait()",
    "from gradient_nets import small\nowl.check_gradients(small('HastySoftsign'))",
]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The notebook after a run, with the state of its widgets."""
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        store_widget_state=True,
        resources={"metadata": {"path": str(tmp_path_factory.mktemp("executed"))}},
    )
    client.execute()
    return notebook


@pytest.fixture(scope="module", params=[True, False], ids=["with widget state", "without"])
def html(request: Any, executed: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page. nbclient puts the state of widgets into the notebook by default; JupyterLab does not."""
    folder, notebook = tmp_path_factory.mktemp("convert"), copy.deepcopy(executed)
    assert "widgets" in notebook.metadata
    if not request.param:
        del notebook.metadata["widgets"]
    page = folder / "page.html"
    page.write_text(nbconvert.HTMLExporter().from_notebook_node(notebook)[0], encoding="utf-8")
    return page


@pytest.mark.slow
def test_the_page_holds_all_pictures(html: Path) -> None:
    mark = r'<figure class="owl-static owl-image-follows" hidden(?:="")?>([^<]*)</figure>'
    text = html.read_text()
    pictures = re.findall(mark, text)
    assert len(pictures) == text.count('src="data:image/png') == 3
    assert "monitor of lenet" in pictures[0]
    assert "monitor of later: finished" in pictures[1], "of a run that ended after the cell that shows it"
    assert "gradients of small: wrong: act" in pictures[2]


@pytest.mark.slow
@pytest.mark.browser
def test_they_are_seen_once_and_without_a_network(html: Path, browser: Any, shots: Path) -> None:
    context = browser.new_context(viewport={"width": 1200, "height": 1400})
    context.route(re.compile("^(?!file:|data:)"), lambda route: route.abort())
    page = context.new_page()
    page.goto(html.as_uri(), wait_until="domcontentloaded")
    seen = page.locator(".jp-OutputArea img:visible")
    seen.nth(2).wait_for()
    assert seen.count() == 3
    widths = page.evaluate(
        "() => [...document.querySelectorAll('.jp-OutputArea img')].map((i) => i.naturalWidth)"
    )
    assert min(widths) >= 2000
    assert "Loading widget" not in page.inner_text("body")
    page.screenshot(path=str(shots / "nbconvert-light.png"), full_page=True)
    context.close()
