"""Pictures of the other widgets for docs/images, made where OWLKIT_SCREENSHOTS names a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.shared import shared

from .lab_notebook import Notebook
from .test_browser_posters import WANTED, both_themes, keep

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(600), WANTED]

SQUEEZENET = """import numpy as np
import owlkit as owl
from matplotlib.cbook import get_sample_data
from PIL import Image
from sklearn.datasets import load_sample_images
with get_sample_data("grace_hopper.jpg") as file:
    photo = np.asarray(Image.open(file).convert("RGB"))
photos = [*load_sample_images().images, photo]
pieces = [p[y : y + 227, x : x + 227] for p in photos
          for y in range(0, p.shape[0] - 226, 100) for x in range(0, p.shape[1] - 226, 100)]
look = owl.ImageInput(mean=(104, 117, 123))
files = dict(weights="squeezenet/squeezenet_v1.1.caffemodel", phase="test")
net = owl.Net("squeezenet/deploy.prototxt", **files)
labels = "synset_words.txt"
"""
ON_A_PHOTO = [
    "owl.show_activations(net, photo, 'fire9/concat', prepare=look, labels=labels)",
    "owl.show_heatmap(net, photo, 'prob', prepare=look, labels=labels)",
    "owl.show_filters(net, 'conv1', images=pieces, prepare=look)",
]
INSPECT = """owl.inspect("squeezenet/deploy.prototxt", files["weights"], labels=labels, image=photo,
            prepare=look)"""
MNIST = """import gzip
import numpy as np
import owlkit as owl
images = np.frombuffer(gzip.open("{images}").read(), np.uint8, offset=16).reshape(-1, 28, 28)
labels = np.frombuffer(gzip.open("{labels}").read(), np.uint8, offset=8)
net = owl.Net("lenet/deploy.prototxt", weights="lenet/lenet_iter_10000.caffemodel", phase="test")
look = owl.ImageInput(scale=1 / 256)
"""
OF_DIGITS = [
    "owl.show_top_patches(net, list(images[:2000]), 'conv2', prepare=look)",
    "owl.show_embedding(net, list(images[:600]), 'ip1', labels=labels[:600].tolist(), prepare=look)",
]


def open_with(lab: Any, page: Any, name: str, cells: list[str], height: int = 1000) -> Notebook:
    page.set_viewport_size({"width": 1560, "height": height})
    notebook = Notebook(lab, page, name, cells)
    notebook.open()
    notebook.run_all()
    return notebook


def have(lab: Any, name: str, relative: str) -> None:
    """The shared file or folder under that name beside the notebook."""
    if not (lab.folder / name).exists():
        (lab.folder / name).symlink_to(shared(relative))


@pytest.fixture
def squeezenet(lab: Any) -> str:
    have(lab, "squeezenet", "models/squeezenet_v1.1")
    have(lab, "synset_words.txt", "data/imagenet-sample/synset_words.txt")
    return SQUEEZENET


def seen(page: Any, code: str) -> Any:
    """The widget of that class, once it is there and in sight."""
    owl = page.locator(f".owl.{code}").first
    owl.wait_for(state="attached", timeout=200_000)
    owl.scroll_into_view_if_needed()
    return owl


def test_activations(lab: Any, page: Any, shots: Path, squeezenet: str) -> None:
    notebook = open_with(lab, page, "poster-activations", [squeezenet, ON_A_PHOTO[0]])
    owl = seen(page, "act")
    owl.get_by_role("radio", name="largest").click()
    owl.locator('[data-channel="280"]').click()
    both_themes(notebook, owl, shots, "activations")


def test_heatmap(lab: Any, page: Any, shots: Path, squeezenet: str) -> None:
    notebook = open_with(lab, page, "poster-heatmap", [squeezenet, ON_A_PHOTO[1]])
    owl = seen(page, "drv")
    owl.locator(".lk-list button").nth(4).wait_for(timeout=200_000)
    owl.locator(".foot", has_text="places").wait_for(timeout=60_000)
    both_themes(notebook, owl, shots, "heatmap")


def test_filters(lab: Any, page: Any, shots: Path, squeezenet: str) -> None:
    notebook = open_with(lab, page, "poster-filters", [squeezenet, ON_A_PHOTO[2]])
    owl = seen(page, "fv")
    owl.locator('.fv-tiles [data-filter="22"]').click()
    owl.locator(".foot", has_text="found in").wait_for(timeout=120_000)
    both_themes(notebook, owl, shots, "filters")


def test_patches_and_embedding(lab: Any, page: Any, shots: Path) -> None:
    have(lab, "lenet", "models/lenet")
    mnist = shared("data/mnist")
    found = {kind: next(mnist.rglob(f"t10k-{kind}*.gz")) for kind in ("images", "labels")}
    notebook = open_with(lab, page, "poster-digits", [MNIST.format(**found), *OF_DIGITS])
    patches = seen(page, "pt")
    patches.locator(".foot", has_text="images in").wait_for(timeout=120_000)
    patches.locator('.pt-tiles [data-unit="17"]').click()
    page.keyboard.press("2")
    both_themes(notebook, patches, shots, "patches")
    embedding = seen(page, "em")
    embedding.locator(".foot", has_text="t-SNE in").wait_for(timeout=200_000)
    embedding.locator(".em-plot").focus()
    for key in ("ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    both_themes(notebook, embedding, shots, "embedding")


def test_gradients(lab: Any, page: Any, shots: Path) -> None:
    cells = [
        "import owlkit as owl\nfrom gradient_nets import small",
        "owl.check_gradients(small('WrongInPart'), elements=1024, seed=1)",
    ]
    notebook = open_with(lab, page, "poster-gradients", cells, 1240)
    owl = seen(page, "grd")
    owl.get_by_role("button", name="Check again").wait_for(timeout=120_000)
    both_themes(notebook, owl, shots, "gradients")


def unfold(owl: Any, names: list[str], layer: str) -> None:
    for name in names:
        owl.get_by_role("button", name=f"Open {name}", exact=True).click()
        time.sleep(1)
    owl.locator(f'.card [data-key="{layer}"]').click(
        position={"x": 3, "y": 9}
    )  # the rest may be out of sight
    time.sleep(1.5)


def test_inspector(lab: Any, page: Any, shots: Path, squeezenet: str) -> None:
    notebook = open_with(lab, page, "poster-inspector", [squeezenet, INSPECT], 1300)
    owl = seen(page, "insp")
    owl.locator(".bars .one").first.wait_for(timeout=60_000)
    unfold(owl, ["fire2"], "fire2/expand3x3")
    page.set_viewport_size({"width": 1120, "height": 1900})
    time.sleep(1)
    page.mouse.move(5, 5)
    keep(owl, shots / "inspector-narrow-light.png")
    page.set_viewport_size({"width": 1560, "height": 1300})
    owl.get_by_role("button", name="Time the layers").click()
    owl.locator(".took").wait_for(timeout=60_000)
    both_themes(notebook, owl, shots, "inspector")


def test_googlenet(lab: Any, page: Any, shots: Path) -> None:
    have(lab, "googlenet", "models/bvlc/models/bvlc_googlenet")
    code = 'import owlkit as owl\nowl.inspect("googlenet/train_val.prototxt", phase="train")'
    notebook = open_with(lab, page, "poster-googlenet", [code], 1300)
    owl = seen(page, "insp")
    unfold(owl, ["inception_4", "inception_4b"], "inception_4b/3x3")
    both_themes(notebook, owl, shots, "inspector-googlenet")


def test_resnet152(lab: Any, page: Any, shots: Path) -> None:
    code = "import owlkit as owl\nowl.inspect(owl.zoo.resnet(152))"
    notebook = open_with(lab, page, "poster-resnet152", [code], 1300)
    owl = seen(page, "insp")
    unfold(owl, ["res2", "res2b"], "stage res4")
    both_themes(notebook, owl, shots, "inspector-resnet152")
