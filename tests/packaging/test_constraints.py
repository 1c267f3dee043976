"""constraints.txt pins all that the extras install, at what is installed here."""

import importlib.metadata
import pathlib
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
# torch pins these itself, to the release; which, depends on the build of torch.
TORCHS_OWN = re.compile(r"(cuda|nvidia)-.*|triton")
PYTHONS = ("3.11", "3.12", "3.13")


@pytest.fixture(scope="module")
def pins():
    if not LINES:
        pytest.skip("constraints.txt was emptied to run on the newest releases")
    return {
        canonicalize_name(name): version
        for name, version in (line.split("==") for line in LINES)
    }


def asked():
    """Yield what the project asks for, with and without extras."""
    extras = PROJECT["optional-dependencies"].values()
    for line in [
        *PROJECT["dependencies"],
        *(line for extra in extras for line in extra),
    ]:
        yield Requirement(line)


def applies(requirement, extras):
    if requirement.marker is None:
        return True
    return any(requirement.marker.evaluate({"extra": extra}) for extra in ("", *extras))


def closure():
    """Map every package that the project installs here to what asks for it."""
    found = {}
    pending = [(requirement, "cnn-course") for requirement in asked()]
    while pending:
        requirement, parent = pending.pop()
        name = canonicalize_name(requirement.name)
        key = (name, frozenset(requirement.extras))
        if key in found or not applies(requirement, requirement.extras):
            continue
        found[key] = parent
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # an older set-up; pip will install what is missing
        for line in lines:
            child = Requirement(line)
            if applies(child, requirement.extras):
                pending.append((child, name))
    return {name: parent for (name, _), parent in found.items()}


def test_each_line_is_one_exact_version(pins):
    for line in LINES:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9A-Za-z.]*", line), line
    assert len(pins) == len(LINES)


def test_everything_the_extras_install_is_pinned(pins):
    installed = {n: p for n, p in closure().items() if not TORCHS_OWN.fullmatch(n)}
    assert {name: f"for {p}" for name, p in installed.items() if name not in pins} == {}
    assert len(installed) > 150


def test_the_pins_are_what_is_tested_here(pins):
    here = {}
    for name in closure():
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        here[name] = version.partition("+")[0]  # a build, such as +cpu
    wrong = {n: (v, pins[n]) for n, v in here.items() if n in pins and v != pins[n]}
    assert wrong == {}


def test_each_pin_satisfies_what_the_project_asks_for(pins):
    for requirement in asked():
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), requirement


def test_the_pythons_are_the_same_everywhere():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    prefix = "Programming Language :: Python :: "
    named = [c.removeprefix(prefix) for c in PROJECT["classifiers"] if prefix in c]
    assert tuple(named) == PYTHONS
    head = (ROOT / "constraints.txt").read_text("utf-8").splitlines()[0]
    assert not LINES or all(python in head for python in PYTHONS)
