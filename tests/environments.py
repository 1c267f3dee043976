"""Other versions of a few packages, laid over the environment that runs the tests.

A *layer* is a folder with some packages in it. Named on ``PYTHONPATH`` it comes before
everything that is installed, so that a new process of the same interpreter sees those
packages at those versions and all else, torch above all, as it is here. Layers lie in
``_build/envs`` under the hash of what they hold and appear there complete or not at
all: they are filled and looked at under another name first.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "_build" / "envs"

# Prints what an importer would get from the layer: the versions asked for, or nothing.
LOOK = """
import importlib, importlib.metadata, pathlib, sys
folder = pathlib.Path(sys.argv[1])
for wanted in sys.argv[2:]:
    name, _, version = wanted.partition("==")
    found = importlib.metadata.distribution(name)
    assert not version or found.version == version, f"{name} is {found.version}"
    tops = {pathlib.Path(file.parts[0]) for file in found.files}
    modules = [top.stem for top in tops if top.suffix == ".py"]
    modules += [str(top) for top in tops if (folder / top / "__init__.py").is_file()]
    assert modules, f"{name} brought no module into {folder}"
    for module in modules:
        place = pathlib.Path(importlib.import_module(module).__file__)
        assert place.is_relative_to(folder), f"{module} is imported from {place}"
"""


class NotInstalled(RuntimeError):
    """A layer could not be made; the text is all that pip printed."""


def environment_with(*layers: Path) -> dict[str, str]:
    """Return the environment variables of a process that sees these layers first."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join(map(str, layers)),
        "PYTHONNOUSERSITE": "1",
        "OMP_NUM_THREADS": "1",
    }


def layer(
    packages: Iterable[str],
    *,
    wheels: Iterable[Path] = (),
    dependencies: bool = False,
) -> Path:
    """Return the folder with these packages, made unless an earlier run made it.

    ``packages`` are pinned requirements, ``name==version``, and ``wheels`` files that
    are installed beside them; what they depend on is installed if asked for. It is
    tried twice, since a registry may fail once; raises NotInstalled with pip's whole
    output.
    """
    packages, wheels = sorted(packages), sorted(wheels)
    about = [sys.version, str(dependencies), *packages]
    digest = hashlib.sha256("\n".join(about).encode())
    for wheel in wheels:
        digest.update(wheel.read_bytes())
    options = [] if dependencies else ["--no-deps"]
    folder = FOLDER / digest.hexdigest()[:16]
    if folder.is_dir():
        return folder
    try:
        _fill(folder, packages, wheels, options)
    except NotInstalled:
        _fill(folder, packages, wheels, options)
    return folder


def _fill(
    folder: Path, packages: list[str], wheels: list[Path], options: list[str]
) -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=FOLDER))
    try:
        pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        where = [*options, "--no-compile", "--target", str(made)]
        _run([*pip, *where, *packages, *map(str, wheels)], dict(os.environ))
        _run([sys.executable, "-c", LOOK, str(made), *packages], environment_with(made))
        made.rename(folder)
    except OSError:
        # Another process made the same layer in the meantime: as good as ours.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, timeout=600, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if done.returncode:
        said = f"exit status {done.returncode} of: {' '.join(command)}\n{done.stdout}"
        raise NotInstalled(said)


def needed_layer(
    packages: Iterable[str],
    *,
    wheels: Iterable[Path] = (),
    dependencies: bool = False,
) -> Path:
    """Make a layer for a test: without a registry it is skipped, or failed in CI."""
    try:
        return layer(packages, wheels=wheels, dependencies=dependencies)
    except NotInstalled as problem:
        text = f"needs packages from a registry\n{problem}"
        if os.environ.get("CI") == "true":
            pytest.fail(text, pytrace=False)
        pytest.skip(text)
