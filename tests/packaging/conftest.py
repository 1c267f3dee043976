"""The wheel, built once, and a place where nothing else of ours can be imported."""

import os
import pathlib
import subprocess
import sys
import sysconfig

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build(source, target, folder):
    """Build a wheel or an sdist with the project's own backend; no network needed."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
        cwd=source,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = pathlib.Path(folder).glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="session")
def wheel(tmp_path_factory):
    """The wheel of the working tree."""
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(tmp_path_factory):
    """The source distribution of the working tree."""
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="session")
def installed(wheel, tmp_path_factory):
    """A folder with the wheel installed, and nothing else in it."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-deps", "--no-index", "--target", str(folder), str(wheel)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def run_installed(installed, tmp_path_factory):
    """Run a Python that sees the installed wheel and never the working tree.

    An environment of its own would hold a second torch: minutes and gigabytes. So the
    packages that are here stand behind the wheel on PYTHONPATH. With -S no ``site``
    module runs, hence no ``.pth`` file is read, and the editable install, which is
    such a file, does not exist; -P and another folder keep the tree out as well.
    """
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*arguments, python=sys.executable, packages=True, before=(), **options):
        paths = [str(installed)]
        if packages:
            paths += {
                sysconfig.get_path("purelib"): 0,
                sysconfig.get_path("platlib"): 0,
            }
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(paths),
            "PYTHONNOUSERSITE": "1",
            "OMP_NUM_THREADS": "1",
            "HOME": str(elsewhere),
        }
        environment.pop("FASHION_MNIST_DIR", None)
        return subprocess.run(
            [*before, python, "-S", "-P", *map(str, arguments)],
            env=environment,
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=600,
            **options,
        )

    return run
