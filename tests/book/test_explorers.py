"""Every explorer of the built book works, by keyboard, with no kernel and no network.

Each page with explorers is opened from a server that nothing but it can be reached
through, and from disk. What is asked of every control is asked of the controls that
the page really has: none is listed here.
"""

import contextlib
import itertools
import json
import random
import re

import pytest
import torch
from torch import nn

from course_lib import geometry
from course_lib.widgets import __all__ as WIDGETS

from .conftest import PAGES, ROOT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("explorers")]

# A quiz has fields in place of controls: see test_quizzes.py.
EXPLORERS = [name for name in WIDGETS if name != "Quiz"]
BOX = ".cnn-explorer:not(.cnn-quiz)"
CALL = re.compile(rf"^\s*(?:d2l\.)?({'|'.join(EXPLORERS)})\(", re.M)


def explorers_of(page: str) -> list[str]:
    """Name the explorers that a page shows, in order, from its source."""
    source = ROOT / f"{page}.md"
    return CALL.findall(source.read_text(encoding="utf-8")) if source.exists() else []


WITH_EXPLORERS = [page for page in PAGES if explorers_of(page)]
PLACES = {
    name: (page, explorers_of(page).index(name))
    for page in reversed(WITH_EXPLORERS)
    for name in reversed(explorers_of(page))
}

# What is done in the page: find the controls, note what is seen, wait for a frame.
HELPERS = """() => {
  const boxes = () => [...document.querySelectorAll(".cnn-explorer:not(.cnn-quiz)")];
  const visible = (node) => node.getClientRects().length > 0;
  const named = (node) => {
    const label = node.labels?.[0] ?? node.closest(".widget-inline-hbox")
      ?.querySelector(".widget-label");
    return (node.getAttribute("aria-label") || label?.textContent || node.textContent)
      .trim();
  };
  const KINDS = {
    slider: ".noUi-handle", select: "select", checkbox: "input[type=checkbox]",
    number: ".cnn-view input[type=number]", button: "button.cnn-button",
    grid: ".cnn-cell[tabindex='0']",
  };
  const find = (i, kind) => [...boxes()[i].querySelectorAll(KINDS[kind])]
    .filter((node) => visible(node) && !node.disabled);
  window.explorers = {
    boxes, find,
    view: (i) => boxes()[i].querySelector(".cnn-view").explorer,
    list: (i, kind) => find(i, kind).map(named),
    focus: (i, kind, j) => find(i, kind)[j].focus(),
    seen: (i) => {
      const box = boxes()[i];
      const canvases = [...box.querySelectorAll("canvas")].filter(visible);
      return {
        text: box.querySelector(".cnn-text").textContent,
        canvases: canvases.map((c) => c.toDataURL()).join(),
        picture: canvases.map((c) => c.toDataURL()).join()
          + box.querySelector(".cnn-stage").innerHTML,
        all: box.querySelector(".cnn-view").outerHTML,
        error: !box.querySelector(".cnn-error").hidden,
      };
    },
    frame: () => new Promise((done) =>
      requestAnimationFrame(() => requestAnimationFrame(done))),
  };
}"""

DRAWN = """(n) => {
  const views = [...document.querySelectorAll(".cnn-view:not(.cnn-quiz-view)")];
  return views.length >= n && views.every((view) => view.dataset.drawn);
}"""

# A control that changes nothing at its neighbours' defaults is tried where it does.
WHERE_IT_MATTERS = {
    "ceil_mode": {"stride_h": 2, "stride_w": 2},
    "count_include_pad": {"mode_index": 1, "pad_h": 1, "pad_w": 1},
    "p along the height": {"entry_index": 1},
    "p along the width": {"entry_index": 1},
    "layer": {"level": 1},
}


