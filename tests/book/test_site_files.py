"""What the site is made of: our files, and pinned copies of other people's."""

import html.parser
import json
import re
import subprocess
import urllib.parse

import offline_assets
import pytest

from .conftest import MADE_BY_SPHINX, PAGES, ROOT

OURS = ("book/", "course_lib/widgets/", "tests/", "benchmarks/")
SCRIPTS = (".js", ".mjs", ".cjs", ".ts", ".wasm")


class Links(html.parser.HTMLParser):
    """The links, anchors and loaded files of one page."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors, self.loaded = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given.get("id"), given.get("name")} - {None}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in ("script", "img", "iframe", "source", "video") and given.get("src"):
            self.loaded.append(given["src"])
        if tag == "link" and given.get("rel") not in ("canonical", "author"):
            self.loaded.append(given["href"])


@pytest.fixture(scope="session")
def parsed(site):
    pages = {
        path: Links(path.read_text(encoding="utf-8"))
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    return {path.relative_to(site).as_posix(): links for path, links in pages.items()}


def test_no_page_loads_anything_from_another_host(parsed):
    foreign = [
        (page, url)
        for page, links in parsed.items()
        for url in links.loaded
        if re.match(r"(https?:)?//", url)
    ]
    assert foreign == []


def test_no_script_or_style_of_ours_names_another_host(site):
    pattern = re.compile(
        r"""import\s*\(?\s*["'`]https?://|@import\s+["'(]|url\(["']?(https?:)?//"""
    )
    files = [*site.glob("_static/course.*"), site / "vendor" / "widgets-config.js"]
    files += [site / f"{page}.html" for page in PAGES]
    assert len(files) == len(PAGES) + 3
    naming = [f.name for f in files if pattern.search(f.read_text(encoding="utf-8"))]
    assert naming == []


@pytest.mark.parametrize("word", ["fontawesome.js", "thebe", "googletagmanager"])
def test_pages_do_not_load_what_they_do_not_use(word, parsed):
    loading = [
        page
        for page, links in parsed.items()
        if any(word in url for url in links.loaded)
    ]
    assert loading == []


@pytest.mark.parametrize("page", [*PAGES, *MADE_BY_SPHINX])
def test_every_internal_link_and_anchor_exists(page, site, parsed):
    here = site / f"{page}.html"
    broken = []
    for link in [*parsed[f"{page}.html"].links, *parsed[f"{page}.html"].loaded]:
        url = urllib.parse.urlsplit(link)
        if url.scheme or url.netloc:
            continue
        path = urllib.parse.unquote(url.path)
        target = (here.parent / path).resolve() if path else here
        if not target.is_file():
            broken.append(link)
        elif url.fragment and target.suffix == ".html":
            anchors = parsed[target.relative_to(site).as_posix()].anchors
            if urllib.parse.unquote(url.fragment) not in anchors:
                broken.append(link)
    assert broken == []


def test_every_vendored_file_equals_its_source(site):
    plan = list(offline_assets.plan())
    assert len(plan) > 30
    different = [
        name
        for source, name in plan
        if (site / "vendor" / name).read_bytes() != source.read_bytes()
    ]
    assert different == ["embed-amd.js"]


def test_the_widgets_bundle_is_its_source_without_ipywidgets_7(site):
    source = dict((name, path) for path, name in offline_assets.plan())["embed-amd.js"]
    start = re.compile(r'(?=define\("@jupyter-widgets/)')
    whole = start.split(source.read_text(encoding="utf-8"))
    served = start.split((site / "vendor" / "embed-amd.js").read_text(encoding="utf-8"))
    code = [re.sub(r"/\*![^*]*\*/\s*$", "", part).strip() for part in whole]
    kept = [re.sub(r"/\*![^*]*\*/\s*$", "", part).strip() for part in served]
    gone = [
        re.match(r'define\("([^"]+)"', part)[1] for part in code if part not in kept
    ]
    assert gone == ["@jupyter-widgets/base7", "@jupyter-widgets/controls7"]
    assert [part for part in kept if part not in code] == []


def test_nothing_else_is_vendored(site):
    planned = {name for _, name in offline_assets.plan()}
    vendor = site / "vendor"
    there = {f.relative_to(vendor).as_posix() for f in vendor.rglob("*") if f.is_file()}
    assert there == planned


def test_the_licences_of_fonts_and_mathjax_are_served(site):
    for name in ["mathjax/LICENSE", "fonts/inter.LICENSE.txt"]:
        assert (site / "vendor" / name).stat().st_size > 1000


def test_the_lock_pins_every_package_by_hash_and_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert len(packages) > 100
    assert [n for n, p in packages.items() if "integrity" not in p] == []
    assert [n for n, p in packages.items() if "resolved" in p] == []


def test_package_json_asks_for_exact_versions():
    wanted = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in versions.values()), versions


def test_no_third_party_script_is_tracked_by_git():
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    scripts = [n for n in listed.stdout.splitlines() if n.endswith(SCRIPTS)]
    assert "book/_static/course.js" in scripts
    assert [n for n in scripts if not n.startswith(OURS)] == []
    minified = [
        name
        for name in scripts
        if max(map(len, (ROOT / name).read_text(encoding="utf-8").splitlines())) > 500
    ]
    assert minified == []
