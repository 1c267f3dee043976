"""Training: the same numbers as a plain loop, honest bookkeeping, and good manners."""

import itertools
import math
import re
import warnings

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from course_lib import plotting, training
from course_lib.data import BatchLoader, FashionMNIST, fashion_mnist_sample
from course_lib.lenet import LeNet, init_xavier
from course_lib.training import (
    History,
    accuracy,
    evaluate_accuracy_gpu,
    train_ch6,
)

CPU = torch.device("cpu")


def points(n=64, *, seed=0):
    """Points of the plane whose class is the sign of their first coordinate."""
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, 2, generator=generator)
    return X, (X[:, 0] > 0).long()


def batches(count, size=16):
    """``count`` batches of such points, as a list of pairs."""
    return [points(size, seed=k) for k in range(count)]


def quietly(net, train, test, num_epochs=2, lr=0.5, device=CPU, **options):
    return train_ch6(net, train, test, num_epochs, lr, device, verbose=False, **options)


class NoLength:
    """An iterable of batches that does not say how many there are."""

    def __init__(self, pairs):
        self.pairs = pairs

    def __iter__(self):
        return iter(self.pairs)


# -- accuracy --------------------------------------------------------------------------

PREDICTIONS = {
    "scores": ([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]], [0, 2], 1.0),
    "all right": ([[0.9, 0.1], [0.1, 0.9]], [0, 1], 2.0),
    "class indices": ([2, 1, 0], [2, 1, 1], 2.0),
    "class indices as floats": ([2.0, 1.0], [2, 1], 2.0),
    "one column of class indices": ([[1], [0], [3]], [1, 1, 3], 2.0),
    "labels in a column": ([[0.9, 0.1], [0.1, 0.9]], [[0], [0]], 1.0),
}


@pytest.mark.parametrize("case", PREDICTIONS.values(), ids=PREDICTIONS.keys())
def test_accuracy_counts_right_predictions(case):
    y_hat, y, expected = case
    got = accuracy(torch.tensor(y_hat), torch.tensor(y))
    assert got == expected
    assert isinstance(got, float)


@pytest.mark.parametrize(
    ("y_hat", "y"), [((3, 10), (2,)), ((3,), (4,)), ((3, 1), (3, 3)), ((2, 3, 4), (2,))]
)
def test_accuracy_wants_one_prediction_per_label(y_hat, y):
    expected = re.escape(
        f"one prediction for each label, got predictions of shape {y_hat} "
        f"and labels of shape {y}"
    )
    with pytest.raises(ValueError, match=expected):
        accuracy(torch.zeros(y_hat), torch.zeros(y, dtype=torch.int64))


def test_evaluation_averages_over_examples_and_not_over_batches():
    right, wrong = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    data = [
        (right, torch.tensor([1])),
        (wrong.repeat(3, 1), torch.tensor([1, 1, 1])),
    ]
    assert evaluate_accuracy_gpu(nn.Identity(), data) == 0.25
    assert evaluate_accuracy_gpu(nn.Identity(), iter(data), "cpu") == 0.25


def test_evaluation_takes_lists_of_inputs_as_the_book_does():
    class Second(nn.Module):
        def forward(self, X):
            return X[1]

    X = [torch.zeros(2, 3), torch.eye(2)]
    assert evaluate_accuracy_gpu(Second(), [(X, torch.tensor([0, 1]))]) == 1.0


def test_evaluation_uses_evaluation_mode_and_no_gradients():
    seen = []

    class Spy(nn.Module):
        def forward(self, X):
            seen.append((self.training, torch.is_grad_enabled()))
            return X

    net = Spy()
    evaluate_accuracy_gpu(net, [(torch.eye(2), torch.tensor([0, 1]))])
    assert seen == [(False, False)]
    assert net.training


@pytest.mark.parametrize(
    "data", [[], iter(()), NoLength([])], ids=["empty list", "iterator", "no length"]
)
def test_evaluating_nothing_is_an_error(data):
    expected = "nothing to evaluate: data_iter yielded no examples. Is it an iterator"
    with pytest.raises(ValueError, match=expected):
        evaluate_accuracy_gpu(nn.Identity(), data)


# -- the same numbers as a plain loop --------------------------------------------------


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def threads(request):
    """How many threads train_ch6 may use."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def reference(net, loader, test, num_epochs, lr):
    """The book's loop with nothing clever in it, on one thread.

    (With two, torch's own convolution strays by more than ours from the curve that
    double precision gives.)
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return plain_loop(net, loader, test, num_epochs, lr)
    finally:
        torch.set_num_threads(before)


