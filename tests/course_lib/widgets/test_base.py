"""What all explorers share: values, controls, links, reset, display."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import ipywidgets
import pytest
import traitlets

import course_lib.widgets
from course_lib.data import fashion_mnist_sample
from course_lib.lenet import LeNet
from course_lib.widgets import base
from course_lib.widgets.base import Explorer, int_slider
from course_lib.widgets.module import stylesheet

# -------------------------------------------------------------------- import


def test_importing_the_package_loads_neither_widgets_nor_torch() -> None:
    code = (
        "import sys, course_lib.widgets as w\n"
        "heavy = {'ipywidgets', 'anywidget', 'torch', 'numpy', 'IPython'}\n"
        "print(sorted(heavy & set(sys.modules)), sorted(w.__all__) == sorted("
        "set(dir(w)) & set(w.__all__)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[] True\n"


def test_an_explorer_needs_no_torch() -> None:
    code = (
        "import sys; from course_lib.widgets import KernelExplorer; KernelExplorer()\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_name_that_is_no_explorer_is_answered_with_those_there_are() -> None:
    with pytest.raises(AttributeError, match=r"no 'Kernels'; it has KernelExplorer"):
        course_lib.widgets.Kernels  # type: ignore[attr-defined]


# ---------------------------------------------------------------- one explorer


class Demo(Explorer):
    """The least that an explorer is."""

    title = "Demo"
    prompt = "Move it."
    _esm = "export default { render() {} };"

    n = traitlets.Int(3, min=0, max=9).tag(sync=True)
    choice_index = traitlets.Int(0, min=0, max=2).tag(sync=True)

    def __init__(self, **values: Any) -> None:
        super().__init__(**values)
        self.compose(
            self.control("n", int_slider("n", 0, 0, 9)),
            self.control("choice_index", base.dropdown("choice", ["a", "b"], 0)),
        )

    def description(self) -> str:
        return f"n is {self.n}"

    def picture(self) -> str:
        return '<svg role="img" aria-label="n"></svg>'


def _send(widget: Any, **state: Any) -> None:
    """What arrives when the page has changed these values."""
    widget.set_state(state)


def test_a_control_starts_from_the_explorers_value() -> None:
    demo = Demo(n=5, choice_index=1)
    assert demo.controls["n"].value == 5
    assert demo.controls["choice_index"].index == 1


def test_setting_a_value_in_python_moves_the_control_and_the_other_way_round() -> None:
    demo = Demo()
    demo.n = 7
    assert demo.controls["n"].value == 7
    demo.controls["n"].value = 2
    assert demo.n == 2


def test_a_value_from_the_page_is_not_echoed_to_the_control() -> None:
    demo = Demo()
    _send(demo, n=8)
    assert demo.n == 8
    assert demo.controls["n"].value == 3  # the page moves its own slider
    _send(demo.controls["n"], value=6)
    assert demo.n == 8


def test_under_colab_the_control_also_drives_the_view_through_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slider, view = ipywidgets.IntSlider(), Demo()
    monkeypatch.setitem(sys.modules, "google.colab", object())
    base.link(slider, "value", view, "n")
    _send(slider, value=6)
    assert view.n == 6


def test_links_live_in_the_front_end() -> None:
    demo = Demo()
    kinds = {type(link).__name__ for link in demo._links}
    assert kinds == {"Link"}
    sources = [(type(link.source[0]).__name__, link.source[1]) for link in demo._links]
    assert sources == [("IntSlider", "value"), ("Dropdown", "index")]
    assert all(link.target[0] is demo for link in demo._links)


def test_reset_restores_what_the_explorer_was_made_with() -> None:
    demo = Demo(n=5)
    demo.n, demo.choice_index = 9, 1
    demo.reset()
    assert (demo.n, demo.choice_index) == (5, 0)
    assert demo.defaults == {"n": 5, "choice_index": 0}
    assert demo.controls["n"].value == 5


@pytest.mark.parametrize("n", [-1, 10, "three", 2.5])
def test_a_value_out_of_range_is_a_trait_error(n: Any) -> None:
    with pytest.raises(traitlets.TraitError, match="n"):
        Demo(n=n)


def test_an_unknown_value_is_answered_with_the_known_ones() -> None:
    with pytest.raises(
        TypeError, match="Demo has no value 'm'; it has n, choice_index"
    ):
        Demo(m=1)


def test_an_explorer_displays_its_box_and_then_a_static_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: shown.append(data))
    demo = Demo()
    demo._ipython_display_()
    widget, picture = shown
    view = widget["application/vnd.jupyter.widget-view+json"]
    assert view["model_id"] == demo.box.model_id
    assert '<svg role="img" aria-label="n">' in picture["text/html"]
    assert "n is 3" in picture["text/html"]
    assert picture["text/plain"] == "n is 3"
    assert demo._repr_mimebundle_()[0] == widget


def test_the_style_sheet_that_comes_with_a_view_hides_the_static_picture() -> None:
    assert ".cnn-fallback {\n  display: none;\n}" in stylesheet()


def test_a_repr_names_the_values_and_stays_short() -> None:
    assert repr(Demo()) == "Demo(n=3, choice_index=0)"
    assert len(repr(course_lib.widgets.KernelExplorer())) < 250


def _make(name: str) -> Explorer:
    explorer = getattr(course_lib.widgets, name)
    if name == "RunsExplorer":
        runs = files("course_lib") / "runs" / "plateau.json"
        return explorer(json.loads(runs.read_text("utf-8")))
    if name != "LeNetExplorer":
        return explorer()
    sample = fashion_mnist_sample("test")
    X = sample.images[:2, None].float() / 255  # (2, 1, 28, 28)
    return explorer(LeNet(), X, sample.labels[:2])


WITH_CONTROLS = [name for name in course_lib.widgets.__all__ if name != "Quiz"]


@pytest.mark.parametrize("name", WITH_CONTROLS)
def test_every_explorer_has_a_prompt_named_controls_and_a_described_picture(
    name: str,
) -> None:
    explorer = _make(name)
    assert "Try" in explorer.prompt
    assert "Look for" in explorer.prompt
    names = [control.description for control in explorer.controls.values()]
    assert all(names), names
    assert len(set(names)) == len(names), names
    assert explorer.picture().startswith('<svg role="img" aria-label="')
    assert len(explorer.description()) > 20
    assert set(explorer.defaults) == set(explorer.value_names())
