"""What a room is given, what is taken from it, and what is left when it is gone."""

import os
import re
import time
from pathlib import Path

import pytest
from nbconvert.filters.markdown import markdown2html
from nbformat.v4 import new_code_cell, new_notebook

from autograder import cgroups
from autograder.assignment import load
from autograder.cgroups import ControlGroup
from autograder.notebooks import execute, harmless_markdown, harmless_outputs
from autograder.sandbox import Limits, Sandbox, SandboxError, _bubblewrap
from autograder.seccomp import program
from autograder.student import Answers, Student, StudentExited

pytestmark = pytest.mark.sandbox


@pytest.fixture
def student():
    """A proxy for one answer, in a room that is closed after the test."""
    made = []

    def student(sandbox, source):
        cells = [{"id": "answer", "source": source}]
        made.append(Student(sandbox, Answers(cells=cells, texts={"answer": source})))
        return made[-1]

    yield student
    for proxy in made:
        proxy.close()


def test_no_mount_leads_to_the_repository_or_to_a_home():
    words = _bubblewrap()
    mounted = {
        words[i + 1] for i, w in enumerate(words) if w in ("--ro-bind", "--bind")
    }
    repository = Path(__file__).parents[2]
    allowed = {repository / "course_lib"}
    for name in "__init__ execution host memory probes rehearsal wire".split():
        allowed.add(repository / "autograder" / f"{name}.py")
    inside = {Path(m) for m in mounted if Path(m).is_relative_to(repository)}
    inside = {m for m in inside if ".venv" not in m.parts}
    assert inside == allowed
    assert str(Path.home()) not in mounted
    assert "--bind" not in words


def test_every_room_is_empty_and_the_same(sandbox, student):
    source = (
        "import os\ndef look():\n"
        "    open('/tmp/mine', 'w').close()\n"
        "    return [sorted(os.listdir('/tmp')), os.getpid(), os.getuid() != 0]"
    )
    for _ in range(2):
        room = student(sandbox, source)
        assert room.call("look", returns=list) == [["mine"], 1, True]
        room.close()


def test_a_shell_that_waits_for_notebooks_is_not_seen_elsewhere(sandbox, student):
    source = (
        "import IPython\ndef look():\n"
        "    from autograder.execution import _Shell\n"
        "    return [IPython.get_ipython() is None, _Shell.initialized()]"
    )
    assert student(sandbox, source).call("look", returns=list) == [True, False]


def test_the_cells_of_a_notebook_find_their_shell_as_new(sandbox):
    sources = (
        "import __main__, IPython\nhere = 1\n"
        "IPython.get_ipython() is get_ipython(), __main__.here, len(In), len(Out)",
        "def f():\n    return 1 / 0\nf()",
    )
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    execute(notebook, sandbox)
    (shown,), (error,) = (cell.outputs for cell in notebook.cells)
    assert [cell.execution_count for cell in notebook.cells] == [1, 2]
    assert shown.data["text/plain"] == "(True, 1, 2, 0)"
    assert error.ename == "ZeroDivisionError"
    frames = "\n".join(error.traceback)
    assert "----> 2     return 1 / 0" in frames
    assert "Cell In[2], line 3" in frames


def test_threads_and_processes_of_a_room_work_though_its_fork_was_bare(
    sandbox, student
):
    source = """
import os, random, threading

def look():
    seen = []
    thread = threading.Thread(target=lambda: seen.append(random.random()))
    thread.start()
    thread.join()
    pid = os.fork()
    if pid == 0:
        os._exit(7)
    main = threading.current_thread() is threading.main_thread()
    return [len(seen), main, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]
"""
    assert student(sandbox, source).call("look", returns=list) == [1, True, 7]