def plain_loop(net, loader, test, num_epochs, lr):
    net.apply(init_xavier)
    losses, accuracies, tests = [], [], []
    optimizer, loss = torch.optim.SGD(net.parameters(), lr=lr), nn.CrossEntropyLoss()
    for _ in range(num_epochs):
        total = right = n = 0.0
        net.train()
        for X, y in loader:
            optimizer.zero_grad()
            y_hat = net(X)
            batch_loss = loss(y_hat, y)
            batch_loss.backward()
            optimizer.step()
            total += batch_loss.item() * len(y)
            right += (y_hat.argmax(1) == y).sum().item()
            n += len(y)
        net.eval()
        with torch.no_grad():
            scores = [(net(X).argmax(1) == y).double() for X, y in test]
        losses.append(total / n)
        accuracies.append(right / n)
        tests.append(torch.cat(scores).mean().item())
    return losses, accuracies, tests


def relu_net():
    return nn.Sequential(
        nn.Conv2d(1, 4, 5),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.BatchNorm2d(4),
        nn.Flatten(),
        nn.Linear(144, 10),
    )


# Rounding differs between memory layouts, and training magnifies differences the faster
# the larger the steps: ReLU with large steps would be no test of ours.
@pytest.mark.parametrize(("build", "lr"), [(LeNet, 0.9), (relu_net, 0.02)])
def test_the_same_seed_gives_the_loss_curve_of_a_plain_loop(build, lr, threads):
    train = BatchLoader(fashion_mnist_sample("train"), 100, shuffle=True)
    test = BatchLoader(fashion_mnist_sample("test"), 256)
    torch.manual_seed(3)
    losses, accuracies, tests = reference(build(), train, test, 2, lr)
    torch.manual_seed(3)
    history = quietly(build(), train, test, 2, lr)
    assert history.train_loss == pytest.approx(losses, abs=1e-4)
    assert history.train_acc == pytest.approx(accuracies, abs=1e-3)
    assert history.test_acc == pytest.approx(tests, abs=2e-3)


def test_weights_and_their_layout_are_those_of_a_plain_loop(threads):
    train = BatchLoader(fashion_mnist_sample("train"), 500)
    nets = []
    for run in (reference, quietly):
        torch.manual_seed(1)
        nets.append(LeNet())
        run(nets[-1], train, train, 1, 0.9)
    for ours, theirs in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-4)
        assert ours.stride() == theirs.stride()


@pytest.mark.parametrize("whole", [True, False], ids=["at once", "one by one"])
def test_a_step_is_that_of_sgd(monkeypatch, whole):
    if not whole:
        monkeypatch.delattr(torch, "_foreach_add_")
    torch.manual_seed(0)
    nets = [nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)) for _ in range(2)]
    nets[1].load_state_dict(nets[0].state_dict())
    ours, theirs = (torch.optim.SGD(net.parameters(), lr=0.3) for net in nets)
    training._descend(ours)  # no parameter has a gradient yet
    for mine, its in zip(*(net.parameters() for net in nets), strict=True):
        if mine.ndim == 2:
            mine.grad = torch.randn_like(mine)
            its.grad = mine.grad.clone()
    training._descend(ours)
    theirs.step()
    for mine, its in zip(*(net.parameters() for net in nets), strict=True):
        assert torch.equal(mine, its)


def test_autocast_trains_the_ordinary_way(threads):
    train = BatchLoader(fashion_mnist_sample("train"), 256)
    nets = []
    for run in (reference, quietly):
        torch.manual_seed(1)
        nets.append(LeNet())
        with torch.autocast("cpu", dtype=torch.bfloat16):
            run(nets[-1], train, train, 1, 0.1)
    for ours, theirs in zip(*(net.parameters() for net in nets), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-2, rtol=1e-2)


# -- any loader ------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 11])
def test_any_number_of_batches_works(count):
    history = quietly(nn.Linear(2, 2), batches(count), batches(1), num_epochs=3)
    assert len(history.train_loss) == len(history.test_acc) == 3
    ends = [x for x, _, _ in history.running if x == int(x)]
    assert ends == [1.0, 2.0, 3.0], "each epoch's end is there once"
    xs = [x for x, _, _ in history.running]
    assert xs == sorted(set(xs))
    assert history.examples == 3 * count * 16


def test_the_running_means_have_about_five_points_per_epoch():
    history = quietly(nn.Linear(2, 2), batches(10), batches(1), num_epochs=1)
    assert [x for x, _, _ in history.running] == [0.2, 0.4, 0.6, 0.8, 1.0]
    last = history.running[-1]
    assert last[1:] == (history.train_loss[0], history.train_acc[0])


LOADERS = {
    "a list": lambda: batches(4),
    "a tuple": lambda: tuple(batches(4)),
    "no length": lambda: NoLength(batches(4)),
    "DataLoader": lambda: DataLoader(TensorDataset(*points(64)), batch_size=16),
}


