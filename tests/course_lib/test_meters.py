"""Running sums and lap times."""

import pytest
import torch

from course_lib import meters
from course_lib.meters import Accumulator, Timer

checked = pytest.mark.usefixtures("as_readers_see_it")


def test_sums_grow_and_are_reset():
    metric = Accumulator(2)
    metric.add(1, 2.5)
    metric.add(torch.tensor(3.0, requires_grad=True), torch.tensor([4]))
    assert metric.data == [4.0, 6.5]
    assert (metric[0], metric[1], metric[-1], len(metric)) == (4.0, 6.5, 6.5, 2)
    assert all(type(value) is float for value in metric.data)
    assert repr(metric) == "Accumulator(4, 6.5)"
    metric.reset()
    assert metric.data == [0.0, 0.0]


@pytest.mark.parametrize("numbers", [(), (1,), (1, 2, 3)])
@checked
def test_a_different_count_of_numbers_is_refused_and_adds_nothing(numbers):
    metric = Accumulator(2)
    with pytest.raises(
        ValueError,
        match=r"^this Accumulator keeps 2 sums; add needs as many numbers, got "
        rf"{len(numbers)}$",
    ):
        metric.add(*numbers)
    assert metric.data == [0.0, 0.0]


@pytest.mark.parametrize("n", [0, -1])
@checked
def test_an_accumulator_without_sums_is_refused(n):
    with pytest.raises(
        ValueError, match=rf"^Accumulator needs at least one sum; got n={n}$"
    ):
        Accumulator(n)


@pytest.fixture
def clock(monkeypatch):
    times = iter([10.0, 11.0, 20.0, 22.0, 30.0, 36.0])
    monkeypatch.setattr(meters, "perf_counter", lambda: next(times))


@pytest.mark.usefixtures("clock")
def test_a_timer_keeps_its_laps():
    timer = Timer()  # starts at 10
    assert timer.stop() == 1
    timer.start()
    assert timer.stop() == 2
    timer.start()
    assert timer.stop() == 6
    assert timer.times == [1, 2, 6]
    assert timer.sum() == 9
    assert timer.avg() == 3
    assert timer.cumsum() == [1, 3, 9]


def test_a_timer_without_laps_has_no_mean():
    timer = Timer()
    assert timer.sum() == 0
    assert timer.cumsum() == []
    with pytest.raises(
        ValueError, match=r"^Timer has no lap to average; call stop\(\) first$"
    ):
        timer.avg()


def test_the_clock_never_runs_backwards():
    timer = Timer()
    assert timer.stop() >= 0
