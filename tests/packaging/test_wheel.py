"""The wheel holds what it should and works where nothing else of ours is."""

import ast
import fnmatch
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile

import pytest

from course_lib import doctor

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMOKE = pathlib.Path(__file__).with_name("smoke.py")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
NO_NETWORK = ["bwrap", "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]

pytestmark = pytest.mark.xdist_group("wheel")

# Every file of the wheel matches one of these lines, and every line a file.
CONTENTS = """
course_lib/*.py
course_lib/py.typed
course_lib/plotting/*.py
course_lib/samples/LICENSE
course_lib/samples/ORIGIN.md
course_lib/samples/t10k-images-idx3-ubyte.gz
course_lib/samples/t10k-labels-idx1-ubyte.gz
course_lib/samples/train-images-idx3-ubyte.gz
course_lib/samples/train-labels-idx1-ubyte.gz
course_lib/widgets/*.py
course_lib/widgets/*.js
course_lib/widgets/*.css
course_lib/widgets/questions/*.py
course_lib/runs/*.json
course_lib/measurements/*.json
autograder/*.py
autograder/nbgrader_config.template
autograder/jupyter/kernels/autograder-sandbox/kernel.json
cnn_course-*.dist-info/METADATA
cnn_course-*.dist-info/RECORD
cnn_course-*.dist-info/WHEEL
cnn_course-*.dist-info/licenses/LICENSE
cnn_course-*.dist-info/licenses/course_lib/samples/LICENSE
""".split()
SECRETS = ("autograder/assignments/", "autograder/checks/")


def matches(name, pattern):
    """Compare folder by folder: a star does not reach into subfolders."""
    ours, theirs = name.split("/"), pattern.split("/")
    return len(ours) == len(theirs) and all(map(fnmatch.fnmatchcase, ours, theirs))


def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_every_file_of_the_wheel_is_listed_here_and_every_line_is_needed(wheel):
    held = names(wheel)
    unlisted = [n for n in held if not any(matches(n, line) for line in CONTENTS)]
    unneeded = [line for line in CONTENTS if not any(matches(n, line) for n in held)]
    assert (unlisted, unneeded) == ([], [])


def test_no_file_of_the_packages_is_left_out_but_checks_and_answers(wheel):
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("course_lib", "autograder")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    missing = there - set(names(wheel))
    assert missing == {name for name in there if name.startswith(SECRETS)}
    assert len(missing) >= 6  # three assignments and their checks are in the tree


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_what_students_install_holds_neither_hidden_checks_nor_answers(request, kind):
    archive = request.getfixturevalue(kind)
    if kind == "wheel":
        with zipfile.ZipFile(archive) as opened:
            texts = {name: opened.read(name) for name in opened.namelist()}
    else:
        with tarfile.open(archive) as opened:
            texts = {
                member.name.partition("/")[2]: opened.extractfile(member).read()
                for member in opened
                if member.isfile()
            }
    assert not [name for name in texts if name.startswith(SECRETS)]
    for text in texts.values():
        assert b"### BEGIN SOLUTION\n" not in text


def test_each_explorer_brings_its_script(wheel):
    held = set(names(wheel))
    from course_lib import widgets

    for stem in widgets._STEMS.values():
        assert f"course_lib/widgets/{stem}.py" in held
        assert f"course_lib/widgets/{stem}.js" in held


def test_the_metadata_ask_for_lower_bounds_only_and_nothing_of_the_book(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("/METADATA"))
        text = archive.read(name).decode()
    assert re.search(r"^Metadata-Version: 2\.4$", text, re.MULTILINE)
    assert re.search(r"^License-Expression: MIT$", text, re.MULTILINE)
    asked = re.findall(r"^Requires-Dist: (.*)$", text, re.MULTILINE)
    always = [line for line in asked if "extra ==" not in line]
    assert sorted(always) == sorted(PROJECT["dependencies"])
    assert all(re.fullmatch(r"[a-z]+>=[0-9.]+", line) for line in always)


def test_the_sdist_builds_the_same_wheel(sdist, wheel, tmp_path):
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    (again,) = tmp_path.glob("*.whl")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


# -- installed -------------------------------------------------------------------------


def test_the_working_tree_cannot_be_imported_there(run_installed, installed):
    code = "import course_lib, autograder; print(course_lib.__path__)"
    code += "; print(autograder.__path__)"
    done = run_installed("-c", code)
    assert done.stdout.splitlines() == [
        str([str(installed / package)]) for package in ("course_lib", "autograder")
    ]
    done = run_installed("-c", "import sys; print(sys.path)")
    assert str(ROOT) not in ast.literal_eval(done.stdout)


@pytest.mark.sandbox
def test_without_a_network_the_library_works(run_installed, installed):
    cut = run_installed(
        "-c",
        "import socket; socket.create_connection(('192.0.2.1', 80), timeout=20)",
        before=NO_NETWORK,
    )
    assert "Network is unreachable" in cut.stderr
    done = run_installed("-W", "error", SMOKE, installed, before=NO_NETWORK)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"7 explorers, 5000 + 1000 images, from {installed}" in done.stdout


@pytest.mark.sandbox
def test_without_a_network_the_doctor_finds_nothing_wrong(run_installed, installed):
    done = run_installed("-m", "course_lib.doctor", "--json", before=NO_NETWORK)
    assert done.stderr == ""
    found = {f["what"]: f for f in json.loads(done.stdout)["findings"]}
    assert {f["verdict"] for f in found.values()} <= {doctor.OK, doctor.NOTE}
    assert done.returncode == 0
    assert found["course"]["found"] == (
        f"{PROJECT['version']} in {installed / 'course_lib'}"
    )
    assert found["sample"]["found"] == "5,000 + 1,000 images, verified"


def find_python(version):
    """Find an interpreter of a version: this one, on PATH, or one of pyenv's."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return sys.executable
    pyenv = pathlib.Path(os.environ.get("PYENV_ROOT", pathlib.Path.home() / ".pyenv"))
    names = [shutil.which(f"python{version}")]
    names += sorted(map(str, pyenv.glob(f"versions/{version}.*/bin/python")))
    for name in filter(None, names):
        # pyenv's own command is there for versions that are not switched on, too.
        done = subprocess.run([name, "--version"], capture_output=True, check=False)
        if done.returncode == 0:
            return name
    return None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_that_is_here_imports_it_without_any_other_package(
    run_installed, version
):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no python{version} on this machine")
    code = "import course_lib as d2l; print(d2l.output_size(28, 5, padding=2))"
    done = run_installed("-c", code, python=python, packages=False)
    assert (done.stdout, done.stderr) == ("28\n", "")
    done = run_installed(
        "-m", "course_lib.doctor", "--json", python=python, packages=False
    )
    assert (done.returncode, done.stderr) == (1, "")
    found = {f["what"]: f for f in json.loads(done.stdout)["findings"]}
    assert found["python"]["verdict"] == found["course"]["verdict"] == doctor.OK
    assert found["torch"]["found"].startswith("is not installed: ")


@pytest.mark.sandbox
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_each_python_that_is_here_makes_explorers_without_a_network(
    run_installed, version
):
    python = find_python(version)
    if python is None:
        pytest.skip(f"no python{version} on this machine")
    # Packages in pure Python serve all versions; torch, compiled for this one, does
    # not, so on the others it is the four explorers that need none. (GitHub's workflow
    # runs smoke.py, with torch, on all three.)
    code = """if True:
        from course_lib import widgets as w
        made = [w.KernelExplorer(), w.PaddingStrideExplorer()]
        made += [w.ReceptiveFieldExplorer(), w.LearnedKernelLab()]
        print(*(e._esm.count("export default") for e in made))
        print(*(e.picture().startswith("<svg") for e in made))
    """
    done = run_installed("-c", code, python=python, before=NO_NETWORK)
    assert (done.stdout, done.stderr) == ("1 1 1 1\nTrue True True True\n", "")


def test_without_a_clone_the_autograder_says_where_assignments_are(run_installed):
    done = run_installed("-m", "autograder", "check", "corr2d", SMOKE)
    assert done.returncode == 2
    assert "none at all (the installed package brings none: work in a clone" in (
        done.stderr
    )
