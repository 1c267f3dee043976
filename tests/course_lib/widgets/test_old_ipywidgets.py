"""The explorers under ipywidgets 7.7.1 and anywidget 0.9.21, which Colab has."""

import json
import subprocess
import sys
from typing import Any

import pytest

from ...environments import environment_with, needed_layer

# The versions of googlecolab/backend-info, and what ipywidgets 7 itself imports.
PACKAGES = (
    "ipywidgets==7.7.1",
    "anywidget==0.9.21",
    "ipython_genutils==0.2.0",
    "jupyterlab_widgets==1.1.11",
)

pytestmark = [pytest.mark.registry, pytest.mark.xdist_group("ipywidgets7")]

EXPLORERS = """
import json, pathlib, sys
import anywidget, ipywidgets, torch
from course_lib import widgets
from course_lib.lenet import LeNet
from course_lib.widgets.questions import ask

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
    "Quiz": ask("channels/layer"),
    "RunsExplorer": widgets.RunsExplorer(
        json.loads(pathlib.Path("course_lib/runs/plateau.json").read_text("utf-8"))
    ),
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
        "fallback": 'class="cnn-fallback' in explorer.fallback(),
    }
from course_lib.widgets.quiz import QuizCode
code = QuizCode.shared()
assert made["Quiz"]._code == code.model_id
report["Quiz"]["code"] = [code.text.count("function judge"), ".cnn-quiz" in code.style]
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """What the explorers did under the old versions."""
    old = needed_layer(PACKAGES)
    done = subprocess.run(
        [sys.executable, "-c", EXPLORERS],
        capture_output=True, text=True, timeout=300, check=False,
        env=environment_with(old),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# A quiz has no controls, and a model of its own carries its code.
EXPLORER_NAMES = (
    "KernelExplorer",
    "PaddingStrideExplorer",
    "ChannelsExplorer",
    "PoolingExplorer",
    "ReceptiveFieldExplorer",
    "LeNetExplorer",
    "LearnedKernelLab",
    "RunsExplorer",
)


def test_the_versions_are_those_of_colab(report: dict[str, Any]) -> None:
    assert report["versions"] == ["7.7.1", "0.9.21"]


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


def test_a_quiz_names_the_model_that_carries_its_code(report: dict[str, Any]) -> None:
    quiz = report["Quiz"]
    assert quiz["code"] == [1, True]
    assert (
        quiz["values"] == quiz["all_values"] == ["answers", "shown", "solved", "tries"]
    )
    assert "application/vnd.jupyter.widget-view+json" in quiz["bundle"]
    assert quiz["fallback"]
