"""Every question of the built book judges, explains, points and remembers.

What is right and what a mistake leads to is asked of the library, not of the page.
"""

import contextlib
import html
import json
import re

import pytest

from course_lib.widgets.questions import PAGES as ASKING
from course_lib.widgets.questions import ask, quizzes
from course_lib.widgets.quiz import words

from .conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("quizzes")]

CALL = re.compile(r'^ask\("([\w-]+)/(\w+)"\)$', re.M)
VIEWS = "[...document.querySelectorAll('.cnn-quiz-view')]"


def asked(page: str) -> list[tuple[str, str]]:
    """Name the quizzes that a page shows, in order, from its source."""
    source = ROOT / "book" / f"{page}.md"
    return CALL.findall(source.read_text(encoding="utf-8"))


HELPERS = """() => {
  const items = () => [...document.querySelectorAll(".cnn-quiz-view")]
    .flatMap((root) => root.quiz.items);
  window.quizzes = {
    count: () => items().length,
    fill: (i, value) => {
      const { fields, question } = items()[i];
      if (question.kind === "choice")
        fields.forEach((f, j) => { f.checked = question.options[j] === value; });
      else [value].flat(2).forEach((v, j) => { fields[j].value = String(v); });
    },
    submit: (i) => items()[i].check.click(),
    seen: (i) => {
      const { verdict, why, show, node } = items()[i];
      return {
        verdict: verdict.textContent, link: verdict.querySelector("a")?.href ?? null,
        why: why.textContent, open: !why.hidden, offered: !show.hidden,
        text: node.innerText, state: node.dataset.state,
      };
    },
    answer: (i, value) => {
      window.quizzes.fill(i, value);
      window.quizzes.submit(i);
      return window.quizzes.seen(i);
    },
    show: (i) => { items()[i].show.click(); return window.quizzes.seen(i); },
    lines: () => [...document.querySelectorAll(".cnn-progress summary")]
      .map((line) => line.textContent),
    kept: () => Object.keys(localStorage).filter((key) => key.startsWith("cnn-quiz/")),
  };
}"""


@pytest.fixture
def opened(site, server, visit):
    """Open a page by http or from disk; give the visit once its quizzes are drawn."""
    with contextlib.ExitStack() as visits:

        def open_page(name: str, *, disk: bool = False, **options):
            address = (
                (site / "book" / f"{name}.html").as_uri()
                if disk
                else f"{server.url}/book/{name}.html"
            )
            return ready(visits.enter_context(visit(address, **options)), name)

        yield open_page


def ready(seen, name: str):
    seen.page.wait_for_function(
        f"(n) => {VIEWS}.filter((root) => root.dataset.drawn).length === n",
        arg=len(asked(name)),
        timeout=60_000,
    )
    seen.page.evaluate(HELPERS)
    return seen


def call(seen, name: str, *arguments):
    return seen.page.evaluate(
        "([name, ...rest]) => window.quizzes[name](...rest)", [name, *arguments]
    )


def questions_of(page: str):
    return [q for key in asked(page) for q in ask("/".join(key)).questions]


# -------------------------------------------------------------------- the places


def test_every_quiz_stands_once_on_its_page():
    for page in ASKING:
        assert {owner for owner, _ in asked(page)} == {page}
        names = [name for _, name in asked(page)]
        assert sorted(names) == sorted(quizzes(page))


def test_the_pages_ask_more_than_thirty_questions(site):
    counts = [len(questions_of(page)) for page in ASKING]
    assert min(counts) >= 5
    assert sum(counts) >= 50


@pytest.mark.parametrize("page", ASKING)
def test_the_page_carries_the_code_of_its_quizzes_once(page, site):
    text = (site / "book" / f"{page}.html").read_text(encoding="utf-8")
    (state,) = re.findall(
        r'<script type="application/vnd.jupyter.widget-state\+json">(.*?)</script>',
        text,
        re.S,
    )
    models = [model["state"] for model in json.loads(state)["state"].values()]
    assert sum("cnn-quiz-view" in str(model.get("text")) for model in models) == 1
    quiz = [model for model in models if "_questions" in model]
    assert len(quiz) == len(asked(page))
    assert all(len(model["_esm"]) < 2_000 for model in quiz)


# ----------------------------------------------------------------- the judgement


