"""The explorers under ipywidgets 7.7.1 and anywidget 0.9.21, which Colab has.

The two are installed once into ``_build/envs/ipywidgets7``; everything else, torch
above all, is seen there through a path file.
"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "_build" / "envs" / "ipywidgets7"
# The versions of googlecolab/backend-info, and what ipywidgets 7 itself imports.
PACKAGES = (
    "ipywidgets==7.7.1",
    "anywidget==0.9.21",
    "ipython_genutils==0.2.0",
    "jupyterlab_widgets==1.1.11",
)

pytestmark = [pytest.mark.registry, pytest.mark.xdist_group("ipywidgets7")]

EXPLORERS = """
import json, sys
import anywidget, ipywidgets, torch
from course_lib import widgets
from course_lib.lenet import LeNet

torch.manual_seed(0)
images = torch.rand(2, 1, 28, 28)
made = {
    "KernelExplorer": widgets.KernelExplorer(),
    "PaddingStrideExplorer": widgets.PaddingStrideExplorer(),
    "ChannelsExplorer": widgets.ChannelsExplorer(),
    "PoolingExplorer": widgets.PoolingExplorer(),
    "ReceptiveFieldExplorer": widgets.ReceptiveFieldExplorer(
        net=LeNet(), images=images
    ),
    "LeNetExplorer": widgets.LeNetExplorer(LeNet(), images, [0, 1]),
    "LearnedKernelLab": widgets.LearnedKernelLab(),
}
assert set(made) == set(widgets.__all__), set(widgets.__all__)
report = {"versions": [ipywidgets.__version__, anywidget.__version__]}
for name, explorer in made.items():
    state = explorer.get_state()
    trait = lambda control: "index" if hasattr(control, "index") else "value"
    moved = {}
    for value, control in explorer.controls.items():
        key = trait(control)
        before = getattr(control, key)
        if isinstance(before, bool):
            after = not before
        elif key == "index":
            after = (before + 1) % len(control.options)
        else:
            step = getattr(control, "step", 1)
            after = before + step if before + step <= control.max else before - step
        setattr(control, key, after)
        moved[value] = [after, getattr(explorer, value)]
    explorer.reset()
    report[name] = {
        "moved": moved,
        "links": len(explorer._links),
        "back": all(
            getattr(control, trait(control)) == getattr(explorer, value)
            for value, control in explorer.controls.items()
        ),
        "module": state["_view_module"],
        "esm": len(state["_esm"]),
        "css": ".cnn-explorer" in state["_css"],
        "values": sorted(set(explorer.value_names()) & set(state)),
        "all_values": sorted(explorer.value_names()),
        "box": type(explorer.box).__name__,
        "bundle": sorted(explorer._repr_mimebundle_()[0]),
        "fallback": "<svg" in explorer.fallback(),
    }
print(json.dumps(report))
"""


def _python() -> Path:
    folder = "Scripts" if os.name == "nt" else "bin"
    return FOLDER / folder / "python"


def _ready() -> bool:
    """Tell whether the environment of an earlier run holds exactly these packages."""
    noted = FOLDER / "packages.txt"
    return noted.exists() and noted.read_text() == "\n".join(PACKAGES)


def _install() -> str:
    """Make the environment; return why it could not be made, or nothing."""
    if _ready():
        return ""
    venv.create(FOLDER, with_pip=True, clear=True)
    site = subprocess.run(
        [_python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    here = sysconfig.get_path("purelib")
    # Appended to the search path: what is installed there comes first.
    Path(site, "zz_course.pth").write_text(f"{here}\n{ROOT}\n")
    done = subprocess.run(
        [_python(), "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    (FOLDER / "packages.txt").write_text("\n".join(PACKAGES))
    return ""


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What the explorers did under the old versions."""
    problem = _install()
    if problem:
        text = f"needs {', '.join(PACKAGES[:2])} from a package registry: {problem}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    done = subprocess.run(
        [_python(), "-c", EXPLORERS],
        capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


EXPLORER_NAMES = (
    "KernelExplorer",
    "PaddingStrideExplorer",
    "ChannelsExplorer",
    "PoolingExplorer",
    "ReceptiveFieldExplorer",
    "LeNetExplorer",
    "LearnedKernelLab",
)


def test_the_versions_are_those_of_colab(report: dict[str, Any]) -> None:
    assert report["versions"] == ["7.7.1", "0.9.21"]
    assert sys.version_info[:2] >= (3, 11)


@pytest.mark.parametrize("name", EXPLORER_NAMES)
def test_controls_and_values_move_together(report: dict[str, Any], name: str) -> None:
    moved = report[name]["moved"]
    assert moved
    for value, (control, explorer) in moved.items():
        assert control == explorer, value
    assert report[name]["links"] == len(moved)
    assert report[name]["back"]


@pytest.mark.parametrize("name", EXPLORER_NAMES)
def test_the_state_holds_all_that_the_page_needs(
    report: dict[str, Any], name: str
) -> None:
    one = report[name]
    assert one["module"] == "anywidget"
    assert one["esm"] > 10_000
    assert one["css"]
    assert one["values"] == one["all_values"]
    assert one["box"] == "VBox"
    assert "application/vnd.jupyter.widget-view+json" in one["bundle"]
    assert one["fallback"]