class Explorer:
    """One explorer of a page, operated as a reader without a mouse would."""

    def __init__(self, page, place: int) -> None:
        self.page, self.place = page, place

    def call(self, name: str, *arguments):
        return self.page.evaluate(
            "([name, ...rest]) => window.explorers[name](...rest)",
            [name, self.place, *arguments],
        )

    def frame(self) -> None:
        self.page.evaluate("() => window.explorers.frame()")

    def seen(self) -> dict:
        self.frame()
        seen = self.call("seen")
        assert not seen["error"]
        return seen

    def press(self, kind: str, which: int, key: str) -> None:
        self.call("focus", kind, which)
        self.page.keyboard.press(key)

    def set(self, values: dict) -> None:
        """Set values through the model, those that this explorer has."""
        self.page.evaluate(
            """([i, values]) => {
              const view = window.explorers.view(i);
              view.set(Object.fromEntries(Object.entries(values)
                .filter(([key]) => view.keys.includes(key))));
            }""",
            [self.place, values],
        )
        self.frame()

    def reset(self) -> None:
        self.page.evaluate("(i) => window.explorers.view(i).reset()", self.place)
        self.frame()

    def move(self, kind: str, which: int) -> None:
        """Move a control by one step, by keyboard, to where there is room."""
        if kind == "checkbox":
            key = "Space"
        elif kind == "number":
            key = "ArrowUp"
        else:
            # The last choice of a list may be "your own", which changes nothing.
            key = self.page.evaluate(
                """([i, kind, j]) => {
                  const node = window.explorers.find(i, kind)[j];
                  if (kind === "select")
                    return node.selectedIndex > 0 ? "ArrowUp" : "ArrowDown";
                  return node.ariaValueNow >= node.ariaValueMax
                    ? "ArrowLeft" : "ArrowRight";
                }""",
                [self.place, kind, which],
            )
        self.press(kind, which, key)


@pytest.fixture(params=["http", "file"])
def opened(request, site, server, visit):
    """Open a page by either way in; give the visit and its explorers."""
    with contextlib.ExitStack() as visits:

        def open_page(name: str, **options):
            if request.param == "http":
                address = f"{server.url}/{name}.html"
            else:
                address = (site / f"{name}.html").as_uri()
            return start(visits.enter_context(visit(address, **options)), name)

        yield open_page


@pytest.fixture
def served(server, visit):
    """Open a page from the server; give the visit and its explorers."""
    with contextlib.ExitStack() as visits:

        def open_page(name: str, **options):
            address = f"{server.url}/{name}.html"
            return start(visits.enter_context(visit(address, **options)), name)

        yield open_page


def start(seen, name: str):
    number = len(explorers_of(name))
    seen.page.wait_for_function(DRAWN, arg=number, timeout=60_000)
    seen.page.evaluate(HELPERS)
    boxes = seen.page.evaluate("() => window.explorers.boxes().length")
    assert boxes == number
    return seen, [Explorer(seen.page, place) for place in range(number)]


