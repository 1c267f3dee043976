"""Collecting leaves links behind and dates submissions itself."""

import logging
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from autograder.exchange import SafeCollect


@pytest.fixture
def collected(tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("secret")
    source = tmp_path / "ada+corr2d+2020-01-01"
    (source / "data").mkdir(parents=True)
    (source / "corr2d.ipynb").symlink_to(secret)
    (source / "all").symlink_to(tmp_path)
    (source / "data" / "points.csv").write_text("1,2")
    (source / "large.bin").write_bytes(b"x" * 3000)
    (source / "timestamp.txt").write_text("2020-01-01 00:00:00.000000 UTC")
    target = tmp_path / "submitted"
    about = SimpleNamespace(
        coursedir=SimpleNamespace(max_file_size=2), log=logging.getLogger("collect")
    )
    SafeCollect.do_copy(about, str(source), str(target))
    return target


def test_only_plain_files_of_bounded_size_are_collected(collected):
    files = {p.relative_to(collected).as_posix() for p in collected.rglob("*")}
    assert files == {"data", "data/points.csv", "timestamp.txt"}


def test_the_time_is_the_servers_not_the_students(collected):
    text = (collected / "timestamp.txt").read_text()
    when = datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - when).total_seconds()) < 600


@pytest.fixture
def about():
    return SimpleNamespace(
        coursedir=SimpleNamespace(max_file_size=2000), log=logging.getLogger("collect")
    )


def test_a_link_to_a_folder_is_not_collected(about, tmp_path):
    """The instructor can read the model solution, and would collect it."""
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "corr2d.ipynb").write_text("{}")
    (tmp_path / "ada+corr2d+2020").symlink_to(tmp_path / "source")
    target = tmp_path / "submitted"
    SafeCollect.do_copy(about, str(tmp_path / "ada+corr2d+2020"), str(target))
    assert list(target.iterdir()) == []


def test_a_student_called_dot_dot_writes_nothing_outside(about, tmp_path):
    (tmp_path / "inbound").mkdir()
    (tmp_path / "inbound" / "corr2d.ipynb").write_text("{}")
    target = tmp_path / "submitted" / ".." / "corr2d"
    SafeCollect.do_copy(about, str(tmp_path / "inbound"), str(target))
    assert not (tmp_path / "corr2d").exists()
