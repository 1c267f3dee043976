"""The local Sphinx extensions, one by one."""

import pkgutil
import re
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import chapter_numbers
import course_styles
import execution_cache
import lean_pages
import library_reference
import offline_assets
import pytest
import text_alternatives
from docutils import nodes
from sphinx.errors import ExtensionError

from .conftest import ROOT

EXTENSIONS = ROOT / "book" / "_ext"


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


def sphinx(folder, *options):
    """Build the small project in ``folder``, with warnings as errors."""
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", *options]
    return subprocess.run(
        [*command, ".", "_build/html"], cwd=folder, capture_output=True, text=True
    )


# -- the execution cache ---------------------------------------------------------------


@pytest.fixture
def clone(tmp_path):
    """A miniature of the repository."""
    write(
        tmp_path,
        {
            "constraints.txt": "torch==2\n",
            "course_lib/__init__.py": "ANSWER = 41\n",
            "course_lib/widgets/view.js": "export default {}\n",
            "course_lib/widgets/view.css": ".view {}\n",
            "course_lib/samples/images": "00000\n",
        },
    )
    return tmp_path


def key_of(clone, data=b"images"):
    return execution_cache.cache_key(execution_cache.code_files(clone), data, clone)


@pytest.mark.parametrize(
    "name",
    [
        "constraints.txt",
        "course_lib/__init__.py",
        "course_lib/widgets/view.js",
        "course_lib/widgets/view.css",
        "course_lib/samples/images",
    ],
)
def test_the_cache_key_changes_with_every_kind_of_file(name, clone):
    before = key_of(clone)
    (clone / name).write_text("changed\n", encoding="utf-8")
    assert key_of(clone) != before


def test_the_cache_key_changes_with_new_and_renamed_files_and_with_the_data(clone):
    keys = {key_of(clone), key_of(clone, b"other images")}
    (clone / "course_lib" / "new.py").touch()
    keys.add(key_of(clone))
    (clone / "course_lib" / "new.py").rename(clone / "course_lib" / "newer.py")
    keys.add(key_of(clone))
    assert len(keys) == 4


def test_the_cache_key_ignores_compiled_files_and_where_the_clone_lies(clone, tmp_path):
    before = key_of(clone)
    write(clone, {"course_lib/__pycache__/x.pyc": "compiled"})
    assert key_of(clone) == before
    moved = clone.rename(tmp_path.parent / f"{tmp_path.name}-moved")
    assert key_of(moved) == before


def test_old_caches_are_pruned_all_but_the_latest(tmp_path):
    import os

    for age, name in enumerate(["now", "yesterday", "last-week", "last-year"]):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (1e9 - age, 1e9 - age))
    execution_cache.prune(tmp_path, "now")
    assert {path.name for path in tmp_path.iterdir()} == {"now", "yesterday"}


def test_an_edit_of_the_library_executes_an_unchanged_page_again(clone):
    source = (EXTENSIONS / "execution_cache.py").read_text(encoding="utf-8")
    write(
        clone,
        {
            "conf.py": """
                import sys
                sys.path[:0] = ["book/_ext", "."]
                extensions = ["myst_nb", "execution_cache"]
                nb_execution_mode = "cache"
                exclude_patterns = ["_build"]
            """,
            "book/_ext/execution_cache.py": source,
            "course_lib/data.py": """
                from types import SimpleNamespace

                def fashion_mnist(split):
                    class Images:
                        def numpy(self):
                            return SimpleNamespace(tobytes=lambda: b"images")
                    return SimpleNamespace(images=Images())
            """,
            "index.md": """\
                ---
                jupytext:
                  text_representation: {extension: .md, format_name: myst}
                kernelspec: {name: python3, display_name: Python 3}
                ---
                # A page

                ```{code-cell} ipython3
                import sys
                sys.path.insert(0, ".")
                import course_lib
                print("the answer is", course_lib.ANSWER)
                ```
            """,
        },
    )
    page = clone / "_build" / "html" / "index.html"
    for answer in (41, 42):
        write(clone, {"course_lib/__init__.py": f"ANSWER = {answer}\n"})
        built = sphinx(clone)
        assert built.returncode == 0, built.stderr
        assert f"the answer is {answer}" in page.read_text(encoding="utf-8")


# -- text alternatives -----------------------------------------------------------------

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"></svg>'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("![An edge](edge.svg)", None),
        ("```{figure} edge.svg\n:alt: An edge\nA caption.\n```", None),
        ('<svg role="img" aria-label="An edge"></svg>', None),
        ('<img src="edge.svg" alt="">', None),
        ("![](edge.svg)", r"picture 'edge.svg' has no alternative text"),
        ("```{figure} edge.svg\nA caption.\n```", r"has no alternative text"),
        ('<img src="edge.svg">', r"has no alternative text"),
        ("<svg></svg>", r"plotting.show\(figure, alt=...\)"),
    ],
)
def test_a_picture_without_a_text_alternative_fails_the_build(
    text, complaint, tmp_path
):
    write(
        tmp_path,
        {
            "conf.py": f"""
                import sys
                sys.path.insert(0, {str(EXTENSIONS)!r})
                extensions = ["myst_parser", "text_alternatives"]
            """,
            "edge.svg": PICTURE,
        },
    )
    (tmp_path / "index.md").write_text(f"# A page\n\n{text}\n", encoding="utf-8")
    built = sphinx(tmp_path)
    assert (built.returncode != 0) == (complaint is not None), built.stderr
    assert complaint is None or re.search(complaint, built.stderr)