def test_every_explorer_is_on_some_page():
    assert set(PLACES) == set(EXPLORERS)


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_every_control_changes_picture_and_text(name, opened):
    seen, explorers = opened(name)
    idle = []
    for explorer in explorers:
        moved = 0
        for kind in ("slider", "select", "checkbox", "number"):
            for which, label in enumerate(explorer.call("list", kind)):
                explorer.set(WHERE_IT_MATTERS.get(label, {}))
                which = explorer.call("list", kind).index(label)
                before, offered = explorer.seen(), explorer.call("list", "slider")
                explorer.move(kind, which)
                after = explorer.seen()
                for part in ("text", "picture"):
                    # One choice is between two sets of sliders for the same numbers.
                    switched = explorer.call("list", "slider") != offered
                    if before[part] == after[part] and not switched:
                        idle.append(f"{explorer.place} {kind} {label!r}: same {part}")
                explorer.reset()
                moved += 1
        assert moved >= 3
    assert idle == []
    assert seen.troubles == []


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_every_control_of_a_hidden_mode_works_too(name, opened):
    """Controls that only another setting shows are counted in by that setting."""
    _, explorers = opened(name)
    for explorer, kind in zip(explorers, explorers_of(name), strict=True):
        if kind != "PaddingStrideExplorer":
            continue
        explorer.set({"entry_index": 1})
        labels = explorer.call("list", "slider")
        assert "p along the height" in labels
        for label in ("p along the height", "p along the width"):
            before = explorer.seen()
            explorer.move("slider", explorer.call("list", "slider").index(label))
            after = explorer.seen()
            assert before["text"] != after["text"]
            assert before["picture"] != after["picture"]


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_every_button_does_something_by_keyboard(name, served):
    seen, explorers = served(name)
    idle = []
    for explorer in explorers:
        start_text = explorer.seen()["text"]
        for which, label in enumerate(explorer.call("list", "button")):
            if label == "Reset":
                # Moved first: of what is as it was there is nothing to bring back.
                explorer.move("slider", 0)
                assert explorer.seen()["text"] != start_text
                explorer.press("button", which, "Enter")
                assert explorer.seen()["text"] == start_text
                continue
            before = explorer.seen()
            pressed = seen.page.evaluate(
                """([i, j]) => window.explorers.find(i, "button")[j].ariaPressed""",
                [explorer.place, which],
            )
            explorer.press("button", which, "Enter")
            after = explorer.seen()
            if pressed != "true" and all(before[p] == after[p] for p in before):
                idle.append(f"{explorer.place} {label!r}")
            explorer.reset()
    assert idle == []
    assert seen.troubles == []


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_every_grid_is_walked_with_the_arrow_keys(name, served):
    seen, explorers = served(name)
    current = "() => document.activeElement.getAttribute('aria-label')"
    for explorer in explorers:
        for which in range(len(explorer.call("list", "grid"))):
            explorer.call("focus", "grid", which)
            seen.page.keyboard.press("Home")
            before = seen.page.evaluate(current)
            assert before.startswith("row "), before
            table = "document.activeElement.closest('[role=grid]')"
            columns = seen.page.evaluate(f"() => +{table}.ariaColCount")
            rows = seen.page.evaluate(f"() => +{table}.ariaRowCount")
            assert seen.page.evaluate(f"() => {table}.getAttribute('aria-label')")
            if rows * columns > 1:
                seen.page.keyboard.press("ArrowRight" if columns > 1 else "ArrowDown")
                assert seen.page.evaluate(current) != before
        explorer.reset()
    assert seen.troubles == []


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_the_tab_key_visits_every_control_in_order(name, served):
    seen, explorers = served(name)
    tabbable = """(i) => [...window.explorers.boxes()[i].querySelectorAll(
        "button, select, input, [tabindex='0'], [contenteditable]")]
      .filter((node) => node.getClientRects().length && !node.disabled
              && (node.tabIndex >= 0 || node.isContentEditable))"""
    for explorer in explorers:
        count = seen.page.evaluate(f"(i) => ({tabbable})(i).length", explorer.place)
        seen.page.evaluate(f"(i) => ({tabbable})(i)[0].focus()", explorer.place)
        at = f"(i) => ({tabbable})(i).indexOf(document.activeElement)"
        order = [seen.page.evaluate(at, explorer.place)]
        for _ in range(count - 1):
            seen.page.keyboard.press("Tab")
            order.append(seen.page.evaluate(at, explorer.place))
        assert order == list(range(count))


# ------------------------------------------------------------------- sizes


def outputs(explorer: Explorer, cases: list[dict]) -> list[list[int]]:
    """Set the model to each case; give the output size that the picture shows.

    ``dataset.output`` is written by the same drawing as the picture; that the text
    shows it too is checked by the caller on what comes back here.
    """
    shown = explorer.page.evaluate(
        """([i, cases]) => {
          const view = window.explorers.view(i);
          return cases.map((values) => {
            for (const [key, value] of Object.entries(values))
              view.model.set(key, value);
            view.paint();
            return [view.root.dataset.output, view.text.textContent,
                    view.stage.textContent, !view.error.hidden];
          });
        }""",
        [explorer.place, cases],
    )
    assert not any(error for *_, error in shown)
    return [
        ([int(n) for n in size.split("x")], f"{text} {stage}".replace(" × ", "×"))
        for size, text, stage, _ in shown
    ]


def fits(function, *arguments, **options):
    """Return the size, or None where the library says that no window fits."""
    try:
        return function(*arguments, **options)
    except ValueError:
        return None


def explorer_named(name: str, served) -> Explorer:
    page, place = PLACES[name]
    return served(page)[1][place]


def compare(shown, cases, wanted) -> int:
    """Check sizes and their mention in words; count the cases without an output."""
    nothing = 0
    for (size, words), case, want in zip(shown, cases, wanted, strict=True):
        if want is None:
            nothing += 1
            assert 0 in size, case
        else:
            assert tuple(size) == want, case
            assert f"{want[0]}×{want[1]}" in words, (case, words)
    return nothing


