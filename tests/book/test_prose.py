"""The check of the prose finds what it should, and finds nothing in the book."""

import textwrap

import check_prose
import pytest
from check_prose import GAP


@pytest.fixture(scope="module")
def speller():
    return check_prose.Speller()


def seen(text):
    return " ".join(check_prose.prose(textwrap.dedent(text)).replace(GAP, " ").split())


def test_the_book_and_the_readme_pass():
    assert [str(finding) for finding in check_prose.findings()] == []


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("---\nkernelspec: x\n---\nText.", "Text."),
        (
            "A `code`, $x_i$, {doc}`page` and {doc}`this one <page>`.",
            "A , , and this one .",
        ),
        ("```{code-cell} python3\ncode\n```\nText.", "Text."),
        ("```{admonition} A title\n:class: note\n\nText.\n```", "A title Text."),
        ("```{exercise} Title\n:label: ex-a\n\nA task.\n```", "A task."),
        (":::{dropdown} Hint\nText.\n:::", "Text."),
        ("````markdown\n```text\nx\n```\n````\nText.", "Text."),
        ("$$\nx\n$$ (eq-x)\nText.", "(eq-x) Text."),
        ("8<!-- = 4 + 4 --> of them", "8 of them"),
        ("% comment\nText [shown](http://x.y).", "Text [shown ."),
    ],
)
def test_only_prose_is_read(text, kept):
    assert seen(text).split() == kept.split()


def test_lines_keep_their_numbers():
    text = "one\n\n```python\ncode\n```\n\nlast"
    lines = check_prose.prose(text).split("\n")
    assert len(lines) == 7
    assert lines[6] == "last"


@pytest.mark.parametrize(
    ("word", "known"),
    [
        ("colour", True),
        ("color", False),
        ("neighbour", True),
        ("neighbor", False),
        ("LeNet", True),
        ("LeNet’s", True),
        ("convolutional", True),
        ("kernnel", False),
        ("sigmoids", True),
    ],
)
def test_the_dictionary_is_british_and_knows_our_words(word, known, speller):
    assert speller.knows(word) is known


def test_a_misspelt_word_is_reported_with_its_line(speller):
    found = list(check_prose.misspelt("fine\nnot fien", speller))
    assert found == [(2, "spelling: 'fien' (or add it to tools/prose)")]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("this is is wrong", [1]),
        ("The end of the\nthe line", [1]),
        ("kernels\n\nkernels", []),
        (f"the {GAP} the", []),
        ("a a", []),
    ],
)
def test_a_word_twice_in_a_row_is_found_across_lines_but_not_paragraphs(text, lines):
    assert [line for line, _ in check_prose.repeated(text)] == lines


def test_our_word_lists_hold_no_word_twice_and_none_that_the_dictionary_knows(speller):
    ours = check_prose.words("words")
    assert len(ours) == len(set(ours))
    needless = [word for word in ours if speller.dictionary.lookup(word)]
    assert needless == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a *kernel* slides", []),
        ("two *Feature maps*.", []),
        ("a *dense* one", []),
        ("it does *not*", []),
        ("a *wavelet* basis", [1]),
        ("first\n**sub-sampling** now", [2]),
        ("*a whole statement in italics* is no term", []),
    ],
)
def test_an_emphasised_word_is_a_term_or_stressed_on_purpose(text, found):
    terms, stress = {"kernel", "feature map", "dense layer"}, {"not"}
    lines = [line for line, _ in check_prose.undefined(text, terms, stress)]
    assert lines == found


def glossary(*lines):
    text = "\n".join(["```{glossary}", *lines, "```"])
    return [message for _, message in check_prose.vague(check_prose.glossary(text))]


SENTENCE = "  The weights that slide ({secnum}`pooling`)."


def test_a_glossary_entry_is_one_sentence_with_a_place_and_a_chinese_name():
    assert glossary("kernel", "卷积核", SENTENCE) == []
    assert "no Chinese name" in glossary("some kernel", SENTENCE)[0]
    assert "section in parentheses" in glossary("kernel", "卷积核", "  Weights.")[0]
    assert (
        "more than one" in glossary("kernel", "核", "  It. Is ({secnum}`pooling`).")[0]
    )
    assert "does not occur" in glossary("wavelet", "小波", SENTENCE)[0]


def test_a_figure_that_no_text_refers_to_is_reported():
    page = check_prose.ROOT / "page.md"
    cell = "```{code-cell}\n---\nmystnb:\n  figure:\n    name: fig-a\n---\nx\n```\n"
    (finding,) = check_prose.unreferenced({page: cell})
    assert (finding.line, finding.message) == (5, "no text refers to fig-a")
    assert list(check_prose.unreferenced({page: cell + "See {numref}`fig-a`."})) == []


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        ('```{code-cell}\nshow(fig, alt="x")\n```', 0),
        ("```{code-cell}\nshow(fig)\n```", 1),
        ("```{figure} a.svg\n:alt: x\n```", 0),
        ("```{figure} a.svg\n```", 1),
        ("```{flow}\na -> b\n```", 1),
        ("![](a.svg)", 1),
        ("![An edge](a.svg)", 0),
        ("```{raw} html\n<svg></svg>\n```", 1),
    ],
)
def test_a_picture_without_a_text_alternative_is_reported(text, complaints):
    assert len(list(check_prose.unnamed(text))) == complaints


def test_captions_and_alternatives_inside_cells_are_read_too():
    cell = (
        "Text.\n\n```{code-cell}\n---\ntags: [a]\nmystnb:\n  figure:\n    caption: |\n"
        '      Some words.\n---\nshow(f, alt="Others "\n     "here")\n```\n'
    )
    found = [(line, text.strip()) for line, text in check_prose.captions(cell)]
    assert found == [(9, "Some words."), (11, "Others here")]
