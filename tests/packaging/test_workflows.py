"""GitHub's workflows and the Dockerfile pass their linters and name what is here."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")


def tool(name):
    """Find a linter beside this Python or on PATH; without it a test is skipped."""
    here = pathlib.Path(sys.executable).parent
    found = shutil.which(name, path=f"{here}{os.pathsep}{os.environ['PATH']}")
    if found is None:
        text = f"needs {name} (the extra `test`)"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
    return found


def read(path):
    loaded = yaml.safe_load(path.read_text("utf-8"))
    loaded["on"] = loaded.pop(True)  # YAML 1.1 reads `on` as a truth value
    return loaded


def test_zizmor_finds_nothing_wrong_with_the_workflows():
    done = subprocess.run(
        [tool("zizmor"), "--offline", "--no-progress", "--color=never", ".github"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr


def test_zizmor_would_find_something(tmp_path):
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    text = (ROOT / ".github/workflows/test.yml").read_text("utf-8")
    bad.write_text(re.sub(r"@[0-9a-f]{40}.*", "@v5", text))
    done = subprocess.run(
        [tool("zizmor"), "--offline", "--no-progress", "--color=never", tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode != 0
    assert "unpinned-uses" in done.stdout + done.stderr


def test_hadolint_finds_nothing_wrong_with_the_dockerfile():
    command = [tool("hadolint"), "--no-color", "--failure-threshold", "style"]
    done = subprocess.run(
        [*command, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path):
    lines = [line for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    assert lines
    assert [line for line in lines if not PINNED.search(line)] == []


def test_one_action_has_one_commit_everywhere():
    texts = "\n".join(path.read_text("utf-8") for path in WORKFLOWS)
    pairs = set(re.findall(r"uses: ([\w./-]+)@([0-9a-f]{40})", texts))
    assert len(pairs) == len({name for name, _ in pairs})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_every_job_may_do_little_and_ends_in_time(path):
    workflow = read(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "permissions" in job
        assert 0 < job["timeout-minutes"] <= 120


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_what_a_workflow_types_is_here(path):
    steps = [step for job in read(path)["jobs"].values() for step in job["steps"]]
    typed = "\n".join(step["run"] for step in steps if "run" in step)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"\bmake ([a-z-]+)", typed)) <= targets
    files = re.findall(r"\b((?:tools|tests)/[\w./]+\.py)\b", typed)
    assert [name for name in files if not (ROOT / name).is_file()] == []
    assert typed


def test_together_they_do_what_is_promised():
    test, site, newest = (
        read(ROOT / ".github/workflows" / f"{name}.yml")
        for name in ("test", "site", "newest")
    )
    pythons = ["3.11", "3.12", "3.13"]
    assert test["jobs"]["test"]["strategy"]["matrix"] == {"python": pythons}
    matrix = test["jobs"]["wheel"]["strategy"]["matrix"]
    assert matrix["python"] == pythons
    assert {name.partition("-")[0] for name in matrix["system"]} == {
        *("ubuntu", "macos", "windows")
    }
    assert set(site["jobs"]) == {"build", "pages", "notebooks"}
    assert site["on"]["push"] == {"branches": ["main"]}
    assert newest["on"]["schedule"]
    typed = [step.get("run", "") for step in newest["jobs"]["newest"]["steps"]]
    # Without the constraints, pip takes the newest; every chapter is run by `book`.
    assert typed.index(": > constraints.txt") < typed.index("make book")
    assert typed.index("make book") < typed.index("make test")


# -- the Dockerfile --------------------------------------------------------------------


def stages():
    """Split the Dockerfile into its stages: name, base, and text."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    parts = re.split(r"^FROM (\S+) AS (\w+)$", text, flags=re.MULTILINE)[1:]
    return {
        name: (base, body)
        for base, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    }


def test_the_students_image_never_holds_the_checks_or_the_answers():
    found = stages()
    assert list(found)[-1] == "student"  # what is built when nobody says which
    held = []
    name = "student"
    while name in found:
        base, body = found[name]
        held += re.findall(r"^(?:COPY|ADD) .*$", body, re.MULTILINE)
        name = base
    assert held == []  # all it has of ours is the wheel, which has neither
    assert "autograder/checks" in found["instructor"][1]
    assert "bubblewrap" in found["instructor"][1]


def test_what_the_dockerfile_copies_and_installs_is_known_here():
    text = (ROOT / "Dockerfile").read_text("utf-8")
    for source in re.findall(r"^COPY (\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
    for package in ("dataset-fashion-mnist", "bubblewrap"):
        assert package in text
        assert package in (ROOT / "apt.txt").read_text().split()
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".git", ".venv", "node_modules", "_build"} <= {*ignored}