@pytest.mark.parametrize("disk", [False, True], ids=["http", "file"])
@pytest.mark.parametrize("page", ASKING)
def test_each_mistake_is_named_and_the_right_answer_accepted(page, disk, opened, site):
    seen = opened(page, disk=disk)
    assert_named(seen)
    links = set()
    for i, question in enumerate(questions_of(page)):
        before = call(seen, "seen", i)
        assert not before["open"]
        assert not before["offered"]
        assert before["why"] == before["verdict"] == ""
        said = []
        for mistake in question.mistakes:
            after = call(seen, "answer", i, question.entered(mistake.answer))
            name, why = words(mistake.name), words(mistake.why)
            assert after["verdict"].startswith(f"✗ Not quite: {name}. {why} Read: ")
            assert after["state"] == "tried"
            assert not after["open"]
            links.add((*(mistake.see or question.see), after["link"]))
            said.append(after["verdict"])
        assert len(set(said)) == len(said)
        shown = call(seen, "show", i)
        assert shown["open"]
        assert "Answer: " in shown["why"]
        assert words(question.why) in shown["why"]
        call(seen, "show", i)
        partly_right(seen, i, question)
        after = call(seen, "answer", i, question.entered(question.answer))
        assert after["verdict"] == "✓ Right."
        assert after["state"] == "solved"
    assert seen.page.locator("input[aria-invalid=true]").count() == 0
    total = call(seen, "count")
    line = f"You have predicted {total} of {total} on this page; {total} right."
    assert set(call(seen, "lines")) == {line}
    for label, target, link in sorted(links):
        assert_leads_to(site, label, target, link)
    assert seen.troubles == []


def assert_named(seen) -> None:
    """Every field has a name, every verdict is announced, every id is unique."""
    unnamed = seen.page.evaluate(
        """() => [...document.querySelectorAll(".cnn-question input")]
          .filter((f) => !f.getAttribute("aria-label")
            && !f.labels[0]?.textContent.trim()).length"""
    )
    assert unnamed == 0
    questions = call(seen, "count")
    for part in ("fieldset > legend", ".cnn-verdict[role=status]"):
        assert seen.page.locator(f".cnn-question {part}").count() == questions
    ids = seen.page.evaluate("[...document.querySelectorAll('[id]')].map((n) => n.id)")
    ids = [name for name in ids if name.startswith("cnn-quiz")]
    assert len(set(ids)) == len(ids) == questions


def partly_right(seen, i: int, question) -> None:
    """Answer with one number wrong by a thousand: no mistake that has a name."""
    if question.kind not in {"shape", "cells"}:
        return
    wrong = json.loads(json.dumps(question.entered(question.answer)))
    if question.kind == "cells":
        wrong[0][0] += 1000
        cells = sum(len(row) for row in wrong)
        part = f"{cells - 1} of {cells} cells are right."
    else:
        wrong[0] += 1000
        part = f"Right so far: {', '.join(question.names[1:])}."
    after = call(seen, "answer", i, wrong)
    assert after["verdict"].startswith(f"✗ Not yet. {part} Read: ")
    assert seen.page.locator("input[aria-invalid=true]").count() == 1


def assert_leads_to(site, label: str, target: str, link: str) -> None:
    page, anchor = target.split("#")
    assert link.endswith(f"/{page}.html#{anchor}")
    text = (site / "book" / f"{page}.html").read_text(encoding="utf-8")
    places = [m.start() for m in re.finditer(rf'id="{re.escape(anchor)}"', text)]
    assert places, target
    headings = [
        (m.start(), plain_heading(m[2]))
        for m in re.finditer(
            r'<h([1-4])>((?:(?!</h).)*?)<a class="headerlink"', text, re.S
        )
    ]
    section = text.rfind("<", 0, places[0])
    if text.startswith("<section", section):
        under = next(heading for at, heading in headings if at > section)
    else:
        under = [heading for at, heading in headings if at < section][-1]
    assert under == label, target


def plain_heading(markup: str) -> str:
    without = re.sub(r'<span class="section-number">.*?</span>', "", markup)
    return html.unescape(re.sub(r"<[^>]+>", "", without)).strip()


