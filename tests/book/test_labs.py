"""The labs: their recorded runs belong to the pages, and can be had again."""

import json
import re

import pytest
import torch

from .conftest import PAGES, ROOT

import run_labs  # isort: skip  -- of tools/, which conftest puts on the path

LABS = [page for page in PAGES if page.startswith("book/labs/")]


def recorded(lab):
    return json.loads((run_labs.RUNS / f"{lab}.json").read_text(encoding="utf-8"))


def source(page):
    return (ROOT / f"{page}.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def same_threads():
    """Leave the number of threads as it was: recipes set it."""
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_there_are_five_labs_and_the_cards():
    assert len(LABS) == 5
    assert "book/semantics" in PAGES


@pytest.mark.parametrize("lab", run_labs.WORK)
def test_the_runs_are_of_the_page_as_it_stands(lab):
    assert recorded(lab)["recipe"] == run_labs.fingerprint(lab), (
        f"the recipe in {lab}.md has changed: `make labs-runs`"
    )


@pytest.mark.parametrize("lab", run_labs.WORK)
def test_every_run_is_there_and_says_what_it_took(lab):
    record = recorded(lab)
    settings = list(run_labs.WORK[lab][0]())
    assert len(record["runs"]) == len(settings)
    for run, wanted in zip(record["runs"], settings, strict=True):
        assert {name: run[name] for name in wanted} == wanted
        assert run["cpu_seconds"] > 0
    assert record["torch"].startswith("2.")
    assert record["seeds"] == [0, 1, 2]


def test_the_runs_are_small():
    assert sum(path.stat().st_size for path in run_labs.RUNS.iterdir()) < 1_000_000


def test_one_run_made_anew_is_like_the_recorded_one():
    settings = {"activation": "ReLU", "init": "He", "lr": 0.1, "seed": 0}
    runs = [run for run in recorded("plateau")["runs"] if run["lr"] == 0.1]
    (old,) = [run for run in runs if settings.items() <= run.items()]
    page = run_labs.names("plateau")
    torch.manual_seed(0)
    net = page["make_net"]("ReLU", "He")
    images = page["test_set"].images[:, None] / 255
    seen = page["look"](net, images, page["test_set"].labels)
    norms = [gradient.norm().item() for gradient in seen[2]]
    assert norms == pytest.approx(old["moments"][0]["gradients"], rel=0.02)

    losses, _, _ = page["train"](net, 0.1, steps=300)
    assert page["steps_at_chance"](losses) <= 20
    # Other processors round otherwise, and 300 steps on, runs of one seed differ as
    # runs of two seeds do: the three recorded seeds end within 0.04 of each other.
    new = page["smooth"](losses)
    assert sum(new[-5:]) / 5 == pytest.approx(sum(old["loss"][10:15]) / 5, abs=0.1)


@pytest.mark.dataset
def test_the_ladder_ends_above_91_per_cent_within_five_minutes():
    last = [run for run in recorded("to-today")["runs"] if "wide" in run["rung"]]
    assert len(last) == 3
    for run in last:
        assert run["test_acc"][-1] >= 0.91
        assert run["cpu_seconds"] < 300


@pytest.mark.dataset
def test_one_rung_made_anew_starts_like_the_recorded_ones():
    page = run_labs.names("to-today")
    settings = dict(page["ladder"]())["max pooling"]
    shape = {k: settings.pop(k) for k in list(settings) if k in run_labs.SHAPE}
    torch.manual_seed(0)
    (new,) = page["train"](page["make_net"](**shape), epochs=1, **settings)
    runs = recorded("to-today")["runs"]
    old = [run["test_acc"][0] for run in runs if run["rung"] == "max pooling"]
    assert len(old) == 3
    assert min(old) - 0.06 < new < max(old) + 0.06


@pytest.mark.parametrize("page", [*LABS, "book/semantics"])
def test_a_page_opens_with_a_picture_and_ends_with_what_to_take_away(page):
    text = source(page)
    first_screen = text[: text.index("\n## ")] if "\n## " in text else text
    assert "show(" in first_screen or "RunsExplorer(" in first_screen
    assert text.count("\n## What to take away\n") == 1
    assert "remove-cell" in text, "claims are asserted in a hidden cell"


def test_every_card_is_settled_by_at_most_two_lines():
    cards = re.findall(
        r"^\(card-[\w-]+\)=\n:::\{card\} ([^\n]+\?)\n(.+?)^:::\n\n"
        r"```\{code-cell\} python3\n(.+?)^```$",
        source("book/semantics"),
        re.M | re.S,
    )
    assert len(cards) == source("book/semantics").count(":::{card}") == 9
    for title, why, code in cards:
        assert len(code.strip().splitlines()) <= 2, title
        assert len(why.split()) < 60, title


# -- the tool --------------------------------------------------------------------------


def test_a_recipe_is_what_is_tagged_so_and_nothing_else():
    text = run_labs.recipe("plateau")
    assert "def make_net(" in text
    assert "RunsExplorer" not in text
    assert ":tags:" not in text


def test_a_run_that_was_done_is_read_and_not_done_again(monkeypatch, tmp_path):
    calls = []

    def run(**settings):
        calls.append(settings)
        return {"answer": 42}

    monkeypatch.setattr(run_labs, "KEPT", tmp_path)
    monkeypatch.setitem(run_labs.WORK, "plateau", (lambda: iter(()), run))
    first = run_labs.run_once("plateau", {"seed": 0}, "recipe")
    assert first == run_labs.run_once("plateau", {"seed": 0}, "recipe")
    assert first["answer"] == 42
    assert len(calls) == 1
    run_labs.run_once("plateau", {"seed": 0}, "another recipe")
    run_labs.run_once("plateau", {"seed": 1}, "recipe")
    assert len(calls) == 3


def test_an_unknown_lab_is_named_with_those_there_are(capsys):
    with pytest.raises(SystemExit):
        run_labs.main(["plateaux"])
    message = "no lab 'plateaux'; there are plateau, to-today"
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "rounded"),
    [(0.12345, 0.123), (2.3026, 2.3), (float("inf"), None), (float("nan"), None)],
)
def test_numbers_keep_three_digits_and_no_number_becomes_none(number, rounded):
    assert run_labs.three(number) == rounded


def test_a_histogram_counts_everything_with_the_rest_in_its_last_bin():
    values = torch.tensor([0.01, 0.02, 5.0, float("inf")])
    shares = run_labs.permille(values, 0.0, 2.0)
    assert len(shares) == run_labs.BINS
    assert (shares[0], shares[-1], sum(shares)) == (500, 500, 1000)
