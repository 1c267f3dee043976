"""Make the tree that is published on the branch of twins, in _build/notebooks.

    python tools/build_notebooks.py [FOLDER]

    README.md                       what lies here, and links that open it in Colab
    book/<page>.ipynb               the twin of every page with code (see twins.py)
    assignments/<name>/<name>.ipynb the students' version of every assignment

The twins of the pages are taken from the built book, which wrote them while it knew all
numbers and links. The assignments are released by nbgrader into a course that is thrown
away; nothing of a solution is in them. The same sources give the same bytes.
"""

import json
import pathlib
import shutil
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
sys.path.insert(0, str(ROOT / "book" / "_ext"))

import twins  # noqa: E402, found by the line above


def publication() -> twins.Publication:
    """Read where the course is published from _config.yml."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    repository = settings["repository"]
    branch = settings["sphinx"]["config"]["notebooks_branch"]
    return twins.Publication(repository["url"], repository["branch"], branch)


def pages() -> list[str]:
    """List the pages with code, in the order of the table of contents."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    named = [toc["root"]]
    named += [one["file"] for part in toc["parts"] for one in part["chapters"]]
    return [page for page in named if has_code(page)]


def has_code(page: str) -> bool:
    """Tell whether a page is a notebook: its front matter names a kernel."""
    text = (ROOT / f"{page}.md").read_text(encoding="utf-8")
    front = text.split("\n---", 1)[0] if text.startswith("---\n") else ""
    return "\nkernelspec:" in front


def title_of(notebook: dict) -> str:
    """Return the first heading of a notebook."""
    lines = (
        line
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines()
    )
    return next(line.lstrip("# ") for line in lines if line.startswith("# "))


def write_pages(here: twins.Publication, target: pathlib.Path) -> list[str]:
    """Copy the twins of all pages from the built book; return their paths."""
    paths = [here.twin(page) for page in pages()]
    for path in paths:
        written = SITE / "notebooks" / path
        if not written.is_file():
            sys.exit(f"{written.relative_to(ROOT)} is missing: run `make book` first")
        (target / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(written, target / path)
    return paths


def write_assignments(
    here: twins.Publication, target: pathlib.Path, names: list[str]
) -> list[str]:
    """Release these assignments and write their twins; return the paths."""
    from autograder import release

    paths = []
    with tempfile.TemporaryDirectory() as folder:
        course = pathlib.Path(folder, "course")
        release.new_course(course, "course")
        for name in names:
            release.release(name, course)
            released = course / "release" / name / f"{name}.ipynb"
            content = json.loads(released.read_text(encoding="utf-8"))
            # Nothing of nbgrader's is changed: the file can be handed in as it is.
            content["cells"].insert(0, {**twins.set_up_cell(here), "id": "set-up"})
            paths.append(here.assignment(name))
            (target / paths[-1]).parent.mkdir(parents=True)
            text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
            (target / paths[-1]).write_text(text + "\n", encoding="utf-8")
    return paths


def write_readme(
    here: twins.Publication, target: pathlib.Path, paths: list[str]
) -> None:
    """Write the list of all notebooks, as a person meets it on the branch."""
    lines = [
        "# The course as plain notebooks",
        "",
        f"Made from [the course]({here.site}) by `make notebooks`; not edited here.",
        "Each runs on its own: its first cell installs what is missing.",
        "",
        "| notebook | |",
        "| --- | --- |",
    ]
    for path in paths:
        content = json.loads((target / path).read_text(encoding="utf-8"))
        lines.append(
            f"| [{title_of(content)}]({path}) | [open in Colab]({here.colab(path)}) |"
        )
    (target / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Make the whole tree under another name, then put it in its place."""
    from autograder import assignment

    given = sys.argv[1] if len(sys.argv) > 1 else ROOT / "_build" / "notebooks"
    target = pathlib.Path(given).resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        made = pathlib.Path(folder, "notebooks")
        made.mkdir()
        here = publication()
        paths = write_pages(here, made)
        paths += write_assignments(here, made, assignment.names())
        write_readme(here, made, paths)
        shutil.rmtree(target, ignore_errors=True)
        made.rename(target)
    print(f"{target} holds {len(paths)} notebooks")


if __name__ == "__main__":
    main()
