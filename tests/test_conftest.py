"""A test that lacks what it needs is skipped by name locally and fails in CI."""

import pathlib

import pytest

pytest_plugins = ["pytester"]

CONFTEST = pathlib.Path(__file__).parent / "conftest.py"


@pytest.fixture
def one_marked_test(pytester, monkeypatch):
    """A folder with our conftest and one test that needs a browser; none is there."""
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini("[pytest]\nmarkers =\n    browser: x\n")
    pytester.makepyfile("import pytest\n@pytest.mark.browser\ndef test_page(): pass\n")
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", "")
    return pytester


def test_locally_the_test_is_skipped_and_the_package_is_named(one_marked_test):
    result = one_marked_test.runpytest("-rs")
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines("*needs Chromium (package chromium*")


def test_in_ci_the_test_fails_and_the_package_is_named(one_marked_test, monkeypatch):
    monkeypatch.setenv("CI", "true")
    result = one_marked_test.runpytest()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines("*needs Chromium (package chromium*")


def test_with_the_browser_named_the_test_runs(one_marked_test, monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/usr/bin/true")
    one_marked_test.runpytest().assert_outcomes(passed=1)
