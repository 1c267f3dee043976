"""Reading a submitted notebook, and what is left of it."""

import copy
import json
import time

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder import submission
from autograder.assignment import Assignment, Cell
from autograder.submission import Unreadable, parse_notebook, plain_python, rebuild

TASK = Assignment(
    "small",
    (
        Cell("setup", "setup", "code", "import torch"),
        Cell("double", "answer", "code", ""),
        Cell("test_double", "tests", "code", "", 1),
        Cell("why", "written", "markdown", ""),
    ),
)


def cell(name, source, kind="code"):
    meta = {"nbgrader": {"grade_id": name}} if name else {}
    return {"cell_type": kind, "metadata": meta, "source": source}


def notebook(*cells):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}


def test_only_the_text_of_answers_survives():
    kept = rebuild(
        notebook(
            cell("setup", "torch = None"),
            cell("double", "def double(X): ..."),
            cell("test_double", "pass"),
            cell("why", "Because.", "markdown"),
        ),
        TASK,
    )
    assert kept.answers == {"double": "def double(X): ..."}
    assert kept.written == {"why": "Because."}
    assert kept.extras == kept.warnings == []


def test_parts_of_a_split_answer_are_joined_in_order_with_a_warning():
    kept = rebuild(
        notebook(cell("double", "a = 1"), cell("double", "b = 2"), cell("why", "x")),
        TASK,
    )
    assert kept.answers["double"] == "a = 1\n\nb = 2"
    assert "The cell double stands 2 times; the parts were joined." in kept.warnings


def test_a_missing_answer_is_empty_and_said_so():
    kept = rebuild(notebook(), TASK)
    assert kept.answers == {"double": ""}
    assert "The notebook has no cell double any more." in kept.warnings


def test_cells_of_the_students_own_are_kept_apart():
    kept = rebuild(notebook(cell("setup", ""), cell("", "def helper(): ...")), TASK)
    (extra,) = kept.extras
    assert (extra.source, extra.after) == ("def helper(): ...", "setup")
    assert kept.names_in_extras() == {"helper"}


def test_setup_cells_come_from_the_release():
    kept = rebuild(notebook(cell("setup", "evil"), cell("double", "x = 1")), TASK)
    assert submission.cells_to_run(TASK, kept.answers) == [
        {"id": "setup", "source": "import torch"},
        {"id": "double", "source": "x = 1"},
    ]


def test_an_answer_that_is_too_long_is_cut_with_a_warning():
    long = "x" * (submission.MAX_SOURCE + 1)
    kept = rebuild(notebook(cell("double", long)), TASK)
    assert len(kept.answers["double"]) == submission.MAX_SOURCE
    assert "The cell double is too long; its end was cut off." in kept.warnings


def test_what_nbformat_writes_can_be_read(tmp_path):
    written = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "x = 1\ny = 2", metadata=cell("double", "")["metadata"]
            )
        ]
    )
    path = tmp_path / "small.ipynb"
    nbformat.write(written, path)
    kept = submission.read(path, TASK)
    assert kept.answers["double"] == "x = 1\ny = 2"
    assert len(kept.digest) == 64


UNREADABLE = [
    (b"", "invalid JSON"),
    (b"[]", "no JSON object"),
    (b'{"nbformat": 4}', "its cells are no list of cells"),
    (b'{"nbformat": 4.0, "cells": []}', "nbformat is 4.0"),
    (b'{"nbformat": true, "cells": []}', "nbformat is True"),
    (b'{"nbformat": 4, "cells": [1]}', "its cells are no list of cells"),
    (b'{"nbformat": 4, "cells": [], "cells": []}', "a key appears twice"),
    (b'{"nbformat": 4, "cells": [], "x": NaN}', "NaN is not JSON"),
    (b"\xff\xfe", "not text in UTF-8"),
    (b"[" * 100_000, "nested too deeply"),
    (
        b'{"nbformat": 4, "cells": [], "x": ' + b"[" * 60 + b"]" * 60 + b"}",
        "too deeply",
    ),
]


@pytest.mark.parametrize(("data", "reason"), UNREADABLE, ids=lambda v: str(v)[:30])
def test_what_is_no_notebook_is_unreadable_with_the_reason(data, reason):
    with pytest.raises(Unreadable, match=reason):
        parse_notebook(data)