def test_an_empty_or_unreadable_answer_is_no_try(opened):
    seen = opened("padding-and-stride")
    for i, question in enumerate(questions_of("padding-and-stride")):
        after = call(seen, "submit", i) or call(seen, "seen", i)
        assert after["verdict"].endswith("first.") or "first, for" in after["verdict"]
        assert after["state"] == "open"
        if question.kind == "number":
            assert "first" in call(seen, "answer", i, "about ten")["verdict"]
    assert "predicted 0 of" in call(seen, "lines")[0]
    assert call(seen, "kept") == []


@pytest.mark.parametrize("typed", ["3996001", "3,996,001", "3 996 001", "3.996001e6"])
def test_large_numbers_may_be_written_as_people_write_them(typed, opened):
    seen = opened("from-dense-to-convolution")
    place = [q.answer for q in questions_of("from-dense-to-convolution")].index(3996001)
    assert call(seen, "answer", place, typed)["verdict"] == "✓ Right."


# ------------------------------------------------------------------- by keyboard


def place_of(page: str, kind: str) -> int:
    return [question.kind for question in questions_of(page)].index(kind)


def typed_answer(page: str, kind: str, place: int) -> list[str]:
    question = questions_of(page)[place]
    value = question.entered(question.answer)
    if kind == "choice":
        return ["ArrowDown"] * (question.shuffled().index(value) + 1)
    flat = value if isinstance(value, list) else [value]
    return [str(v) for row in flat for v in (row if isinstance(row, list) else [row])]


@pytest.mark.parametrize("kind", ["number", "shape", "choice", "cells"])
def test_a_question_is_answered_and_explained_by_keyboard_alone(kind, opened):
    page = "padding-and-stride"
    seen, place = opened(page), place_of(page, kind)
    keys, board = typed_answer(page, kind, place), seen.page.keyboard
    item = seen.page.locator(".cnn-question").nth(place)
    item.locator("input").first.focus()
    if kind == "choice":
        # The first arrow key checks the second option, and so on around.
        options = item.locator("input").count()
        for key in keys[:-1] or ["ArrowDown"] * options:
            board.press(key)
    else:
        for i, text in enumerate(keys):
            if i:
                board.press("Tab")
            board.type(text)
    board.press("Enter")
    assert item.locator(".cnn-verdict").text_content() == "✓ Right."
    if item.locator(".cnn-check:focus").count() == 0:
        board.press("Tab")
    assert item.locator(".cnn-check:focus").count() == 1
    board.press("Tab")
    assert item.locator("button:focus").text_content() == "Show why"
    board.press("Enter")
    focused = item.locator("button:focus")
    assert focused.get_attribute("aria-expanded") == "true"
    assert item.locator(".cnn-why").is_visible()
    board.press("Enter")
    assert not item.locator(".cnn-why").is_visible()


def test_arrow_keys_lead_from_cell_to_cell(opened):
    page = "padding-and-stride"
    seen, place = opened(page), place_of(page, "cells")
    cells = seen.page.locator(".cnn-question").nth(place).locator("input")
    at = "() => document.activeElement.getAttribute('aria-label')"
    cells.first.focus()
    walked = []
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "ArrowUp"):
        seen.page.keyboard.press(key)
        walked.append(seen.page.evaluate(at))
    assert walked == [
        f"windows, row {r}, column {c}"
        for r, c in [(0, 1), (1, 1), (1, 0), (0, 0), (0, 0)]
    ]


# ---------------------------------------------------------------------- progress


def predict(seen, page: str, place: int, right: bool) -> None:
    question = questions_of(page)[place]
    answer = question.answer if right else question.mistakes[0].answer
    call(seen, "answer", place, question.entered(answer))


