"""Quizzes: what a question refuses, what is computed, what the page is told."""

import ast
import functools
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch

from course_lib.geometry import output_shape, output_size
from course_lib.widgets import Quiz, questions
from course_lib.widgets.questions import PAGES, ask, quizzes
from course_lib.widgets.quiz import Cells, Choice, Mistake, Number, Question, Shape

SEE = ("Padding", "padding-and-stride#padding")
KEYS = [f"{page}/{name}" for page in PAGES for name in quizzes(page)]


def number(**changes: Any) -> Number:
    settings: dict[str, Any] = {
        "ask": "How <em>wide</em>?",
        "answer": output_size(8, 3, padding=1),
        "mistakes": [Mistake("padding forgotten", output_size(8, 3), "Add 2.")],
        "why": "8 − 3 + 2 + 1",
        "see": SEE,
    }
    return Number(**{**settings, **changes})


def choice(**changes: Any) -> Choice:
    settings: dict[str, Any] = {
        "ask": "Odd?",
        "answer": 7 % 2 == 1,
        "options": {"yes": True, "no": False},
        "mistakes": [Mistake("counted from zero", False, "Odd numbers leave one.")],
        "why": "7 = 2·3 + 1",
        "see": SEE,
    }
    return Choice(**{**settings, **changes})


def grid(answer: Any, wrong: Any, **changes: Any) -> Cells:
    return Cells(
        ask="Fill in.",
        answer=answer,
        mistakes=[Mistake("flipped kernel", wrong, "It is used as it stands.")],
        why="Slide and add.",
        see=SEE,
        **changes,
    )


