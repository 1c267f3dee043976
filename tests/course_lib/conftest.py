"""What the tests of course_lib share."""

import jaxtyping
import pytest


@pytest.fixture
def as_readers_see_it():
    """Switch the shape checker off, so that course_lib's own errors come through.

    The test command instruments course_lib: a wrong rank is then caught by the shape
    annotation before our code runs. Readers have no such checker; tests of the messages
    that readers get ask for this fixture.
    """
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