def test_padding_and_stride_sizes_are_the_librarys(served):
    draw = random.Random(63)
    cases = [
        {
            "height": draw.randint(1, 16),
            "width": draw.randint(1, 16),
            "kernel_height": draw.randint(1, 7),
            "kernel_width": draw.randint(1, 7),
            "top": draw.randint(0, 9),
            "bottom": draw.randint(0, 9),
            "left": draw.randint(0, 9),
            "right": draw.randint(0, 9),
            "stride_height": draw.randint(1, 5),
            "stride_width": draw.randint(1, 5),
            "dilation_height": draw.randint(1, 3),
            "dilation_width": draw.randint(1, 3),
        }
        for _ in range(2_000)
    ]
    wanted = [
        fits(
            geometry.output_shape,
            (c["height"], c["width"]),
            (c["kernel_height"], c["kernel_width"]),
            padding=((c["top"], c["bottom"]), (c["left"], c["right"])),
            stride=(c["stride_height"], c["stride_width"]),
            dilation=(c["dilation_height"], c["dilation_width"]),
        )
        for c in cases
    ]
    explorer = explorer_named("PaddingStrideExplorer", served)
    nothing = compare(outputs(explorer, cases), cases, wanted)
    assert 20 < nothing < 1_000


def test_pooling_sizes_are_the_librarys(served):
    draw = random.Random(65)
    images = [(6, 7), (4, 4), (10, 10)]
    cases = []
    while len(cases) < 2_000:
        case = {
            "image_index": draw.randrange(3),
            "mode_index": draw.randrange(2),
            "pool_h": draw.randint(1, 5),
            "pool_w": draw.randint(1, 5),
            "stride_h": draw.randint(1, 5),
            "stride_w": draw.randint(1, 5),
            "pad_h": draw.randint(0, 2),
            "pad_w": draw.randint(0, 2),
            "ceil_mode": draw.random() < 0.5,
        }
        # Torch refuses padding above half of the window; so does the explorer.
        if 2 * case["pad_h"] <= case["pool_h"] and 2 * case["pad_w"] <= case["pool_w"]:
            cases.append(case)
    wanted = [
        fits(
            geometry.output_shape,
            images[c["image_index"]],
            (c["pool_h"], c["pool_w"]),
            padding=(c["pad_h"], c["pad_w"]),
            stride=(c["stride_h"], c["stride_w"]),
            ceil_mode=c["ceil_mode"],
        )
        for c in cases
    ]
    explorer = explorer_named("PoolingExplorer", served)
    compare(outputs(explorer, cases), cases, wanted)


def test_channel_sizes_are_the_librarys(served):
    ranges = itertools.product(range(1, 5), range(1, 5), range(1, 6), range(2, 9))
    cases = [
        {"c_i": c_i, "c_o": c_o, "k": k, "size": size} for c_i, c_o, k, size in ranges
    ]
    wanted = [fits(geometry.output_shape, c["size"], c["k"]) for c in cases]
    explorer = explorer_named("ChannelsExplorer", served)
    compare(outputs(explorer, cases), cases, wanted)


def test_stack_sizes_are_the_librarys(served):
    draw = random.Random(66)
    cases = []
    for _ in range(1_000):
        stack = [
            {
                "kernel": draw.randint(1, 5),
                "stride": draw.randint(1, 3),
                "padding": draw.randint(0, 3),
                "dilation": draw.randint(1, 2),
            }
            for _ in range(draw.randint(1, 5))
        ]
        size = draw.randint(4, 32)
        cases.append({"size": size, "stack": stack, "level": len(stack)})
    wanted = []
    for case in cases:
        n = case["size"]
        for layer in case["stack"]:
            n = n and fits(
                geometry.output_size,
                n,
                layer["kernel"],
                padding=layer["padding"],
                stride=layer["stride"],
                dilation=layer["dilation"],
            )
        wanted.append((n, n) if n else None)
    explorer = explorer_named("ReceptiveFieldExplorer", served)
    compare(outputs(explorer, cases), cases, wanted)


# ------------------------------------------------------- the net in the page


def torch_net(layers: list[dict], numbers: torch.Tensor) -> nn.Sequential:
    """Build the net in torch from what the page was given."""
    modules = []
    for layer in layers:
        kind = layer["kind"]
        if kind == "conv":
            module = nn.Conv2d(
                layer["in"], layer["out"], layer["kernel"], layer["stride"],
                layer["padding"],
            )  # fmt: skip
        elif kind == "linear":
            module = nn.Linear(layer["in"], layer["out"])
        elif kind.endswith("_pool"):
            pool = nn.AvgPool2d if kind == "avg_pool" else nn.MaxPool2d
            module = pool(layer["kernel"], layer["stride"], layer["padding"])
        else:
            plain = {
                "flatten": nn.Flatten,
                "sigmoid": nn.Sigmoid,
                "tanh": nn.Tanh,
                "relu": nn.ReLU,
            }
            module = plain[kind]()
        for name, parameter in module.named_parameters():
            first, count = layer[name]
            parameter.data = numbers[first : first + count].reshape(parameter.shape)
        modules.append(module)
    return nn.Sequential(*modules)


