"""Binder can build the course, without CUDA, and installs what is tested."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from ..environments import ROOT, environment_with, needed_layer

BINDER = ROOT / ".binder"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def lines(path):
    """The lines of a file without comments."""
    texts = path.read_text(encoding="utf-8").splitlines()
    return [text for text in texts if text and not text.startswith("#")]


def pins():
    """The versions that Binder installs, by name."""
    required = [line for line in lines(BINDER / "requirements.txt") if "==" in line]
    return dict(line.split("==") for line in required)


def test_binder_installs_what_the_library_needs_and_what_opens_the_pages():
    needed = {
        re.match(r"[\w-]+", one)[0] for one in PYPROJECT["project"]["dependencies"]
    }
    assert set(pins()) == {*needed, "jupytext"}


def test_binder_installs_the_tested_versions_and_no_cuda():
    tested = dict(
        line.split("==") for line in lines(ROOT / "constraints.txt") if "==" in line
    )
    plain = {name: version.removesuffix("+cpu") for name, version in pins().items()}
    assert plain == {name: tested[name] for name in plain}
    cpu = {name for name, version in pins().items() if version.endswith("+cpu")}
    assert cpu == {"torch", "torchvision"}


def test_binder_installs_system_packages_of_the_list_and_the_data_set():
    packages = lines(BINDER / "apt.txt")
    assert "dataset-fashion-mnist" in packages
    assert set(packages) <= set((ROOT / "apt.txt").read_text().split())


def test_the_last_step_makes_chapters_open_as_notebooks(tmp_path):
    step = BINDER / "postBuild"
    assert os.access(step, os.X_OK)
    subprocess.run(["bash", "-n", step], check=True)
    text = step.read_text(encoding="utf-8")
    assert "pip install --no-cache-dir --no-deps ." in text
    (command,) = re.findall(r"^jupytext-config .*$", text, re.MULTILINE)
    subprocess.run(
        [sys.executable, "-m", "jupytext_config", *command.split()[1:]],
        env={**os.environ, "HOME": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)},
        check=True, capture_output=True,
    )  # fmt: skip
    (settings,) = tmp_path.rglob("default_setting_overrides.json")
    viewers = json.loads(settings.read_text())
    assert "Jupytext Notebook" in json.dumps(viewers)
    assert "myst" in json.dumps(viewers)


@pytest.mark.registry
def test_repo2docker_accepts_the_recipe():
    """It writes the Dockerfile that Binder would build; nothing is built here."""
    tool = needed_layer(["jupyter-repo2docker==2026.4.0"], dependencies=True)
    done = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", ROOT],
        env=environment_with(tool), cwd=tool, timeout=300, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    dockerfile = done.stdout
    assert "--no-install-recommends dataset-fashion-mnist &&" in dockerfile
    assert 'pip install --no-cache-dir -r ".binder/requirements.txt"' in dockerfile
    assert "RUN ./.binder/postBuild" in dockerfile
    # The packages come before the repository: a new commit does not install them anew.
    install = dockerfile.index('-r ".binder/requirements.txt"')
    assert install < dockerfile.index(" src/ ${REPO_DIR}/")
    (line,) = lines(BINDER / "runtime.txt")
    assert f"conda environment for python={line.removeprefix('python-')}" in dockerfile


@pytest.mark.registry
def test_what_the_recipe_installs_resolves(tmp_path):
    """PyTorch's own index is not asked: `torch` stands for its build without CUDA."""
    asked = tmp_path / "requirements.txt"
    asked.write_text(
        "\n".join(f"{n}=={v.removesuffix('+cpu')}" for n, v in pins().items())
    )
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed",
         "--report", report, "-r", asked],
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    if done.returncode and os.environ.get("CI") != "true":
        pytest.skip(f"needs a package registry\n{done.stderr}")
    assert done.returncode == 0, done.stderr
    found = {
        item["metadata"]["name"]: item["metadata"]["version"]
        for item in json.loads(report.read_text())["install"]
    }
    assert {n: found[n] for n in ("torch", "anywidget")} == {
        "torch": pins()["torch"].removesuffix("+cpu"),
        "anywidget": pins()["anywidget"],
    }
