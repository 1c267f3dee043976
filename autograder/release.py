"""From MyST to a course: source and student notebooks, and a copy to grade by.

nbgrader's own ``generate_assignment`` makes the student version. What it made is copied
under its hash into ``.autograder/releases``, and submissions are rebuilt from that
copy, never from the ``release`` folder, which anybody may have touched since.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat

from autograder import assignment as assignments
from autograder.assignment import AssignmentError

TESTED = ("0.9.6",)
CONFIG = "nbgrader_config.py"


def new_course(folder: Path, course_id: str = "") -> list[Path]:
    """Make an empty course: folders, the configuration, and a short README.

    Raises
    ------
    FileExistsError
        When there is a course in that folder already.
    """
    config = folder / CONFIG
    if config.exists():
        raise FileExistsError(f"{folder} is a course already: it has {CONFIG}")
    (folder / "source").mkdir(parents=True, exist_ok=True)
    template = (assignments.PACKAGE / "nbgrader_config.template").read_text(
        encoding="utf-8"
    )
    name = course_id or folder.resolve().name
    config.write_text(template.replace("COURSE_ID", repr(name)), encoding="utf-8")
    readme = folder / "README.md"
    readme.write_text(README.format(name=name), encoding="utf-8")
    return [config, readme]


README = """\
# {name}

| to | type, in this folder |
| --- | --- |
| make the students' notebook | `python -m autograder release NAME --course .` |
| publish it through an exchange | `nbgrader release_assignment NAME` |
| collect | `nbgrader collect NAME` or `nbgrader zip_collect NAME` |
| grade | `python -m autograder grade NAME --course .` |
| write feedback | `nbgrader generate_feedback NAME`, `nbgrader release_feedback NAME` |
| export | `nbgrader export` (`--exporter=autograder.exports.CanvasExportPlugin`, …) |
| see how it went | `python -m autograder report NAME --course .` |

Start the formgrader in this folder, so that it finds `{config}`:
without that file no submission gets any points.
""".replace("{config}", CONFIG)


def release(name: str, course: Path) -> Path:
    """Build source and student notebook; return the copy kept for grading.

    Raises
    ------
    AssignmentError
        When the checks and the points of the grade cells do not agree, or nbgrader
        refuses the notebook.
    """
    from autograder.grading import listed_checks

    check_nbgrader()
    if not (course / CONFIG).is_file():
        raise AssignmentError(
            f"{course} is no course: there is no {CONFIG} (make one with new-course)"
        )
    listed_checks(assignments.load(name))
    source = course / "source" / name / f"{name}.ipynb"
    source.parent.mkdir(parents=True, exist_ok=True)
    write_notebook(assignments.read_source(name), source)
    _nbgrader(course, "generate_assignment", name, "--force", "--create")
    return keep_copy(course / "release" / name / f"{name}.ipynb", name, course)


def write_notebook(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook through a temporary name: no half of one is ever seen."""
    text = nbformat.writes(notebook) + "\n"
    write_atomically(path, text.encode())


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file under a temporary name, sync it and rename it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def check_nbgrader() -> None:
    """Refuse a version of nbgrader that this configuration was never tested with.

    Also lets nbgrader find the ``alembic`` command of its own environment, which need
    not be the active one.
    """
    import nbgrader

    scripts = str(Path(sys.executable).parent)
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join((scripts, os.environ.get("PATH", "")))

    if nbgrader.__version__ not in TESTED:
        raise AssignmentError(
            f"nbgrader {nbgrader.__version__} is not one of the versions tested with "
            f"this autograder: {', '.join(TESTED)}"
        )


def _nbgrader(course: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssignmentError(
            f"nbgrader {arguments[0]} failed:\n{(done.stderr or done.stdout)[-2000:]}"
        )


# --- the copy to grade by -------------------------------------------------------------


def keep_copy(released: Path, name: str, course: Path) -> Path:
    """Copy the student notebook under its hash and make it the current one."""
    data = released.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    folder = course / ".autograder" / "releases" / name
    copy = folder / f"{digest}.ipynb"
    write_atomically(copy, data)
    current = json.dumps({"sha256": digest}) + "\n"
    write_atomically(folder / "current.json", current.encode())
    return copy


def released_copy(name: str, course: Path) -> Path:
    """Return the kept copy of the current release, verified by its hash.

    Raises
    ------
    AssignmentError
        When the assignment was never released, or the copy was changed.
    """
    folder = course / ".autograder" / "releases" / name
    try:
        digest = json.loads((folder / "current.json").read_text())["sha256"]
        copy = folder / f"{digest}.ipynb"
        data = copy.read_bytes()
    except (OSError, ValueError, KeyError):
        raise AssignmentError(
            f"{name} was not released in {course} (python -m autograder release {name})"
        ) from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise AssignmentError(f"the kept release of {name} was changed: {copy}")
    return copy
