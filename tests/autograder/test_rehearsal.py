"""The rehearsal prepares what rooms do, and no room can see that there was one."""

import builtins
import linecache
import subprocess
import sys

import pytest

from autograder import rehearsal
from autograder.execution import Notebook
from autograder.host import Desk


@pytest.mark.parametrize("optimizers", [False, True])
def test_every_question_is_answered_and_nothing_is_left(optimizers):
    Notebook.rehearse()  # the shell's own builtins stay, as in every kernel
    before = sys.modules["__main__"], dict(vars(builtins)), set(linecache.cache)
    rehearsal.rehearse(optimizers)
    assert sys.modules["__main__"] is before[0]
    assert vars(builtins) == before[1]
    assert rehearsal.__name__ not in "".join(set(linecache.cache) - before[2])


def test_every_request_that_a_room_answers_is_among_the_questions():
    asked = {request["do"] for request, _ in rehearsal.questions(True)}
    known = {name.removeprefix("do_") for name in dir(Desk) if name.startswith("do_")}
    assert asked == known - {"run"}  # the notebook's, which has a rehearsal of its own


def test_a_rehearsal_that_goes_wrong_says_where(monkeypatch):
    monkeypatch.setattr(rehearsal, "CELL", "import torch")
    with pytest.raises(RuntimeError, match=r"call went wrong: .*missing.*total"):
        rehearsal.rehearse()


WITHOUT = """
import sys
from autograder.rehearsal import rehearse
rehearse()
print([name for name in ("sympy", "torch._dynamo") if name in sys.modules])
"""


@pytest.mark.parametrize(
    "program",
    [
        WITHOUT,
        "import sys, autograder.pool; print([*filter(None, [GRAMMAR])])",
        "import sys, autograder.cluster; print([*filter(None, [GRAMMAR])])",
    ],
    ids=["rooms", "workers", "workers of a cluster"],
)
def test_what_takes_long_to_import_is_not(program):
    """Half a second and more, for every process of every run."""
    program = program.replace("GRAMMAR", "sys.modules.get('rfc3987_syntax')")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
