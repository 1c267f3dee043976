"""What a test may need from the machine: skipped by name when absent, failed in CI."""

import os
import pathlib
import shutil

import pytest

DATASET = pathlib.Path("/usr/share/datasets/fashion-mnist")


def chromium() -> str | None:
    """Where the browser is: $CHROMIUM, or one of its usual names on PATH."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def has_dataset() -> bool:
    """Tell whether the full Fashion-MNIST is where the loader looks for it."""
    folder = os.environ.get("FASHION_MNIST_DIR", DATASET)
    return any(pathlib.Path(folder).glob("train-images-idx3-ubyte*"))


NEEDS = {
    "browser": (chromium, "Chromium (package chromium, or $CHROMIUM)"),
    "sandbox": (lambda: shutil.which("bwrap"), "bubblewrap (package bubblewrap)"),
    "dataset": (
        has_dataset,
        "the full Fashion-MNIST (package dataset-fashion-mnist, or $FASHION_MNIST_DIR)",
    ),
}


def pytest_runtest_setup(item):
    """Skip, or under CI=true fail, a test whose marker names something absent."""
    for marker, (find, what) in NEEDS.items():
        if item.get_closest_marker(marker) and not find():
            text = f"needs {what}"
            if os.environ.get("CI") == "true":
                pytest.fail(text, pytrace=False)
            pytest.skip(text)


@pytest.fixture(scope="session")
def chromium_path():
    """The browser's executable, for tests marked `browser`."""
    return chromium()


CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="session")
def browser(chromium_path):
    """One headless Chromium for all tests of a worker; it reaches only this machine.

    One, because Playwright runs no second event loop beside the first.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium_path, args=CHROMIUM_ARGUMENTS
        )
        yield running
        running.close()