READ_NET = """(i) => {
  const view = window.explorers.view(i);
  const floats = (data) => Array.from(new Float32Array(
    data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength)));
  const bytes = (data) => Array.from(new Uint8Array(
    data.buffer, data.byteOffset, data.byteLength));
  const model = view.model;
  return { layers: model.get("_layers"), weights: floats(model.get("_weights")),
           images: bytes(model.get("_images")) };
}"""

MAPS = """([i, index]) => {
  const view = window.explorers.view(i);
  view.model.set("image_index", index);
  view.paint();
  return { maps: view.maps.map((map) => Array.from(map.values)),
           chances: view.root.dataset.output.split(" ").map(Number) };
}"""


def test_every_map_of_the_trained_net_agrees_with_torch(served):
    explorer = explorer_named("LeNetExplorer", served)
    read = explorer.page.evaluate(READ_NET, explorer.place)
    net = torch_net(read["layers"], torch.tensor(read["weights"]))
    assert sum(p.numel() for p in net.parameters()) == len(read["weights"])
    images = torch.tensor(read["images"], dtype=torch.uint8).reshape(-1, 1, 28, 28)
    paint_with_the_keyboard(explorer)
    drawing = explorer.page.evaluate(
        "(i) => window.explorers.view(i).model.get('drawing')", explorer.place
    )
    assert 0 < sum(map(bool, drawing)) < 784
    drawn = torch.tensor(drawing, dtype=torch.uint8).reshape(1, 1, 28, 28)
    for index, image in enumerate([*images, *drawn]):
        shown = explorer.page.evaluate(MAPS, [explorer.place, index])
        X = image[None] / 255
        with torch.no_grad():
            for layer, values in zip(net, shown["maps"][1:], strict=True):
                X = layer(X)
                got = torch.tensor(values)
                torch.testing.assert_close(got, X.flatten(), rtol=1e-5, atol=1e-5)
        chances = torch.tensor(shown["chances"])
        torch.testing.assert_close(chances, X[0].softmax(0), rtol=1e-5, atol=1e-5)


def paint_with_the_keyboard(explorer: Explorer) -> None:
    clear = explorer.call("list", "button").index("Clear the drawing")
    explorer.press("button", clear, "Enter")
    explorer.call("focus", "grid", 0)
    for _ in range(6):
        explorer.page.keyboard.press("Space")
        explorer.page.keyboard.press("ArrowDown")
        explorer.page.keyboard.press("ArrowRight")
    explorer.page.wait_for_timeout(400)  # the drawing is handed on when it rests
    assert "Your drawing" in explorer.seen()["text"]


def test_painting_with_the_pointer_makes_a_drawing_and_erasing_takes_it_away(served):
    explorer = explorer_named("LeNetExplorer", served)
    page = explorer.page
    canvas = page.locator(".cnn-explorer .cnn-net-input canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    before = explorer.seen()
    for tool in ("Paint", "Erase"):
        which = explorer.call("list", "button").index(tool)
        explorer.press("button", which, "Enter")
        page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] * 0.1)
        page.mouse.down()
        page.mouse.move(
            box["x"] + box["width"] * 0.8, box["y"] + box["height"] * 0.1, steps=12
        )
        page.mouse.up()
        after = explorer.seen()
        assert after["picture"] != before["picture"]
        assert "Your drawing" in after["text"]
        before = after


# ----------------------------------------------------- looks and accessibility


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_nothing_overflows_on_a_phone(name, served):
    seen, explorers = served(name, width=360)
    folder = ROOT / "_build" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    for explorer in explorers:
        box = seen.page.locator(BOX).nth(explorer.place)
        wide = seen.page.evaluate(
            """(i) => {
              const box = window.explorers.boxes()[i];
              const right = box.getBoundingClientRect().right;
              const scrolls = (node) => {
                for (; node !== box; node = node.parentElement)
                  if (["auto", "scroll"].includes(getComputedStyle(node).overflowX))
                    return true;
                return false;
              };
              return [...box.querySelectorAll("*")]
                .filter((node) => node.getClientRects().length
                  && node.getBoundingClientRect().right > right + 0.5
                  && !node.closest(".noUi-target, .cnn-hidden, svg *")
                  && !scrolls(node))
                .map((node) => `${node.tagName}.${node.className}`);
            }""",
            explorer.place,
        )
        assert wide == []
        kind = explorers_of(name)[explorer.place]
        box.screenshot(path=folder / f"{kind}-360.png")
    assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