@pytest.mark.parametrize("make", LOADERS.values(), ids=LOADERS.keys())
def test_any_iterable_of_batches_works(make):
    torch.manual_seed(0)
    history = quietly(nn.Linear(2, 2), make(), make(), num_epochs=10, lr=1.0)
    assert history.test_acc[-1] > 0.9
    assert history.examples == 640


@pytest.mark.parametrize("num_epochs", [0, -1])
def test_less_than_one_epoch_is_refused_before_anything_happens(capsys, num_epochs):
    net = nn.Linear(2, 2)
    weight = net.weight.detach().clone()
    with pytest.raises(ValueError, match=f"at least 1, got {num_epochs}"):
        train_ch6(net, batches(1), batches(1), num_epochs, 0.1, CPU)
    assert net.weight.equal(weight)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("train", "test", "name"), [(0, 1, "train_iter"), (1, 0, "test_iter")]
)
def test_an_empty_loader_is_refused_before_anything_happens(train, test, name):
    net = nn.Linear(2, 2)
    weight = net.weight.detach().clone()
    expected = f"{name} must have at least one batch, got none"
    with pytest.raises(ValueError, match=expected):
        quietly(net, batches(train), batches(test))
    assert net.weight.equal(weight)


def test_an_iterator_that_is_used_up_is_refused_and_the_mode_is_put_back():
    net = nn.Linear(2, 2).eval()
    expected = "nothing to train on: train_iter yielded no examples. Is it an iterator"
    with pytest.raises(ValueError, match=expected):
        quietly(net, iter(batches(2)), batches(1), num_epochs=2)
    assert not net.training


# -- manners ---------------------------------------------------------------------------


@pytest.mark.parametrize("modes", list(itertools.product([True, False], repeat=2)))
def test_every_part_of_the_net_is_left_in_the_mode_in_which_it_came(modes):
    net = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.1))
    net.training, net[1].training = modes
    quietly(net, batches(2), batches(1))
    evaluate_accuracy_gpu(net, batches(1))
    assert (net.training, net[1].training) == modes


def test_init_false_continues_and_init_true_starts_anew():
    torch.manual_seed(0)
    net = nn.Linear(2, 2)
    with torch.no_grad():
        net.weight.fill_(7.0)
    quietly(net, batches(1), batches(1), 1, 1e-9, init=False)
    torch.testing.assert_close(net.weight, torch.full((2, 2), 7.0))
    quietly(net, batches(1), batches(1), 1, 1e-9)
    assert net.weight.abs().max() <= (6 / 4) ** 0.5


def test_it_prints_what_the_outline_prints(capsys):
    history = train_ch6(nn.Linear(2, 2), batches(3), batches(1), 2, 0.1, CPU)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "training on cpu"
    assert lines[1] == (
        f"loss {history.train_loss[-1]:.3f}, train acc {history.train_acc[-1]:.3f}, "
        f"test acc {history.test_acc[-1]:.3f}"
    )
    assert lines[2] == f"{history.examples_per_sec:.1f} examples/sec on cpu"
    assert len(lines) == 3


def test_it_says_nothing_when_asked_to(capsys):
    quietly(nn.Linear(2, 2), batches(3), batches(1))
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


def test_examples_per_second_count_the_waiting_for_data_and_not_the_evaluation(
    monkeypatch,
):
    now = [0.0]
    monkeypatch.setattr("course_lib.meters.perf_counter", lambda: now[0])

    class Slow(NoLength):
        def __init__(self, pairs, seconds):
            super().__init__(pairs)
            self.seconds = seconds

        def __len__(self):
            return len(self.pairs)

        def __iter__(self):
            for pair in self.pairs:
                now[0] += self.seconds
                yield pair

    train, test = Slow(batches(10), 1.0), Slow(batches(2), 100.0)
    history = quietly(nn.Linear(2, 2), train, test, num_epochs=3)
    assert history.seconds == 30.0
    assert history.examples == 480
    assert history.examples_per_sec == 16.0


def test_our_own_loaders_data_are_moved_to_the_device_once(monkeypatch):
    moves = []
    to = BatchLoader.to

    def spy(self, device):
        moves.append(torch.device(device))
        return to(self, device)

    monkeypatch.setattr(BatchLoader, "to", spy)
    images = torch.zeros(8, 28, 28, dtype=torch.uint8)
    loader = BatchLoader(FashionMNIST(images, torch.zeros(8).long(), "a test"), 4)
    quietly(LeNet(), loader, loader, num_epochs=3)
    assert moves == [CPU, CPU]