# ----------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mistakes": []}, "has no mistakes: name at least one wrong answer"),
        ({"see": ("Padding", "padding")}, "points to 'padding'; write \"page#anchor\""),
        ({"answer": (4, 4)}, r"asks for a number, not for \[4, 4\]"),
        ({"answer": True}, "asks for a number, not for True"),
        ({"answer": float("inf")}, "asks for a finite number, not for inf"),
        (
            {"mistakes": [Mistake("none", 8, "")]},
            "cannot tell 'none' from the right answer: both give 8",
        ),
        (
            {"mistakes": [Mistake("one", 7, ""), Mistake("two", 7, "")]},
            "cannot tell 'two' from 'one': both give 7",
        ),
        (
            {"tolerance": 1.0},
            "cannot tell 'padding forgotten' from the right answer: both give 8",
        ),
    ],
)
def test_a_number_that_cannot_be_judged_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^the question 'How wide.' {message}$"):
        number(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answer": 3}, "needs exactly one option for 3"),
        ({"options": {"yes": True, "no": False, "so": 2}}, "a mistake for the option"),
        ({"options": {"yes": True}}, "has a mistake that is no option"),
    ],
)
def test_a_choice_needs_one_right_option_and_a_mistake_for_each_other(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(
        ValueError, match=message.replace("a mistake for", "one mistake for")
    ):
        choice(**changes)


def test_a_shape_needs_a_whole_number_for_each_field() -> None:
    with pytest.raises(
        ValueError,
        match=r"asks for 2 whole numbers \(height, width\), not for \[1, 4, 4\]",
    ):
        Shape(
            ask="Size?",
            answer=output_shape((8, 8), 5),
            mistakes=[Mistake("a channel too many", (1, 4, 4), "")],
            why="",
            see=SEE,
        )


def test_a_grid_needs_rows_and_mistakes_of_its_size() -> None:
    with pytest.raises(ValueError, match="asks for rows of numbers, not for 3"):
        grid(3, 4)
    with pytest.raises(ValueError, match="has a mistake of another size"):
        grid([[1, 2]], [[1], [2]])


def test_a_quiz_needs_questions_a_key_and_different_wordings() -> None:
    with pytest.raises(ValueError, match="a quiz needs at least one question"):
        Quiz([], "page/idea")
    with pytest.raises(
        ValueError, match=r"""key is "page/idea", such as .*, not 'idea'"""
    ):
        Quiz([number()], "idea")
    with pytest.raises(ValueError, match="two questions of a quiz are worded alike"):
        Quiz([number(), number()], "page/idea")


def test_a_wrong_name_lists_the_quizzes_that_there_are() -> None:
    with pytest.raises(ValueError, match=r"no page 'pool'; there are .*pooling"):
        ask("pool/maximum")
    with pytest.raises(ValueError, match=r"pooling has no quiz 'max'; it has maximum"):
        ask("pooling/max")


# ------------------------------------------------------------ what the page gets


def test_tensors_reach_the_page_as_numbers() -> None:
    quiz = Quiz([grid(torch.tensor([[1, 2]]), torch.tensor([[2.0, 1.0]]))], "a/b")
    record = quiz.get_state()["_questions"][0]
    assert record["answer"] == [[1, 2]]
    assert record["mistakes"][0]["answer"] == [[2.0, 1.0]]
    assert "<td>1</td><td>2</td>" in record["shown"]


def test_the_order_of_choices_is_shuffled_and_never_changes() -> None:
    options = {word: word == "e" for word in "abcdefgh"}
    values = {word: i for i, word in enumerate(options)}
    made = Choice(
        ask="Which?",
        answer=values["e"],
        options=values,
        mistakes=[Mistake(word, i, "") for word, i in values.items() if word != "e"],
        why="",
        see=SEE,
    )
    assert made.shuffled() == ["g", "e", "a", "b", "d", "c", "h", "f"]
    assert made.record()["answer"] == "e"


def test_a_question_keeps_its_name_when_it_changes_its_place() -> None:
    one = Quiz([number(), choice()], "a/b").get_state()["_questions"]
    two = Quiz([choice(), number()], "a/b").get_state()["_questions"]
    assert [q["id"] for q in one] == [q["id"] for q in reversed(two)]
    assert one[0]["id"].startswith("a/b/")


def test_reset_forgets_what_was_entered() -> None:
    quiz = Quiz([number()], "a/b")
    quiz.answers, quiz.tries, quiz.solved, quiz.shown = [8], [2], [True], [True]
    quiz.reset()
    assert (quiz.answers, quiz.tries) == ([None], [0])
    assert (quiz.solved, quiz.shown) == ([False], [False])
    assert quiz.key == "a/b"


def test_on_paper_the_questions_come_first_and_the_answers_upside_down() -> None:
    quiz = Quiz([number(), choice(), grid([[1, 2]], [[2, 1]])], "a/b")
    text = quiz.fallback()
    assert text.startswith('<figure class="cnn-fallback cnn-quiz-print"')
    questions, answers = text.split("rotate(180deg)")
    assert "How <em>wide</em>?" in questions
    assert "<li>yes</li>" in questions
    assert "Answers: 1. 8" in answers
    letter = "ab"[choice().shuffled().index("yes")]
    assert f"2. ({letter})" in answers
    assert "3. 1, 2" in answers
    assert quiz.description() == "Predict: 1. How wide? 2. Odd? 3. Fill in."


# --------------------------------------------------------- the course's questions


@functools.cache
def made_by(key: str) -> tuple[Question, ...]:
    return ask(key).questions


def test_there_are_more_than_thirty_questions_of_every_kind() -> None:
    made = [question for key in KEYS for question in made_by(key)]
    assert len(made) >= 50
    for kind in (Number, Shape, Choice, Cells):
        assert sum(isinstance(question, kind) for question in made) >= 5
    assert all(question.mistakes for question in made)
    assert all(mistake.why for q in made for mistake in q.mistakes)


@pytest.mark.parametrize(
    "word",
    [
        "total taken for per side",
        "missing floor",
        "flipped kernel",
        "sum over channels forgotten",
        "transposed kernel",
        "height and width of the kernel exchanged",
        "forgotten bias",
        "stride ignored",
        "dilation taken for kernel size",
        "padding left out of the average",
        "zero in place of −∞ padding",
    ],
)
def test_the_known_misconceptions_are_named(word: str) -> None:
    names = {
        mistake.name for key in KEYS for q in made_by(key) for mistake in q.mistakes
    }
    assert any(name.startswith(word) for name in names)


def test_every_answer_right_or_wrong_is_computed_and_none_is_typed() -> None:
    folder = Path(inspect.getfile(questions)).parent
    typed, seen = [], 0
    for file in sorted(folder.glob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
                continue
            if call.func.id == "Mistake":
                value = call.args[1]
            elif call.func.id in {"Number", "Shape", "Choice", "Cells"}:
                value = next(k.value for k in call.keywords if k.arg == "answer")
            else:
                continue
            seen += 1
            names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
            of_choice = call.func.id == "Mistake" and is_option(value)
            if not names and not of_choice:
                typed.append(f"{file.name}:{call.lineno} {ast.unparse(value)}")
    assert seen > 150
    assert typed == []


def is_option(value: ast.expr) -> bool:
    """A mistake of a choice names its option by value; it is matched, not believed."""
    try:
        literal = ast.literal_eval(value)
    except ValueError:
        return False
    options = [
        option
        for key in KEYS
        for question in made_by(key)
        if isinstance(question, Choice)
        for option in question.options.values()
    ]
    return literal in options and not isinstance(literal, (int, float))