def test_unnamed_pictures_names_the_tag():
    found = text_alternatives.unnamed_pictures('<p><img src="b.png"><svg aria-hidden>')
    assert found == ['<img src="b.png">']


# -- lean pages ------------------------------------------------------------------------


def test_font_awesome_goes_and_the_other_scripts_stay():
    other = '<script defer src="_static/scripts/bootstrap.js"></script>'
    head = f'<script defer src="x/fontawesome.js?digest=1"></script>\n{other}'
    assert lean_pages.without_font_awesome(head).strip() == other


def test_icon_rules_go_and_the_other_rules_stay():
    sheet = (
        "@font-face{font-family:Font Awesome\\ 6 Free;src:url(x.woff2)}"
        '.fa-navicon:before,.fa-bars:before{content:"\\f0c9"}'
        "@font-face{font-family:Other;src:url(y.woff2)}.bd-main{color:red}"
    )
    kept = "@font-face{font-family:Other;src:url(y.woff2)}.bd-main{color:red}"
    assert lean_pages.without_icon_rules(sheet) == kept


def test_thebe_goes_and_the_other_scripts_stay():
    context = {
        "script_files": [
            SimpleNamespace(filename="_static/sphinx-thebe.js", attributes={}),
            SimpleNamespace(filename=None, attributes={"body": "const THEBE_JS_URL"}),
            SimpleNamespace(filename="_static/course.js", attributes={}),
        ],
        "css_files": [SimpleNamespace(filename="_static/thebe.css", attributes={})],
    }
    lean_pages.drop_thebe(None, "page", "page.html", context, None)
    assert [f.filename for f in context["script_files"]] == ["_static/course.js"]
    assert context["css_files"] == []


# -- offline assets --------------------------------------------------------------------


def test_missing_node_modules_are_reported_with_the_command(monkeypatch, tmp_path):
    monkeypatch.setattr(offline_assets, "MODULES", tmp_path / "node_modules")
    with pytest.raises(ExtensionError, match=r"Run `npm ci --ignore-scripts"):
        offline_assets.copy_assets(None, None)


def test_a_missing_file_is_reported_with_its_name(monkeypatch, tmp_path):
    gone = offline_assets.MODULES / "gone.js"
    monkeypatch.setattr(offline_assets, "TARGET", tmp_path / "vendor")
    monkeypatch.setattr(offline_assets, "plan", lambda: iter([(gone, "gone.js")]))
    with pytest.raises(ExtensionError, match=r"node_modules/gone\.js is missing"):
        offline_assets.copy_assets(None, None)


def test_an_unknown_widgets_bundle_is_reported():
    with pytest.raises(ExtensionError, match=r"has 0 modules of ipywidgets 7"):
        offline_assets.without_ipywidgets_7('define("@jupyter-widgets/base",[])')


# -- the reference ---------------------------------------------------------------------


def test_the_reference_asks_for_every_public_module():
    import course_lib

    names = {
        f"course_lib.{module.name}"
        for module in pkgutil.iter_modules(course_lib.__path__)
        if not module.name.startswith("_")
    }
    source = ["Before\n\n% library-reference: course_lib\n"]
    library_reference.write_reference(None, "book/reference", source)
    asked = set(re.findall(r"automodule:: (\S+)", source[0]))
    assert names <= asked


def test_the_reference_holds_every_public_function(site):
    import inspect

    import course_lib.geometry as geometry

    text = (site / "book" / "reference.html").read_text(encoding="utf-8")
    functions = [
        name
        for name, value in vars(geometry).items()
        if inspect.isfunction(value)
        and value.__module__ == geometry.__name__
        and not name.startswith("_")
    ]
    assert len(functions) >= 8
    assert [f for f in functions if f'id="course_lib.geometry.{f}"' not in text] == []


# -- numbers and colours ---------------------------------------------------------------


def test_a_page_without_a_number_has_an_empty_one():
    env = SimpleNamespace(titles={"a": nodes.title(), "b": nodes.title()})
    env.titles["b"]["secnumber"] = [6, 3]
    assert chapter_numbers.page_numbers(env, "a") == []
    assert chapter_numbers.page_numbers(env, "b") == [6, 3]
    assert chapter_numbers.page_numbers(env, "gone") == []


def luminance(colour):
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_contrast_knows_black_on_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("style", [course_styles.Light, course_styles.Dark])
def test_code_is_readable_in_every_colour(style):
    colours = {f"#{look['color']}" for _, look in style if look["color"]}
    assert len(colours) >= 6
    assert min(contrast(c, style.background_color) for c in colours) >= 4.5


def tokens():
    """The colours of course.css: scheme -> name -> #rrggbb."""
    css = (ROOT / "book" / "_static" / "course.css").read_text(encoding="utf-8")
    blocks = {
        "light": re.search(r":root \{(.*?)\}", css, re.DOTALL)[1],
        "dark": re.search(r'html\[data-theme="dark"\] \{(.*?)\}', css, re.DOTALL)[1],
    }
    pattern = re.compile(r"--cnn-([a-z]+): (#[0-9a-f]{6});")
    return {scheme: dict(pattern.findall(block)) for scheme, block in blocks.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("ground", ["paper", "panel"])
@pytest.mark.parametrize(
    "name", ["ink", "muted", "input", "kernel", "output", "accent"]
)
def test_every_text_colour_is_readable_on_page_and_panel(name, ground, scheme):
    colours = tokens()[scheme]
    assert contrast(colours[name], colours[ground]) >= 4.5
