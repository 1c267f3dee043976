"""A layer of other versions is complete and seen first, or says what pip said."""

import subprocess
import sys

import pytest

from . import environments
from .environments import NotInstalled, environment_with, layer

pytestmark = pytest.mark.registry


@pytest.fixture
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)


@pytest.mark.usefixtures("_own_folder")
def test_a_layer_comes_before_what_is_installed(tmp_path):
    made = environments.needed_layer(["wcwidth==0.2.13"])
    assert [made] == list(tmp_path.iterdir())
    assert layer(["wcwidth==0.2.13"]) == made
    code = "import wcwidth, importlib.metadata as m; print(m.version('wcwidth'))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; print(wcwidth.__file__)"],
        env=environment_with(made), capture_output=True, text=True, check=True,
    )  # fmt: skip
    version, place = done.stdout.split()
    assert version == "0.2.13"
    assert place.startswith(str(made))


@pytest.mark.usefixtures("_own_folder")
def test_what_cannot_be_installed_leaves_nothing_and_quotes_pip(tmp_path):
    with pytest.raises(NotInstalled, match=r"No matching distribution.*wcwidth==0\.0"):
        layer(["wcwidth==0.0"])
    assert not list(tmp_path.iterdir())
