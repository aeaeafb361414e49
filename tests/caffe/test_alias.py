"""`import caffe` finds owlkit; scripts run as they are. Each case runs in an interpreter of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import owlkit.caffe as caffe
from tests.caffe.nets import DEPLOY, write

# What a script of 2015 has at its top; it says where each thing comes from.
SCRIPT = """
import sys
import caffe
import caffe.io
from caffe.proto import caffe_pb2
from caffe import layers as L, params as P
import caffe.proto.caffe_pb2 as pb2
from caffe.io import caffe_pb2 as from_io
import owlkit.caffe, owlkit.proto.caffe_pb2

assert caffe is owlkit.caffe
assert caffe.io is sys.modules["caffe.io"] is sys.modules["owlkit.caffe.io"]
assert caffe_pb2 is pb2
assert caffe_pb2.NetParameter is owlkit.proto.caffe_pb2.NetParameter is from_io.NetParameter
assert caffe.__spec__.name == "owlkit.caffe" and caffe.io.__spec__.name == "owlkit.caffe.io"
caffe.set_mode_cpu()
net = caffe.Net("net.prototxt", caffe.TEST)
print(net.forward()["prob"].shape, *sys.argv[1:], __name__)
"""


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, DEPLOY)
    write(tmp_path, SCRIPT, "script.py")
    return tmp_path


def test_a_script_runs_unchanged(folder: Path) -> None:
    done = run(folder, "-m", "owlkit.caffe", "script.py", "--gpu", "x")
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, "(2, 5) --gpu x __main__"), done.stderr


def test_a_module_runs_unchanged(folder: Path) -> None:
    done = run(folder, "-m", "owlkit.caffe", "-m", "script", "x")
    assert (done.returncode, done.stdout.split("\n")[0]) == (0, "(2, 5) x __main__"), done.stderr


def test_a_script_after_install(folder: Path) -> None:
    done = run(
        folder, "-c", "import owlkit.caffe; owlkit.caffe.install(); owlkit.caffe.install(); import script"
    )
    assert done.stdout.split("\n")[0] == "(2, 5) script", done.stderr


def test_without_install_there_is_no_caffe(folder: Path) -> None:
    done = run(folder, "script.py")
    assert "No module named 'caffe'" in done.stderr


def test_uninstall_takes_the_name_back(folder: Path) -> None:
    code = "import owlkit.caffe as o; o.install(); import caffe.io; o.uninstall(); import caffe"
    done = run(folder, "-c", code)
    assert "No module named 'caffe'" in done.stderr


def test_a_module_that_pycaffe_lacks_is_named_with_the_closest(folder: Path) -> None:
    done = run(folder, "-m", "owlkit.caffe", write(folder, "import caffe.classifer", "wrong.py"))
    assert done.returncode == 1
    assert "No module named 'caffe.classifer' in owlkit.caffe (did you mean 'classifier'?)" in done.stderr


def test_another_caffe_is_not_taken_over_in_silence(folder: Path) -> None:
    write(folder, "version = 1", "caffe.py")
    done = run(folder, "-c", "import caffe, owlkit.caffe; owlkit.caffe.install()")
    assert "ForeignCaffeError: another caffe was imported already, from" in done.stderr
    code = "import owlkit.caffe; owlkit.caffe.install(); import caffe; print(caffe.__name__)"
    assert run(folder, "-c", code).stdout == "owlkit.caffe\n"


def test_a_gpu_is_refused_with_what_to_do(folder: Path) -> None:
    script = write(
        folder, "import caffe; caffe.set_device(0); caffe.set_mode_gpu(); print('went on')", "gpu.py"
    )
    done = run(folder, "-m", "owlkit.caffe", script)
    assert done.returncode == 1
    assert "went on" not in done.stdout
    for told in ("DeviceError", "caffe.set_device(0)", "caffe.set_mode_cpu()", "--cpu script.py"):
        assert told in done.stderr
    allowed = run(folder, "-m", "owlkit.caffe", "--cpu", script)
    assert (allowed.returncode, allowed.stdout) == (0, "went on\n")
    assert "caffe.set_mode_gpu(): no such GPU; running on the CPU, as was allowed" in allowed.stderr


def test_a_python_layers_module_finds_it_where_owlkits_own_command_makes_the_net(folder: Path) -> None:
    """`owlkit train` with the layers of an old project: nobody has called install."""
    write(
        folder,
        "import caffe\n"
        "class Same(caffe.Layer):\n"
        "    def setup(self, bottom, top): pass\n"
        "    def reshape(self, bottom, top): top[0].reshape(*bottom[0].data.shape)\n"
        "    def forward(self, bottom, top): top[0].data[...] = bottom[0].data\n",
        "old_layers.py",
    )
    write(
        folder,
        'layer { name: "x" type: "DummyData" top: "x" dummy_data_param { shape { dim: 2 } } }\n'
        'layer { name: "y" type: "Python" bottom: "x" top: "y" '
        'python_param { module: "old_layers" layer: "Same" } }',
        "python.prototxt",
    )
    command = "import sys; from owlkit.cli.main import main; status = main({}); "
    test = ["test", "-model", "python.prototxt", "-iterations", "1"]
    done = run(folder, "-c", command.format(test) + "print(status, sys.modules['caffe'].__name__)")
    assert done.stdout.splitlines()[-1] == "0 owlkit.caffe", done.stderr


BLOCKS = """
from threading import Event, Thread
from owlkit.caffe.alias import offered
inside, left = Event(), Event()