def test_a_loss_that_stops_being_finite_is_recorded_and_warned_about_once():
    X, y = points(16)
    bad = [(X, y), (X * math.inf, y), (X, y)]
    with pytest.warns(RuntimeWarning, match="loss is nan after 0.7 epochs") as caught:
        history = quietly(nn.Linear(2, 2), bad, batches(1), num_epochs=3)
    assert len(caught) == 1
    assert "A smaller lr usually helps" in str(caught[0].message)
    assert all(math.isnan(loss) for loss in history.train_loss)
    assert math.isfinite(history.running[0][1])


class Viewer(nn.Module):
    """A student's net that relies on the usual memory layout."""

    def __init__(self):
        super().__init__()
        self.conv, self.dense = nn.Conv2d(1, 4, 5), nn.Linear(4 * 24 * 24, 10)

    def forward(self, X):
        X = self.conv(X)
        return self.dense(X.view(len(X), -1))


def test_nets_that_rely_on_the_usual_layout_keep_it():
    loader = BatchLoader(fashion_mnist_sample("test"), 500)
    history = quietly(Viewer(), loader, loader, num_epochs=1, lr=0.1)
    assert len(history.test_acc) == 1


def test_the_device_may_be_named_by_text():
    history = quietly(nn.Linear(2, 2), batches(1), batches(1), device="cpu")
    assert history.device == "cpu"


def test_a_net_without_parameters_is_evaluated_on_the_cpu():
    assert training._device_of(nn.Identity()) == CPU
    assert training._device_of(nn.BatchNorm1d(2, affine=False)) == CPU


# -- the history -----------------------------------------------------------------------


@pytest.fixture
def history():
    running = [(0.5, 2.3, 0.1), (1.0, 2.0, 0.25), (1.5, 1.2, 0.4), (2.0, 1.0, 0.5)]
    return History("cpu", [2.0, 1.0], [0.25, 0.5], [0.4, 0.6], 2.0, 4000, running)


def test_a_history_prints_as_a_table(history):
    assert str(history).splitlines() == [
        "epoch  train loss  train acc  test acc",
        "    1       2.000      0.250     0.400",
        "    2       1.000      0.500     0.600",
        "2000.0 examples/sec on cpu, 2.0 s of training",
    ]


def test_a_history_is_a_real_table_in_a_page(history):
    page = history._repr_html_()
    assert page.count("<tr>") == 3
    assert "<td>2</td><td>1.000</td><td>0.500</td><td>0.600</td>" in page
    assert '<th scope="col">train loss</th>' in page
    assert "<caption>2000.0 examples/sec on cpu, 2.0 s of training</caption>" in page


def test_the_first_epoch_is_not_clipped_and_the_labels_say_running_mean(history):
    ax = history.plot()
    assert ax.get_xlim() == (0.0, 2.0)
    labels = [line.get_label() for line in ax.lines]
    assert labels == [
        "train loss (running mean)",
        "train acc (running mean)",
        "test acc",
    ]
    assert list(ax.lines[0].get_xdata()) == [0.5, 1.0, 1.5, 2.0]
    assert list(ax.lines[2].get_ydata()) == [0.4, 0.6]


def test_a_history_draws_into_given_axes_and_an_empty_one_draws_too(history):
    _, ax = plotting.subplots()
    assert history.plot(ax) is ax
    empty = History("cpu")
    assert math.isnan(empty.examples_per_sec)
    assert len(empty.plot().lines) == 3


# -- live drawing ----------------------------------------------------------------------


def test_outside_a_notebook_nothing_is_drawn(monkeypatch):
    monkeypatch.setattr(plotting, "show", None)  # drawing would fail
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train_ch6(nn.Linear(2, 2), batches(2), batches(1), 1, 0.1, CPU)


def test_in_a_notebook_the_curves_grow_and_end_complete(monkeypatch):
    made = []

    class Recorder:
        def __init__(self, **options):
            self.options, self.points, self.finished = options, [], False
            made.append(self)

        def add(self, x, y):
            self.points.append((x, y))

        def finish(self):
            self.finished = True

    monkeypatch.setattr(plotting, "can_animate", lambda: True)
    monkeypatch.setattr(plotting, "Animator", Recorder)
    history = quietly(nn.Linear(2, 2), batches(10), batches(1), num_epochs=2)
    (animator,) = made
    assert animator.options["xlim"] == (0, 2)
    assert animator.options["legend"] == training._LEGEND
    assert animator.finished
    running = [(x, y[0], y[1]) for x, y in animator.points if y[0] is not None]
    assert running == history.running
    tests = [(x, y[2]) for x, y in animator.points if y[2] is not None]
    assert tests == list(enumerate(history.test_acc, start=1))

    made.clear()
    quietly(nn.Linear(2, 2), batches(1), batches(1), animate=False)
    assert made == []
