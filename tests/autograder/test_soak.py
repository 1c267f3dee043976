"""A sample of each long trial of ``make soak``, and what the trials need to be able to.

The seed is printed by a failure; ``python tools/soak.py --only PART --seed N`` runs the
same cases.
"""

import importlib.util
import random
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
SEED = 6
#: attacks that end at once, out of each kind; test_hostile.py runs every one
MIXED = (
    "patches_the_comparison poisons_the_modules leaves_a_process_behind segfaults "
    "fills_the_disk kills_everybody wire_flood leaves_files_behind exits_at_the_top"
).split()

pytestmark = [pytest.mark.sandbox, pytest.mark.xdist_group("soak")]


@pytest.fixture(scope="module")
def soak():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(TOOLS), *sys.path])
        spec = importlib.util.spec_from_file_location("soak", TOOLS / "soak.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def course_folder(soak, tmp_path_factory):
    with soak.tiny(tmp_path_factory.mktemp("soak")) as folder:
        yield folder


@pytest.fixture
def found(soak, tmp_path, monkeypatch):
    """Where failing cases are kept."""
    monkeypatch.setattr(soak, "FOUND", tmp_path)
    return tmp_path


def test_changed_notebooks_never_break_the_reader_or_earn_more(
    soak, course_folder, found
):
    trials = soak.Notebooks(graded=6)
    try:
        endings = soak.fuzz("notebooks", SEED, 300, trials.make, trials.trial, 90.0)
    finally:
        trials.close()
    assert endings["unreadable"] > 50
    assert endings["graded: 2"] > 50


def test_changed_messages_never_break_the_trusted_side(soak, found):
    trials = soak.Messages()
    endings = soak.fuzz("messages", SEED, 3_000, trials.make, trials.trial, 60.0)
    assert {"a value", "StudentGarbled", "StudentRaised", "StudentWrongType"} <= set(
        endings
    )


def test_changed_replies_never_look_like_a_mistake_of_the_checks(
    soak, found, monkeypatch
):
    for name in ("AUTOGRADER_ASSIGNMENTS", "AUTOGRADER_CHECKS"):
        monkeypatch.delenv(name, raising=False)
    trials = soak.Checks(["corr2d"])
    endings = soak.fuzz("checks", SEED, 4, trials.make, trials.trial, 120.0)
    assert sum(endings.values()) == 4
    assert trials.messages > 50


def test_a_failing_case_is_kept_and_can_be_run_again(soak, found, course_folder):
    def trial(data, rng):
        raise ValueError("broken")

    with pytest.raises(soak.Failed, match=r"messages 0: ValueError\('broken'\)"):
        soak.fuzz("messages", SEED, 3, soak.Messages().make, trial)
    (kept,) = found.iterdir()
    assert kept.name == "messages-6-0.bin"
    assert kept.read_bytes() == soak.Messages().make(random.Random("6-0"))
    assert soak.replay(kept, found / "x").startswith(("Student", "a value"))


def test_cases_are_named_by_seed_and_number(soak):
    make = soak.Messages().make
    first = [make(random.Random(f"{SEED}-{i}")) for i in range(20)]
    assert first == [make(random.Random(f"{SEED}-{i}")) for i in range(20)]
    assert len(set(first)) > 15


@pytest.mark.parametrize("worker", [False, True], ids=["the grader", "a worker"])
def test_a_killed_run_is_finished_by_running_it_again(
    soak, course_folder, tmp_path, worker
):
    """The same bytes as undisturbed, nothing graded twice, a sound gradebook."""
    kills = soak.Kills(tmp_path, size=6, worker=worker)
    rng = random.Random(SEED)
    moments = [0.5, 0.8] if not worker else [0.5]
    for share in moments:
        moment = kills.seconds * (share + rng.uniform(-0.1, 0.1))
        assert "," in kills.trial(str(moment).encode())


def test_honest_students_get_the_same_bytes_alone_and_among_attackers(
    soak, course_folder, tmp_path
):
    chosen = {s: p for s, p in soak.attacks().items() if p.stem in MIXED}
    assert len(chosen) == len(MIXED)
    text = soak.Mixed(tmp_path, 5, chosen).run()
    assert text == f"5 honest, {len(MIXED)} attacks"