def test_too_many_cells_are_unreadable():
    many = json.dumps(notebook(*[cell("", "")] * (submission.MAX_CELLS + 1))).encode()
    with pytest.raises(Unreadable, match="1001 cells; 1000 is the limit"):
        parse_notebook(many)


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "large.ipynb"
    with open(path, "wb") as file:
        file.truncate(submission.MAX_BYTES + (5 << 20))
    with pytest.raises(Unreadable, match="the file has 15 MB; 10 MB is the limit"):
        submission.read_bytes(path)


def test_links_folders_and_absence_are_refused(tmp_path):
    target = tmp_path / "real.ipynb"
    target.write_text("{}")
    (tmp_path / "link.ipynb").symlink_to(target)
    (tmp_path / "folder.ipynb").mkdir()
    for name, reason in [
        ("link", "the file is a link"),
        ("folder", "not a regular file"),
        ("nothing", "cannot be opened: No such file"),
    ]:
        with pytest.raises(Unreadable, match=reason):
            submission.read_bytes(tmp_path / f"{name}.ipynb")


MAGICS = [
    ("x = 1", "x = 1"),
    ("%%time\nx = 1", "#\nx = 1"),
    ("%time x = 1", "x = 1"),
    ("def f():\n    %time g()\n    return 1", "def f():\n    g()\n    return 1"),
    ("x = (1\n %2)", "x = (1\n %2)"),
    ("!ls\nx = 3", "get_ipython().system('ls')\nx = 3"),
    ("def f(:", "def f(:"),
]


@pytest.mark.parametrize(("source", "expected"), MAGICS, ids=lambda s: s[:12])
def test_magics_become_plain_python_as_text(source, expected):
    assert plain_python(source) == expected


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["cells", "metadata", "nbgrader", "grade_id", "source", "cell_type"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_change_of_a_notebook_breaks_the_reader(data):
    """A notebook with a few of its values replaced by anything."""
    changed = copy.deepcopy(
        notebook(cell("double", "x = 1"), cell("why", "x", "markdown"))
    )
    for _ in range(data.draw(st.integers(1, 3))):
        place = changed
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and data.draw(st.booleans()):
                place = place[key]
                continue
            place[key] = data.draw(ANYTHING)
            break
    try:
        kept = rebuild(parse_notebook(json.dumps(changed).encode()), TASK)
    except Unreadable:
        return
    assert set(kept.answers) == {"double"}
    assert all(isinstance(text, str) for text in kept.answers.values())


def test_a_link_among_the_folders_is_refused(tmp_path):
    """A student's folder that is a link to ``source`` would hand in the solution."""
    (tmp_path / "source" / "double").mkdir(parents=True)
    (tmp_path / "source" / "double" / "double.ipynb").write_text("{}")
    (tmp_path / "submitted").mkdir()
    (tmp_path / "submitted" / "eve").symlink_to(tmp_path / "source")
    (tmp_path / "submitted" / "mal").mkdir()
    (tmp_path / "submitted" / "mal" / "double").symlink_to(
        tmp_path / "source" / "double"
    )
    for student in ("eve", "mal"):
        with pytest.raises(Unreadable, match="its folder is a link"):
            submission.read_bytes(
                tmp_path / "submitted" / student / "double" / "double.ipynb",
                tmp_path / "submitted",
            )


SLOW = [
    "\n" * 49_000 + "%",
    "!ls\n" * 12_000,
    "a?\n" * 16_000,
    "x = !ls\n" * 5_000,
    " " * 49_000 + "%time",
    "%%time\n" * 7_000,
    "(" * 49_000,
    "f'{" * 16_000,
]


@pytest.mark.parametrize("source", SLOW, ids=lambda s: repr(s[:8]))
def test_reading_code_takes_no_time_that_grows_faster_than_its_length(source):
    """The longest answer, in the trusted process, which no limit of a room covers."""
    before = time.process_time()
    plain_python(source)
    assert time.process_time() - before < 20  # minutes, before this was bounded


def test_code_that_cannot_be_read_here_does_not_run_there():
    """Else a name that is off limits could hide behind a deep expression."""
    deep = "x = " + "+".join(["1"] * 20_000)
    assert submission.tree(deep) is None
    assert plain_python(deep).startswith("raise RecursionError")


def test_a_million_empty_lists_are_not_taken_apart():
    data = b'{"nbformat": 4, "cells": [' + b"[]," * 500_000 + b"[]]}"
    with pytest.raises(Unreadable, match="it has too many parts"):
        parse_notebook(data)


def test_a_strange_format_number_is_refused_without_showing_all_of_it():
    data = b'{"nbformat": ' + b"[" * 900 + b"]" * 900 + b', "cells": []}'
    with pytest.raises(Unreadable, match=r"no number|nested too deeply"):
        parse_notebook(data)