def test_progress_survives_a_reload_and_can_be_reset_by_page_and_altogether(
    opened, server
):
    one, two = "pooling", "channels"
    seen = opened(one)
    page = seen.page

    def go(name):
        page.goto(f"{server.url}/book/{name}.html")
        seen.settle()
        ready(seen, name)

    predict(seen, one, 0, right=True)
    predict(seen, one, 2, right=False)
    call(seen, "show", 2)
    total = len(questions_of(one))
    line = f"You have predicted 2 of {total} on this page; 1 right."
    assert set(call(seen, "lines")) == {line}
    before = [call(seen, "seen", i) for i in range(total)]
    go(two)
    assert "predicted 0 of" in call(seen, "lines")[0]
    predict(seen, two, 0, right=True)
    go(one)
    assert set(call(seen, "lines")) == {line}
    assert [call(seen, "seen", i) for i in range(total)] == before
    assert len(call(seen, "kept")) == 3

    page.locator(".cnn-progress summary").first.click()
    page.get_by_role("button", name="Reset this page").first.click()
    assert set(call(seen, "lines")) == {
        f"You have predicted 0 of {total} on this page; 0 right."
    }
    assert "Forgotten" in page.locator(".cnn-progress p").first.text_content()
    assert not call(seen, "seen", 2)["open"]
    assert call(seen, "seen", 2)["verdict"] == ""
    assert [key.split("/")[1] for key in call(seen, "kept")] == [two]
    go(two)
    assert "predicted 1 of" in call(seen, "lines")[0]
    page.locator(".cnn-progress summary").first.press("Enter")
    page.get_by_role("button", name="Reset all pages").first.press("Enter")
    assert "predicted 0 of" in call(seen, "lines")[0]
    assert call(seen, "kept") == []
    assert seen.troubles == []


def test_a_browser_that_keeps_nothing_still_asks_and_says_so(opened):
    seen = opened("pooling")
    seen.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', "
        "{ get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    seen.page.reload()
    seen.settle()
    ready(seen, "pooling")
    predict(seen, "pooling", 0, right=True)
    assert call(seen, "seen", 0)["verdict"] == "✓ Right."
    (line,) = set(call(seen, "lines"))
    assert "predicted 1 of" in line
    assert "does not let the page remember" in line


# ------------------------------------------------------------ looks and paper

RUN_AXE = """() => axe.run({include: [".cnn-quiz"]}, {resultTypes: ["violations"]})
  .then((found) => found.violations.flatMap((rule) => rule.nodes.map((node) =>
    `${rule.id} (${rule.impact}): ${node.target}: ${node.html.slice(0, 160)}`)))"""

TOO_WIDE = """() => [...document.querySelectorAll(".cnn-quiz")].flatMap((box) => {
  const right = box.getBoundingClientRect().right;
  return [...box.querySelectorAll("*")]
    .filter((node) => node.getClientRects().length && !node.closest("svg *")
      && node.getBoundingClientRect().right > right + 0.5)
    .map((node) => `${node.tagName}.${node.className}`);
})"""


@pytest.mark.parametrize("page", ASKING)
def test_quizzes_look_right_in_every_state_and_give_way_on_paper(page, opened):
    seen = opened(page)
    axe = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    seen.page.evaluate(axe.read_text(encoding="utf-8"))
    for i in range(call(seen, "count")):
        predict(seen, page, i, right=i % 3 == 0)
        if i % 2:
            call(seen, "show", i)
    seen.page.locator(".cnn-progress summary").first.click()
    for width, scheme in ((1280, "light"), (360, "dark")):
        seen.page.set_viewport_size({"width": width, "height": 900})
        seen.page.emulate_media(color_scheme=scheme)
        seen.page.wait_for_function(
            f"document.documentElement.dataset.theme === '{scheme}'"
        )
        assert seen.page.evaluate(RUN_AXE) == [], (width, scheme)
        assert seen.page.evaluate(TOO_WIDE) == []
        assert seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    paper = seen.page.locator(".cnn-quiz-print").all()
    assert len(paper) == len(asked(page))
    assert not any(one.is_visible() for one in paper)
    seen.page.emulate_media(media="print")
    assert all(one.is_visible() for one in paper)
    assert not any(box.is_visible() for box in seen.page.locator(".cnn-quiz").all())


@pytest.mark.parametrize("page", ASKING)
def test_without_scripts_every_question_can_be_read(page, server, browser):
    context = browser.new_context(java_script_enabled=False)
    opened_page = context.new_page()
    opened_page.goto(f"{server.url}/book/{page}.html")
    paper = opened_page.locator(".cnn-quiz-print")
    text = " ".join(one.inner_text() for one in paper.all())
    for question in questions_of(page):
        assert " ".join(words(question.ask).split()) in " ".join(text.split())
    for one in paper.all():
        turned = one.locator("p", has_text="Answers:")
        assert "rotate(180deg)" in turned.get_attribute("style")
    context.close()
