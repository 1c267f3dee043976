"""What the README says is true."""

import ast
import doctest
import pathlib
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PAPERS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "RELEASING.md"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def commands():
    """Yield every command line of the README, without comments, as words."""
    for block in re.findall(r"```console\n(.*?)```", README.read_text(), re.DOTALL):
        for line in re.findall(r"^\$ (.*)$", block, re.MULTILINE):
            yield shlex.split(line, comments=True)


def test_the_python_example_prints_what_it_says():
    text = "\n".join(re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL))
    test = doctest.DocTestParser().get_doctest(text, {}, "README", str(README), 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


def test_every_command_of_the_readme_is_a_target_of_the_makefile():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)", README.read_text()))
    assert {"book", "serve", "lab", "test"} <= named <= targets


def test_every_grading_command_of_the_readme_is_understood():
    from autograder.__main__ import parser

    typed = [words[3:] for words in commands() if words[1:3] == ["-m", "autograder"]]
    assert len(typed) >= 5
    for words in typed:
        assert parser().parse_args(words).run


def test_every_module_of_the_readme_is_one_that_can_be_run():
    named = set(re.findall(r"python -m (\w+(?:\.\w+)?)", README.read_text()))
    assert {"course_lib.doctor", "autograder", "pip"} == named
    done = subprocess.run(
        [sys.executable, "-m", "course_lib.doctor", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_install_command_names_the_extras_that_there_are():
    (line,) = (words for words in commands() if "install" in words)
    extras = re.search(r"\[(.*)\]", line[-1])[1].split(",")
    assert set(extras) == set(PROJECT["optional-dependencies"])
    set_up = ast.parse((ROOT / "tools" / "set_up.py").read_text("utf-8"))
    values = {
        node.targets[0].id: node.value.value
        for node in set_up.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    assert set(values["EXTRAS"].split(",")) == set(extras)


@pytest.mark.parametrize("paper", PAPERS)
def test_every_file_that_a_paper_points_to_is_there(paper):
    text = (ROOT / paper).read_text("utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    targets += re.findall(r'(?:src|srcset)="([^"]+)"', text)
    targets += re.findall(
        r"`((?:tools|tests|book|course_lib|\.github)/[\w./-]+)`", text
    )
    missing = [name for name in targets if not (ROOT / name).exists()]
    assert missing == []


def test_the_first_screen_is_a_sentence_a_picture_and_two_commands():
    screen = README.read_text("utf-8").partition("## ")[0]
    order = [
        "A course you can",
        "<picture>",
        "$ make book",
        "$ make serve",
        "| teach |",
    ]
    places = [screen.index(text) for text in order]
    assert places == sorted(places)
    alt = re.search(r'<img [^>]*alt="([^"]+)"', screen)[1]
    assert len(alt) > 80


@pytest.mark.browser
def test_the_picture_shows_what_the_explorer_looks_like_now(browser):
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import explorer_picture
    finally:
        sys.path.pop(0)
    from PIL import Image

    if not explorer_picture.PAGE.is_file():
        pytest.fail("the book is not built: run `make book` first", pytrace=False)
    drawn = {s: explorer_picture.take(browser, s) for s in explorer_picture.PICTURES}
    for scheme, path in explorer_picture.PICTURES.items():
        with Image.open(path) as shown:
            assert abs(shown.height - drawn[scheme].height) <= 24, shown.size
            shown = shown.convert("RGB").crop((0, 0, *drawn[scheme].size))
        changed = explorer_picture.difference(shown, drawn[scheme])
        assert changed < 4, f"take {path.name} anew: tools/explorer_picture.py"
    # The measure tells pictures apart at all.
    assert explorer_picture.difference(drawn["light"], drawn["dark"]) > 40


# -- versions and licences -------------------------------------------------------------


def test_the_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    heading = re.search(
        r"^## (\S+) \((.+)\)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE
    )
    assert citation["version"] == heading[1] == PROJECT["version"]
    released = re.fullmatch(r"\d{4}-\d{2}-\d{2}", heading[2])
    assert bool(released) == ("date-released" in citation)


def test_the_citation_holds_what_its_format_asks_for():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(citation)
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert all("name" in a or "family-names" in a for a in citation["authors"])
    assert citation["license"] == ["MIT", "CC-BY-4.0"]


def test_each_licence_lies_here_in_full():
    assert PROJECT["license"] == "MIT"
    mit = (ROOT / "LICENSE").read_text("utf-8")
    assert mit.startswith("MIT License\n")
    assert mit.rstrip().endswith("OTHER DEALINGS IN THE\nSOFTWARE.")
    text = (ROOT / "LICENSE-CC-BY-4.0").read_text("utf-8")
    assert text.startswith("Attribution 4.0 International\n")
    for number in range(1, 9):
        assert f"Section {number} -- " in text
    assert "ShareAlike" not in text
    assert "NonCommercial" not in text
    said = README.read_text("utf-8").partition("## Licences")[2]
    for licence in ("MIT", "CC BY 4.0", "Zalando SE"):
        assert licence in said
