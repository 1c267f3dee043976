"""Each launch button opens what is there, in git or on the branch of twins."""

import html
import re
import subprocess
from urllib.parse import parse_qs, unquote, urlsplit

import build_notebooks
import pytest

from ..environments import ROOT

HERE = build_notebooks.publication()
PAGES = build_notebooks.pages()
HTML = ROOT / "_build" / "html"
BUTTON = re.compile(
    r'<a href="([^"]+)"[^>]*class="[^"]*dropdown-item"[^>]*>.*?'
    r'<span class="btn__text-container">([^<]+)</span>',
    re.DOTALL,
)

pytestmark = pytest.mark.xdist_group("twins")


def buttons(page):
    """The buttons of a page that are links: text -> where it leads."""
    text = (HTML / f"{page}.html").read_text(encoding="utf-8")
    return {label.strip(): html.unescape(url) for url, label in BUTTON.findall(text)}


@pytest.fixture(scope="module")
def in_git():
    """The files that a clone has, once what lies here is committed."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:  # the sources without their history
        return {p.relative_to(ROOT).as_posix() for p in (ROOT / "book").rglob("*.md")}
    return set(done.stdout.split("\n"))


@pytest.mark.parametrize("page", PAGES)
def test_binder_opens_the_page_itself_from_git(page, in_git):
    url = urlsplit(buttons(page)["Binder"])
    assert f"{url.scheme}://{url.netloc}" == "https://mybinder.org"
    assert url.path == f"/v2/gh/{HERE.owner}/{HERE.name}/{HERE.branch}"
    (path,) = parse_qs(url.query)["urlpath"]
    assert path == f"lab/tree/{page}.md"
    assert path.removeprefix("lab/tree/") in in_git


@pytest.mark.parametrize("page", PAGES)
def test_colab_opens_the_twin_from_the_branch_of_twins(page, published):
    url = buttons(page)["Colab"]
    start = "https://colab.research.google.com/github/"
    place = f"{start}{HERE.owner}/{HERE.name}/blob/{HERE.notebooks}/"
    assert url.startswith(place)
    assert (published / url.removeprefix(place)).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_the_hub_button_asks_for_a_hub_and_names_the_twin(page, published):
    url = urlsplit(buttons(page)["JupyterHub"])
    assert not url.scheme
    there = (HTML / f"{page}.html").parent / url.path
    assert there.resolve() == HTML / "hub.html"
    (path,) = parse_qs(url.query)["notebook"]
    assert (published / path).is_file()


@pytest.mark.parametrize("page", PAGES)
def test_both_notebooks_and_the_source_can_be_downloaded(page):
    found = buttons(page)
    for label in ("Notebook with results", "Notebook to run", ".md"):
        there = (HTML / f"{page}.html").parent / unquote(found[label])
        assert there.is_file(), label


def test_pages_without_code_have_no_launch_buttons():
    without = [p for p in ("book/notation", "book/bibliography") if p not in PAGES]
    assert without
    for page in without:
        assert {"Binder", "Colab", "JupyterHub"}.isdisjoint(buttons(page))


def test_the_workflow_publishes_the_branch_that_the_buttons_name():
    workflows = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
    )
    assert f"publish_branch.py _build/notebooks {HERE.notebooks}" in workflows