def second():
    with offered():
        inside.set()
        left.wait(10)
        import caffe
        print(caffe.__name__)

thread = Thread(target=second)
with offered():
    thread.start()
    inside.wait(10)
left.set()
thread.join()
"""


def test_a_thread_that_is_done_takes_it_from_no_other(folder: Path) -> None:
    """Two nets with Python layers are made at once, and the modules of one of them are no pycaffe's."""
    done = run(folder, "-c", BLOCKS)
    assert done.stdout == "owlkit.caffe\n", done.stderr


def test_a_module_of_layers_may_install_it(folder: Path) -> None:
    """And use it later, when the net is there."""
    code = "import owlkit.caffe as o\nfrom owlkit.caffe.alias import offered\nwith offered(): o.install()\n"
    done = run(folder, "-c", code + "import caffe; print(caffe.__name__)")
    assert done.stdout == "owlkit.caffe\n", done.stderr


def test_where_it_was_not_used_it_is_gone_behind_the_block(folder: Path) -> None:
    code = "from owlkit.caffe.alias import offered\nfor _ in '12':\n    with offered(): pass\nimport caffe"
    assert "No module named 'caffe'" in run(folder, "-c", code).stderr


def test_a_missing_script_is_said(folder: Path) -> None:
    done = run(folder, "-m", "owlkit.caffe", "none.py")
    assert done.returncode == 2
    assert "there is no script none.py" in done.stderr


def test_a_notebook_extension_installs(folder: Path) -> None:
    code = (
        "import owlkit.caffe as o; o.load_ipython_extension(None); import caffe; print(caffe is o);"
        "o.unload_ipython_extension(None); import sys; print('caffe' in sys.modules)"
    )
    assert run(folder, "-c", code).stdout == "True\nFalse\n"


def test_importing_the_package_imports_none_of_its_parts(folder: Path) -> None:
    done = run(folder, "-c", "import sys, owlkit.caffe; print(*[n for n in sys.modules if 'numpy' in n])")
    assert done.stdout == "\n", done.stderr


@pytest.mark.parametrize("name", caffe.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(caffe, name) is not None
    assert name in dir(caffe)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(AttributeError, match=r"'Nett'.*\bNet\b"):
        caffe.Nett  # type: ignore[attr-defined]
