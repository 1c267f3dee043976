"""The questions that the pages ask before they tell, one file for each page.

Every function makes the questions of one quiz. Right and wrong answers are computed
there, by the library or by torch, when the page runs; what is typed is the wording.
"""

import importlib
import inspect
from collections.abc import Callable

from ..quiz import Question, Quiz

PAGES = (
    "from-dense-to-convolution",
    "image-convolution",
    "padding-and-stride",
    "channels",
    "pooling",
    "lenet",
)


def quizzes(page: str) -> dict[str, Callable[[], list[Question]]]:
    """Return the functions that make the quizzes of a page, by name.

    >>> sorted(quizzes("channels"))[0]
    'cost'
    """
    if page not in PAGES:
        raise ValueError(f"no page {page!r}; there are {', '.join(PAGES)}")
    module = importlib.import_module(f"{__name__}.{page.replace('-', '_')}")
    return {
        name: make
        for name, make in vars(module).items()
        if inspect.isfunction(make)
        and make.__module__ == module.__name__
        and not name.startswith("_")
    }


def ask(key: str) -> Quiz:
    """Return the quiz ``"page/name"``, to be shown at the place where it teaches.

    Raises
    ------
    ValueError
        When there is no such page or quiz; the message lists those there are.

    Examples
    --------
    >>> ask("padding-and-stride/many_layers").questions[0].answer
    80
    """
    page, _, name = key.partition("/")
    made = quizzes(page)
    if name not in made:
        raise ValueError(f"{page} has no quiz {name!r}; it has {', '.join(made)}")
    return Quiz(made[name](), key)
