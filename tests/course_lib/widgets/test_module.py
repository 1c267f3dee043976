"""Joining an explorer's files: what runs, what is refused."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

import course_lib.widgets
from course_lib.widgets import module
from course_lib.widgets.module import bundle, stylesheet


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that stands in for course_lib/widgets."""
    monkeypatch.setattr(module, "HERE", tmp_path)
    return tmp_path


def _node(module: str) -> str:
    node = shutil.which("node")
    assert node, "Node is missing from PATH"
    done = subprocess.run(
        [node, "--input-type=module", "--eval", module],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_joined_files_run_as_one_module_in_the_order_of_their_imports(
    folder: Path,
) -> None:
    (folder / "ground.js").write_text("export const two = 2;\n")
    (folder / "middle.js").write_text(
        'import { two } from "./ground.js";\n'
        "export function double(x) {\n  return two * x;\n}\n"
    )
    (folder / "top.js").write_text(
        'import {\n  double,\n} from "./middle.js";\n'
        'import { two } from "./ground.js";\n'
        'export { two } from "./ground.js";\n'
        "export default { answer: double(two) };\nconsole.log(double(two));\n"
    )
    joined = bundle("top.js")
    assert _node(joined) == "4\n"
    assert "import" not in joined
    assert joined.count("export") == 1


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.js": 'import * as b from "./b.js";\n'}, "a.js: cannot join the line"),
        ({"a.js": 'import "https://example.org/x.js";\n'}, "cannot join the line"),
        ({"a.js": "export { x };\n"}, "cannot join the line 'export { x };'"),
        (
            {"a.js": 'import { b as c } from "./b.js";\n', "b.js": ""},
            "a.js: cannot join an import that renames",
        ),
        (
            {
                "a.js": 'import { b } from "./b.js";\n',
                "b.js": "export default 1;\n",
            },
            "b.js: cannot join the line 'export default 1;'",
        ),
        (
            {
                "a.js": 'import { b } from "./b.js";\nconst x = 1;\n',
                "b.js": "export const b = 1;\nfunction x() {}\n",
            },
            "a.js and b.js both declare 'x'",
        ),
    ],
)
def test_what_cannot_be_joined_is_refused_by_name(
    folder: Path, files: dict[str, str], message: str
) -> None:
    for name, text in files.items():
        (folder / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        bundle("a.js")


@pytest.mark.parametrize("name", course_lib.widgets.__all__)
def test_every_explorer_is_one_module_that_exports_render_and_loads_nothing(
    name: str,
) -> None:
    explorer = getattr(course_lib.widgets, name)
    printed = _node(
        f"const text = {json.dumps(explorer._esm)};\n"
        "const url = 'data:text/javascript,' + encodeURIComponent(text);\n"
        "const module = await import(url);\n"
        "console.log(typeof module.default.render);"
    )
    assert printed == "function\n"
    assert "http://" not in explorer._esm.replace("http://www.w3.org/", "")
    assert "https://" not in explorer._esm
    assert "@import" not in explorer._css


def test_a_style_sheet_is_the_shared_one_and_then_those_named(folder: Path) -> None:
    (folder / "explorer.css").write_text("a {}")
    (folder / "own.css").write_text("b {}")
    assert stylesheet("own.css") == "a {}\nb {}"
