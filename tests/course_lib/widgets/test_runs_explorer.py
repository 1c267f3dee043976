"""The explorer of recorded runs: in Python, in JavaScript, and both alike."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import traitlets

from course_lib.widgets.runs_explorer import RunsExplorer, log_share, short
from tests.course_lib.widgets.javascript import call_javascript

MODULE = "runs_explorer.js"
FILE = Path(__file__).parents[3] / "course_lib" / "runs" / "plateau.json"
RECORD = json.loads(FILE.read_text(encoding="utf-8"))


def test_all_recorded_combinations_are_there_in_order() -> None:
    explorer = RunsExplorer(RECORD)
    sizes = len(explorer.activations), len(explorer.inits), len(explorer.rates)
    assert sizes == (3, 5, 5)
    wanted = {
        (run["activation"], run["init"], run["lr"]): run["loss"]
        for run in RECORD["runs"]
        if run["seed"] == 0
    }
    for a, activation in enumerate(explorer.activations):
        for i, init in enumerate(explorer.inits):
            for r, lr in enumerate(explorer.rates):
                explorer.activation_index = a
                explorer.init_index = i
                explorer.rate_index = r
                assert explorer.run["loss"] == wanted[activation, init, lr]


def test_python_and_javascript_find_and_describe_the_same_run() -> None:
    explorer = RunsExplorer(RECORD)
    record, cases = explorer._record, []
    for a in range(3):
        for i in range(5):
            for r in range(5):
                moment = (a + i + r) % len(record["moments"])
                cases.append((a, i, r, moment))
    names = ("activation_index", "init_index", "rate_index", "moment_index")
    states = [dict(zip(names, case, strict=True)) for case in cases]
    # The record once, the states one by one: a state of 75 runs is no small argument.
    words = call_javascript(MODULE, [("runInWords", [record, s]) for s in states[:25]])
    words += call_javascript(MODULE, [("runInWords", [record, s]) for s in states[25:]])
    places = call_javascript(
        MODULE,
        [("runPlace", [{"inits": [0] * 5, "rates": [0] * 5}, s]) for s in states],
    )
    for state, said, place in zip(states, words, places, strict=True):
        for name, value in state.items():
            setattr(explorer, name, value)
        assert explorer.place == place
        assert explorer.description() == said
    assert len(set(words)) == len(words)


NUMBERS = [0.0, 0.843, 2.3, 1.0, 0.001, 0.000999, 2.89e-07, 1.23e4, 408.0, -0.5, None]


def test_numbers_are_written_and_placed_alike() -> None:
    written = call_javascript(MODULE, [("shortNumber", [n]) for n in NUMBERS])
    assert written == [short(n) for n in NUMBERS]
    sizes = [n for n in NUMBERS if n is None or n >= 0]
    placed = call_javascript(MODULE, [("logShare", [n]) for n in sizes])
    assert placed == [pytest.approx(log_share(n)) for n in sizes]


@pytest.mark.parametrize(
    ("steps", "words"),
    [(None, "stays above 2"), (0, "within the first 20"), (40, "after 40 steps")],
)
def test_the_end_of_the_plateau_is_put_into_words(steps: Any, words: str) -> None:
    assert words in call_javascript(MODULE, [("fateInWords", [steps])])[0]


def test_a_run_is_chosen_by_name_and_reset_goes_back_to_it() -> None:
    explorer = RunsExplorer(RECORD, activation="ReLU", init="He", lr=0.1)
    assert explorer.run["steps_at_chance"] == 0
    assert explorer.controls["rate_index"].label == "0.1"
    explorer.pinned = explorer.place
    explorer.activation_index = 0
    explorer.controls["moment_index"].index = 3
    assert explorer.moment_index == 3
    assert "After step 100" in explorer.description()
    explorer.reset()
    assert (explorer.activations[explorer.activation_index], explorer.pinned) == (
        "ReLU",
        -1,
    )


def test_the_picture_names_what_it_shows() -> None:
    explorer = RunsExplorer(RECORD, activation="sigmoid", init="Xavier", lr=0.9)
    picture = explorer.picture()
    assert picture.startswith('<svg role="img" aria-label="sigmoid, weights Xavier')
    assert "ln 10: chance" in picture
    assert picture.count("<rect") == 5


def _without(key: str) -> dict[str, Any]:
    return {name: value for name, value in RECORD.items() if name != key}


def _missing_one() -> dict[str, Any]:
    record = copy.deepcopy(RECORD)
    del record["runs"][7]
    return record


@pytest.mark.parametrize(
    ("record", "options", "message"),
    [
        (_without("moments"), {}, r"lacks moments; `make labs-runs` writes one"),
        (_missing_one(), {}, r"no run of sigmoid, PyTorch's own, 0\.3; it needs every"),
        (RECORD, {"lr": 0.2}, r"no run has lr=0\.2; there are 0\.03, 0\.1, 0\.3"),
        (RECORD, {"activation": "relu"}, r"activation='relu'; .*sigmoid, tanh, ReLU"),
        (RECORD, {"init": "zeros"}, r"init='zeros'; there are small normal"),
    ],
)
def test_what_is_missing_is_named(
    record: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RunsExplorer(record, **options)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("rate_index", 5, "rate_index is 5; it goes up to 4"),
        ("moment_index", 7, "moment_index is 7; it goes up to 6"),
        ("pinned", 75, "pinned is 75; it goes up to 74"),
        ("activation_index", -1, "activation_index"),
    ],
)
def test_indices_out_of_range_are_refused(name: str, value: int, message: str) -> None:
    explorer = RunsExplorer(RECORD)
    with pytest.raises(traitlets.TraitError, match=message):
        setattr(explorer, name, value)
