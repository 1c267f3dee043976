"""Control groups: a tree of folders of each version stands for the kernel's."""

import os

import pytest

from autograder import cgroups


@pytest.fixture
def belongs(monkeypatch):
    def belongs(*memberships):
        monkeypatch.setattr(cgroups, "_memberships", lambda: list(memberships))

    return belongs


def group(folder, controllers=""):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cgroup.subtree_control").write_text(controllers)
    return folder


def test_version_2_takes_the_nearest_group_that_hands_limits_down(tmp_path, belongs):
    slice_ = group(tmp_path / "user.slice", "cpu memory pids")
    group(slice_ / "mine.scope")
    belongs(("", "/user.slice/mine.scope"))
    ((folder, settings),) = cgroups._version_2(tmp_path, 1000, 16)
    assert folder == slice_
    assert settings == {
        "memory.max": "1000",
        "pids.max": "16",
        "memory.swap.max": "0",
    }


@pytest.mark.parametrize("controllers", ["", "memory", "pids cpu"])
def test_version_2_without_both_controllers_makes_no_group(
    tmp_path, belongs, controllers
):
    group(tmp_path / "mine.scope", controllers)
    group(tmp_path, controllers)
    belongs(("", "/mine.scope"))
    assert cgroups.make(1000, 16, tmp_path) is None


def test_version_2_group_is_made_limited_and_removed(tmp_path, belongs, monkeypatch):
    """The kernel makes the files of a new group; here a new folder stays empty."""
    parent = group(tmp_path / "mine.scope", "memory pids")
    belongs(("", "/mine.scope"))
    made = cgroups.make(1000, 16, tmp_path)
    (folder,) = made.folders
    assert folder.parent == parent
    assert folder.name.startswith(f"autograder-{os.getpid()}-")
    made.remove(0.0)
    assert not folder.exists()


def test_version_2_limits_are_written_before_anything_joins(
    tmp_path, belongs, monkeypatch
):
    group(tmp_path / "mine.scope", "memory pids")
    belongs(("", "/mine.scope"))
    make = cgroups.Path.mkdir

    def mkdir(self, *args, **kwargs):
        make(self, *args, **kwargs)
        for name in ("memory.max", "pids.max", "memory.swap.max", "cgroup.procs"):
            (self / name).write_text("max")

    monkeypatch.setattr(cgroups.Path, "mkdir", mkdir)
    made = cgroups.make(1000, 16, tmp_path)
    (folder,) = made.folders
    found = {f.name: f.read_text() for f in folder.iterdir()}
    assert found == {
        "memory.max": "1000",
        "pids.max": "16",
        "memory.swap.max": "0",
        "cgroup.procs": "max",
    }
    made.join()
    assert (folder / "cgroup.procs").read_text() == str(os.getpid())


def test_version_1_has_a_folder_for_each_controller(tmp_path, belongs):
    for kind in ("memory", "pids"):
        (tmp_path / kind / "here").mkdir(parents=True)
    belongs(("memory", "/here"), ("pids", "/here"), ("", "/"))
    made = cgroups.make(1000, 16, tmp_path)
    assert [f.parent.parent.name for f in made.folders] == ["memory", "pids"]
    made.remove(0.0)
    assert not any(f.exists() for f in made.folders)


def test_where_nothing_may_be_made_there_is_no_group(tmp_path, belongs):
    belongs(("memory", "/nowhere"), ("pids", "/nowhere"))
    assert cgroups.make(1000, 16, tmp_path) is None


def test_the_memberships_of_this_process_can_be_read():
    assert all(path.startswith("/") for _, path in cgroups._memberships())
