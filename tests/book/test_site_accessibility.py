"""Every page is usable by keyboard and screen reader, in light and in dark.

axe-core finds no violation of any impact, and there is no list of exceptions.
"""

import contextlib
import functools

import pytest
from playwright.sync_api import TimeoutError

from .conftest import MADE_BY_SPHINX, PAGES, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("accessibility")]

RUN_AXE = """() => axe.run(document, {resultTypes: ["violations"]}).then((found) =>
  found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id} (${rule.impact}): ${node.target}: ${node.html.slice(0, 120)}`)))"""

MOVING = """() => [...document.querySelectorAll("body *")].filter((element) => {
  const style = getComputedStyle(element);
  const seconds = (list) => Math.max(...list.split(",").map(parseFloat));
  return seconds(style.transitionDuration) > 0.001
    || (style.animationName !== "none" && seconds(style.animationDuration) > 0.001);
}).map((element) => `${element.tagName}.${element.className}`)"""


UNREACHABLE = """() => [...document.querySelectorAll("article *")].filter((box) =>
  ["auto", "scroll"].includes(getComputedStyle(box).overflowX)
  && box.scrollWidth > box.clientWidth + 1
  && box.tabIndex < 0 && !box.querySelector("a, button, input, [tabindex]")
).map((box) => `${box.tagName}.${box.className}`)"""

THEME = "document.documentElement.dataset.theme"


@pytest.fixture(scope="session")
def axe():
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def examined(server, visit, axe):
    """What axe says of a page in light, in dark and on a phone; and two checks of ours.

    Each page is opened once and then shown in other ways.
    """

    @functools.cache
    def examine(name):
        with visit(f"{server.url}/{name}.html") as opened:
            page = opened.page
            page.evaluate(axe)
            known = {"light": page.evaluate(RUN_AXE)}
            page.emulate_media(color_scheme="dark", reduced_motion="reduce")
            page.wait_for_function(f"{THEME} === 'dark'")
            known["dark"] = page.evaluate(RUN_AXE)
            known["moving"] = page.evaluate(MOVING)
            page.set_viewport_size({"width": 360, "height": 800})
            # The theme looks anew at what scrolls a moment after the size has changed.
            with contextlib.suppress(TimeoutError):
                page.wait_for_function(f"({UNREACHABLE})().length === 0", timeout=5000)
            known["phone"] = page.evaluate(RUN_AXE)
            known["unreachable"] = page.evaluate(UNREACHABLE)
            return known

    return examine


@pytest.mark.parametrize("view", ["light", "dark", "phone"])
@pytest.mark.parametrize("page", [*PAGES, *MADE_BY_SPHINX])
def test_axe_finds_nothing(page, view, examined):
    assert examined(page)[view] == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_moves_for_readers_who_asked_for_stillness(page, examined):
    assert examined(page)["moving"] == []


@pytest.mark.parametrize("page", PAGES)
def test_what_scrolls_sideways_can_be_focused(page, examined):
    assert examined(page)["unreachable"] == []


def test_axe_is_awake(server, visit, axe):
    with visit(f"{server.url}/{PAGES[1]}.html") as opened:
        opened.page.evaluate("document.querySelector('article').append(new Image())")
        opened.page.evaluate(axe)
        assert any("image-alt" in found for found in opened.page.evaluate(RUN_AXE))


def test_the_first_tab_stop_skips_to_the_text(server, visit):
    with visit(f"{server.url}/{PAGES[1]}.html") as opened:
        page = opened.page
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent")
        assert focused == "Skip to main content"
        page.keyboard.press("Enter")
        page.wait_for_url("**#main-content")


def test_light_and_dark_are_switched_by_keyboard_and_remembered(server, visit):
    with visit(f"{server.url}/{PAGES[1]}.html") as opened:
        page = opened.page
        page.focus(".theme-switch-button")
        modes = []
        while "dark" not in modes and len(modes) < 3:
            page.keyboard.press("Enter")
            modes.append(page.evaluate("document.documentElement.dataset.mode"))
        assert page.evaluate(THEME) == "dark"
        page.goto(f"{server.url}/{PAGES[2]}.html")
        assert page.evaluate(THEME) == "dark"