LOADS_FROM_OUTSIDE = re.compile(r"""(import|from|src=|url)\W{0,3}https?:""")

STATES = {
    "RunsExplorer": [
        {"activation_index": 2, "rate_index": 4, "moment_index": 6, "pinned": 0},
        {"init_index": 0, "rate_index": 0},
    ],
    "ChannelsExplorer": [{"k": 1, "c_i": 4, "c_o": 4}, {"k": 5, "size": 3}],
    "PoolingExplorer": [
        {"mode_index": 1, "pad_h": 1, "pad_w": 1},
        {"pool_h": 5, "image_index": 1},
    ],
    "ReceptiveFieldExplorer": [
        {"show_index": 1, "level": 1, "unit": [0, 0]},
        {"stack": [{"kernel": 7, "stride": 4, "padding": 0, "dilation": 4}], "size": 9},
    ],
    "LeNetExplorer": [{"image_index": 1, "layer": 7, "map": 3, "stretch": False}],
    "PaddingStrideExplorer": [{"height": 2, "kernel_height": 7}, {"entry_index": 1}],
    "LearnedKernelLab": [{"learning_rate": 0.04}],
    "KernelExplorer": [{"operation_index": 1}],
}

RUN_AXE = """(i) => axe.run(window.explorers.boxes()[i], {resultTypes: ["violations"]})
  .then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id} (${rule.impact}): ${node.target}: ${node.html.slice(0, 160)}`)))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_axe_finds_nothing_in_any_state(name, scheme, served):
    seen, explorers = served(name, scheme=scheme)
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    seen.page.evaluate(axe.read_text(encoding="utf-8"))
    for explorer, kind in zip(explorers, explorers_of(name), strict=True):
        for state in [{}, *STATES[kind]]:
            explorer.set(state)
            assert seen.page.evaluate(RUN_AXE, explorer.place) == [], (kind, state)
            explorer.reset()


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_dark_and_light_are_drawn_in_their_own_colours(name, served):
    seen, explorers = served(name)
    for explorer in explorers:
        box = seen.page.locator(BOX).nth(explorer.place)
        light, looks = explorer.seen(), box.screenshot()
        seen.page.evaluate("() => { document.documentElement.dataset.theme = 'dark'; }")
        assert explorer.seen()["text"] == light["text"]
        assert box.screenshot() != looks
        seen.page.evaluate(
            "() => { document.documentElement.dataset.theme = 'light'; }"
        )
        assert explorer.seen()["canvases"] == light["canvases"]


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_nothing_plays_by_itself_for_readers_who_asked_for_stillness(name, served):
    seen, _ = served(name)
    seen.page.emulate_media(reduced_motion="reduce")
    seen.page.reload()
    seen.settle()
    _, explorers = start(seen, name)
    for explorer in explorers:
        assert "Play" not in explorer.call("list", "button")


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_without_scripts_a_described_picture_stands_in(name, server, browser):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{server.url}/{name}.html")
    pictures = page.locator(".cnn-fallback:not(.cnn-quiz-print) svg[role=img]")
    assert pictures.count() == len(explorers_of(name))
    for picture in pictures.all():
        assert picture.is_visible()
        assert len(picture.get_attribute("aria-label")) > 30
    context.close()


@pytest.mark.parametrize("name", WITH_EXPLORERS)
def test_with_scripts_the_picture_gives_way_to_the_explorer(name, served):
    seen, _ = served(name)
    pictures = seen.page.locator(".cnn-fallback").all()
    assert pictures
    assert not any(picture.is_visible() for picture in pictures)


def test_the_state_that_a_page_carries_names_no_other_host(site):
    for name in WITH_EXPLORERS:
        text = (site / f"{name}.html").read_text(encoding="utf-8")
        states = re.findall(
            r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>',
            text,
            re.S,
        )
        assert states
        for state in states:
            for model in json.loads(state)["state"].values():
                module = model["state"].get("_esm", "")
                assert not re.search(
                    r"""(import|from|src=|url)\W{0,3}https?:""", module
                )