def _call_for_seconds(proxy, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        proxy.call("one", returns=int)


def test_a_zygote_that_is_killed_is_replaced(student):
    with Sandbox() as sandbox:
        first = student(sandbox, "def one():\n    return 1")
        assert first.call("one", returns=int) == 1
        sandbox._process.kill()
        sandbox._process.wait()
        with pytest.raises((StudentExited, SandboxError)):
            _call_for_seconds(first, 10)  # the rooms die a moment after bubblewrap
        again = student(sandbox, "def one():\n    return 1")
        assert again.call("one", returns=int) == 1


def test_memory_is_limited_for_each_process(student):
    with Sandbox(Limits(memory=256 << 20)) as sandbox:
        source = "def hoard(n):\n    return len(bytearray(n))"
        room = student(sandbox, source)
        assert room.call("hoard", 50 << 20, returns=int) == 50 << 20
        with pytest.raises(Exception, match="MemoryError"):
            room.call("hoard", 500 << 20, returns=int)


def test_a_control_group_is_removed_with_its_sandbox(tiny):
    if cgroups.make(1 << 30, 16, Path("/nowhere")) is not None:
        pytest.fail("a group was made where there is none")
    with Sandbox() as sandbox:
        sandbox.room().close()
        group = sandbox._group
    if group:
        assert not [f for f in group.folders if f.exists()]


def test_groups_that_a_killed_grader_left_are_swept(tmp_path):
    (tmp_path / "autograder-999999999-ab").mkdir()
    (tmp_path / f"autograder-{os.getpid()}-cd").mkdir()
    cgroups._sweep(tmp_path)
    assert [f.name for f in tmp_path.iterdir()] == [f"autograder-{os.getpid()}-cd"]
    ControlGroup([tmp_path]).remove(0.0)  # not empty: left alone, no error
    assert tmp_path.exists()


def test_the_filter_is_a_program_of_whole_instructions():
    assert len(program()) % 8 == 0
    assert len(program()) > 800


def test_closing_is_quick_and_complete(student):
    sandbox = Sandbox()
    room = student(sandbox, "import time\ndef wait():\n    time.sleep(100)")
    room._load()
    before = time.monotonic()
    sandbox.close()
    assert time.monotonic() - before < 10
    assert sandbox._process is None


HARMLESS = [
    ({"output_type": "display_data", "data": {"text/html": "<script>1</script>"}}, []),
    ({"output_type": "display_data", "data": {"image/png": "bm90IGEgcG5n"}}, []),
    ({"output_type": "display_data", "data": {"application/javascript": "1"}}, []),
    ({"output_type": "update_display_data", "data": {"text/plain": "x"}}, []),
    ("text", []),
    ({"output_type": "stream", "text": "a\x1b[0m<b>"}, ["stdout"]),
]


@pytest.mark.parametrize(("output", "kept"), HARMLESS, ids=lambda v: str(v)[:40])
def test_outputs_that_could_act_are_dropped(output, kept):
    shown = harmless_outputs([output])
    assert [o.get("name") for o in shown] == kept
    assert "\x1b" not in str(shown)


def test_a_drawing_is_shown_as_an_image_that_cannot_act():
    svg = "<svg onload='alert(1)'><script>alert(1)</script></svg>"
    (output,) = harmless_outputs(
        [{"output_type": "display_data", "data": {"text/html": f"<div>{svg}</div>"}}]
    )
    shown = output["data"]["text/html"]
    assert shown.startswith('<img alt="drawing" src="data:image/svg+xml;base64,')
    assert "<script" not in shown
    assert "onload" not in shown


LINKS = [
    "[x](javascript:y)",
    "[x]( javascript:y)",
    "[x](<javascript:y>)",
    "[x](javascript&#58;y)",
    "[x][z]\n\n[z]: javascript:y",
    "[a\\]b]\n\n[a\\]b]: javascript:y",
    "[z]\n\n[z]:\n  javascript:y",
    "![x](data:image/svg+xml,y)",
    "![x](http://elsewhere.example/pixel.png)",
    "![x][z]\n\n[z]: http://elsewhere.example/pixel.png",
    "<javascript:y>",
    "<img src=x onerror=y>",
    "[x](https://a.example/)[y](javascript:y)",
]


@pytest.mark.parametrize("source", LINKS)
def test_markdown_of_a_student_links_to_the_web_only_and_loads_nothing(source):
    page = markdown2html(harmless_markdown(source))
    assert "<img" not in page
    hrefs = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert all(h.startswith(("http://", "https://")) for h in hrefs), page


def test_markdown_of_a_student_keeps_mathematics_and_web_links():
    text = harmless_markdown("$a<b$ and [a page](https://a.example/)")
    assert text == "$a&lt;b$ and [a page](https://a.example/)"


SLOW = ["](", "\n", "](" + " ", "![", "[", "<", "`", "*a_", "]:"]


@pytest.mark.parametrize("piece", SLOW, ids=repr)
def test_cleaning_long_markdown_takes_time_in_proportion(piece):
    """Two hundred times as much may take longer, but not for ever."""
    text = harmless_markdown(piece * (200_000 // len(piece)))
    assert "](" not in text


@pytest.mark.parametrize("wanted", [False, True])
def test_what_optimisers_import_is_there_if_the_task_wants_one(wanted):
    answers = Answers([{"id": "f", "source": LOADED}], {"f": LOADED})
    with Sandbox(optimizers=wanted) as sandbox:
        student = Student(sandbox, answers)
        assert student.call("f", returns=list) == [wanted, True]
        student.close()


LOADED = """\
import sys, torch

def f():
    before = "torch._dynamo" in sys.modules
    torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1).step()
    return [before, "torch._dynamo" in sys.modules]
"""


@pytest.mark.parametrize(("name", "optimizes"), [("corr2d", False), ("lenet", True)])
def test_the_task_tells_whether_an_optimiser_is_wanted(name, optimizes, monkeypatch):
    monkeypatch.delenv("AUTOGRADER_ASSIGNMENTS", raising=False)  # others' here
    assert load(name).optimizes is optimizes
