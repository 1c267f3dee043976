"""The branch of the notebooks holds exactly the folder, and grows with changes only."""

import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def remote(tmp_path):
    """An empty repository to publish to."""
    folder = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Two notebooks, one of them in a folder, and a hidden file."""
    made = tmp_path / "notebooks"
    (made / "book").mkdir(parents=True)
    (made / "book" / "lenet.ipynb").write_bytes(b'{"cells": []}\n')
    (made / "corr2d.ipynb").write_bytes(b"{}\r\n")
    (made / ".nojekyll").write_bytes(b"")
    return made


def publish(folder, remote, **environment):
    return subprocess.run(
        [sys.executable, ROOT / "tools/publish_branch.py", folder, "notebooks"],
        env={"PATH": "/usr/bin:/bin", "GIT_REMOTE": str(remote), **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


def git(remote, *arguments):
    command = ["git", "--git-dir", str(remote), *arguments]
    return subprocess.run(command, check=True, capture_output=True).stdout


def test_the_branch_holds_the_folder_byte_for_byte_and_nothing_else(folder, remote):
    done = publish(folder, remote, SOURCE="abc123", GIT_TOKEN="secret")
    assert (done.returncode, done.stdout) == (0, "notebooks: published\n")
    names = git(remote, "ls-tree", "-r", "--name-only", "notebooks").decode().split()
    assert names == [".nojekyll", "book/lenet.ipynb", "corr2d.ipynb"]
    for name in names:
        assert git(remote, "show", f"notebooks:{name}") == (folder / name).read_bytes()
    assert git(remote, "log", "--format=%B", "notebooks").strip() == b"From abc123"
    assert not (folder / ".git").exists()


def test_the_same_folder_again_adds_no_commit_and_a_change_adds_one(folder, remote):
    publish(folder, remote)
    first = git(remote, "rev-parse", "notebooks")
    done = publish(folder, remote)
    assert done.stdout == "notebooks: nothing has changed\n"
    assert git(remote, "rev-parse", "notebooks") == first
    (folder / "corr2d.ipynb").unlink()
    (folder / "pool2d.ipynb").write_text("{}")
    assert publish(folder, remote).stdout == "notebooks: published\n"
    assert git(remote, "rev-parse", "notebooks^") == first
    names = git(remote, "ls-tree", "-r", "--name-only", "notebooks").decode().split()
    assert names == [".nojekyll", "book/lenet.ipynb", "pool2d.ipynb"]


def test_an_empty_folder_is_not_published(tmp_path, remote):
    (tmp_path / "empty").mkdir()
    done = publish(tmp_path / "empty", remote)
    assert done.returncode == 1
    assert "holds no file: nothing is published" in done.stderr
    assert git(remote, "branch") == b""


def test_a_remote_that_refuses_is_a_failure(folder, tmp_path):
    assert publish(folder, tmp_path / "nowhere.git").returncode != 0


def test_the_token_stands_in_no_command(monkeypatch):
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import publish_branch
    finally:
        sys.path.pop(0)
    given = publish_branch._authorization("secret")
    assert given["GIT_CONFIG_KEY_0"] == "http.extraHeader"
    assert given["GIT_CONFIG_VALUE_0"] == (
        "Authorization: Basic eC1hY2Nlc3MtdG9rZW46c2VjcmV0"
    )
    assert publish_branch._authorization("") == {}
