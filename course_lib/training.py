"""Training a classifier: the loop, its measurements, and what it remembers.

The loop is the one that the book prints. It differs in what it measures and in what it
leaves behind: sums stay on the device, so that nothing waits for a number that nobody
reads yet; examples per second count the waiting for data too; the result is a
:class:`History`; and the network is left in the mode, training or evaluation, in which
it came.
"""

import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from itertools import chain
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_lib._graph import Replay, Update
from course_lib._halving import halves, quick_halving
from course_lib._slices import Loss, Step, can_slice, sliced_batch, whole_batch
from course_lib.data import BatchLoader
from course_lib.lenet import init_xavier
from course_lib.meters import Timer

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from course_lib.plotting import Animator

Batches = Iterable[Sequence[Any]]  # of pairs X, y

_POINTS_PER_EPOCH = 5  # how often the running means are read within an epoch
_LEGEND = ["train loss (running mean)", "train acc (running mean)", "test acc"]


# -- measuring -------------------------------------------------------------------------


def _number_correct(y_hat: Tensor, y: Tensor) -> Tensor:
    """Count the right predictions, as a tensor on the device of ``y``."""
    given = tuple(y_hat.shape)
    if y_hat.ndim > 1 and y_hat.shape[1] > 1:
        y_hat = y_hat.argmax(dim=1)  # (N,)
    if y_hat.numel() != y.numel():
        raise ValueError(
            f"accuracy needs one prediction for each label, got predictions of shape "
            f"{given} and labels of shape {tuple(y.shape)}"
        )
    return (y_hat.reshape(y.shape).to(y.dtype) == y).sum()


def accuracy(y_hat: Tensor, y: Tensor) -> float:
    """Count the right predictions: a number of examples, not yet a fraction.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    y_hat
        Scores of shape ``(N, classes)``, of which the largest is the prediction; or the
        predicted classes themselves, of shape ``(N,)`` or ``(N, 1)``.
    y
        The right classes, integers, ``N`` of them.

    Raises
    ------
    ValueError
        When there is not one prediction for each label.

    Examples
    --------
    >>> y_hat = torch.tensor([[0.1, 0.3, 0.6], [0.3, 0.2, 0.5]])
    >>> accuracy(y_hat, torch.tensor([0, 2])) / 2
    0.5
    """
    return float(_number_correct(y_hat, y))


@contextmanager
def _mode(net: nn.Module, training: bool) -> Iterator[None]:
    """Put ``net`` into training or evaluation mode, and every part back afterwards."""
    before = [(module, module.training) for module in net.modules()]
    net.train(training)
    try:
        yield
    finally:
        for module, was_training in before:
            module.training = was_training


def _device_of(net: nn.Module) -> torch.device:
    """Where the parameters of ``net`` are; the CPU if it has none."""
    tensors = chain(net.parameters(), net.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def evaluate_accuracy_gpu(
    net: nn.Module,
    data_iter: Batches,
    device: torch.device | str | None = None,
) -> float:
    """Measure the fraction, 0 to 1, of all examples that ``net`` gets right.

    The network is evaluated in evaluation mode, without gradients, and left in the mode
    in which it came.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    net
        Maps a batch ``X`` to scores of shape ``(n, classes)``.
    data_iter
        Pairs ``X``, ``y``; ``X`` may be a list of tensors.
    device
        Where to compute; None means where the parameters of ``net`` are.

    Raises
    ------
    ValueError
        When ``data_iter`` has no examples.

    Examples
    --------
    >>> X, y = torch.eye(3), torch.tensor([0, 1, 0])
    >>> round(evaluate_accuracy_gpu(nn.Identity(), [(X, y)]), 3)
    0.667
    """
    device = torch.device(device) if device else _device_of(net)
    right, total = torch.zeros((), dtype=torch.int64, device=device), 0
    with _mode(net, training=False), torch.no_grad():
        for X, y in _on_device(data_iter, device):
            right += _number_correct(net(X), y)
            total += y.numel()
    if total == 0:
        raise ValueError(
            "there is nothing to evaluate: data_iter yielded no examples. Is it an "
            "iterator that was used up? Pass a loader that can be iterated again."
        )
    return float(right) / total


def _on_device(batches: Batches, device: torch.device) -> Iterator[tuple[Any, Tensor]]:
    """Yield the same batches on ``device``; copies overlap with work if they can."""
    for X, y in batches:
        if isinstance(X, list):
            X = [x.to(device, non_blocking=True) for x in X]
        else:
            X = X.to(device, non_blocking=True)
        yield X, y.to(device, non_blocking=True)


# -- remembering -----------------------------------------------------------------------


@dataclass
class History:
    """What a training run measured. It prints as a table, and ``plot`` draws it.

    Introduced in :doc:`/book/lenet`.

    Attributes
    ----------
    device
        Where it ran.
    train_loss
        Mean loss over each epoch, taken while the weights still changed.
    train_acc
        Fraction of right predictions in each epoch, likewise.
    test_acc
        Fraction right on the test data after each epoch.
    seconds
        Wall-clock time of training, waiting for data included; evaluation and drawing
        are not.
    examples
        How many examples were trained on, all epochs together.
    running
        ``(epochs, loss, accuracy)``: the running means within epochs, as they are
        drawn. Each starts anew with its epoch, hence the saw-tooth.

    Examples
    --------
    >>> history = History("cpu", [2.0, 1.0], [0.25, 0.5], [0.4, 0.6], 2.0, 4000)
    >>> history.examples_per_sec
    2000.0
    >>> print(history)
    epoch  train loss  train acc  test acc
        1       2.000      0.250     0.400
        2       1.000      0.500     0.600
    2000.0 examples/sec on cpu, 2.0 s of training
    """

    device: str
    train_loss: list[float] = field(default_factory=list)
    train_acc: list[float] = field(default_factory=list)
    test_acc: list[float] = field(default_factory=list)
    seconds: float = 0.0
    examples: int = 0
    running: list[tuple[float, float, float]] = field(default_factory=list)

    @property
    def examples_per_sec(self) -> float:
        """Examples trained on per second of :attr:`seconds`."""
        return self.examples / self.seconds if self.seconds else math.nan

    @property
    def summary(self) -> str:
        """The speed in one line."""
        return (
            f"{self.examples_per_sec:.1f} examples/sec on {self.device}, "
            f"{self.seconds:.1f} s of training"
        )

    def _rows(self) -> list[tuple[str, str, str, str]]:
        columns = zip(self.train_loss, self.train_acc, self.test_acc, strict=False)
        return [
            (str(epoch), *(f"{number:.3f}" for number in row))  # type: ignore[misc]
            for epoch, row in enumerate(columns, start=1)
        ]

    def __repr__(self) -> str:
        rows = [("epoch", "train loss", "train acc", "test acc"), *self._rows()]
        lines = [f"{a:>5}  {b:>10}  {c:>9}  {d:>8}" for a, b, c, d in rows]
        return "\n".join([*lines, self.summary])

    def _repr_html_(self) -> str:
        head = "".join(
            f'<th scope="col">{name}</th>'
            for name in ("epoch", "train loss", "train acc", "test acc")
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>"
            for row in self._rows()
        )
        return (
            f'<table class="cnn-history"><caption>{escape(self.summary)}</caption>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw loss and accuracies against epochs, from 0, into ``ax`` or a new figure.

        Returns the axes; ``course_lib.plotting.show`` turns them into a picture.
        """
        from course_lib.plotting import plot_curves

        epochs = list(range(1, len(self.test_acc) + 1))
        x, loss, acc = zip(*self.running, strict=True) if self.running else ((), (), ())
        curves = {
            _LEGEND[0]: (x, loss),
            _LEGEND[1]: (x, acc),
            _LEGEND[2]: (epochs, self.test_acc),
        }
        return plot_curves(
            curves, ax=ax, xlabel="epoch", xlim=(0, max(epochs, default=1))
        )


# -- training --------------------------------------------------------------------------


def train_ch6(
    net: nn.Module,
    train_iter: Batches,
    test_iter: Batches,
    num_epochs: int,
    lr: int | float,
    device: torch.device | str,
    *,
    init: bool = True,
    verbose: bool = True,
    animate: bool = True,
    graph: bool = False,
) -> History:
    """Train a classifier with plain SGD on the mean cross-entropy, as the book does.

    After each epoch the accuracy on ``test_iter`` is measured. A picture of the curves
    is kept up to date where one can be shown (a notebook), and left out elsewhere.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    net
        Maps a batch ``X`` to scores of shape ``(n, classes)``. Trained in place, moved
        to ``device``, and left in the mode, training or evaluation, in which it came.
    train_iter, test_iter
        Pairs ``X``, ``y`` of tensors, any number of batches, the same anew for every
        ``for``. The data of this library's loaders are moved to ``device`` once.
    num_epochs
        At least 1.
    lr
        Learning rate, above 0; the course uses 0.9 for LeNet with sigmoids.
    device
        Such as ``try_gpu()``.
    init
        Start from new Xavier weights; False goes on from the weights as they are.
    verbose
        Print the device first, and the last epoch's results and the speed at the end.
    animate
        Draw while training.
    graph
        Record the step once as a CUDA graph and replay it for every batch of the same
        shape, so that a GPU need not wait for Python. The network's Python code then
        runs for the first batches only, and must not ask the device for a number.
        Needs a CUDA device; elsewhere a warning says so and training goes on without.

    Returns
    -------
    History
        Its examples per second count wall-clock time from asking for the first batch of
        an epoch to the end of its last step, data loading included. Evaluation on
        ``test_iter`` and drawing do not count.

    Raises
    ------
    ValueError
        When ``num_epochs`` is below 1, or a loader yields no examples.

    Warns
    -----
    RuntimeWarning
        Once, when the loss is no longer a finite number; the history shows it.
    UserWarning
        When ``graph`` is asked for on a device that is not CUDA.

    Examples
    --------
    >>> _ = torch.manual_seed(0)
    >>> X = torch.randn(64, 2)
    >>> batches = [(X, (X[:, 0] > 0).long())]
    >>> net = nn.Linear(2, 2)
    >>> history = train_ch6(net, batches, batches, 20, 1.0, "cpu", verbose=False)
    >>> history.test_acc[-1] > 0.9
    True
    """
    device = torch.device(device)
    _check_run(train_iter, test_iter, num_epochs)
    do = _replaying(device) if graph else _plainly
    train_iter, test_iter = _resident(train_iter, device), _resident(test_iter, device)
    if init:
        net.apply(init_xavier)
    if verbose:
        print("training on", device)
    net.to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    history = History(str(device))
    means = _RunningMeans(device)
    animator = _animator(num_epochs) if animate else None
    with _quick_on_cpu(net, device):
        for epoch in range(num_epochs):
            _train_epoch(
                net, train_iter, optimizer, device, do, means, history, animator
            )
            test_acc = evaluate_accuracy_gpu(net, test_iter, device)
            history.test_acc.append(test_acc)
            if animator is not None:
                animator.add(epoch + 1, (None, None, test_acc))
    if animator is not None:
        animator.finish()
    if verbose:
        print(
            f"loss {history.train_loss[-1]:.3f}, "
            f"train acc {history.train_acc[-1]:.3f}, "
            f"test acc {history.test_acc[-1]:.3f}"
        )
        print(f"{history.examples_per_sec:.1f} examples/sec on {device}")
    return history


def _train_epoch(
    net: nn.Module,
    train_iter: Batches,
    optimizer: torch.optim.SGD,
    device: torch.device,
    do: Callable[[Update, Tensor, Tensor], None],
    means: "_RunningMeans",
    history: History,
    animator: "Animator | None",
) -> None:
    """Go once through ``train_iter`` and add what was measured to ``history``."""
    epoch = len(history.train_loss)
    loss = nn.CrossEntropyLoss()
    means.begin()
    num_batches = len(train_iter) if isinstance(train_iter, Sized) else 0
    every = max(1, num_batches // _POINTS_PER_EPOCH)
    timer = Timer()
    with _mode(net, training=True), _gradient(net, loss, device) as gradient:

        def update(X: Tensor, y: Tensor) -> None:
            l, y_hat = gradient(X, y)  # noqa: E741
            _descend(optimizer)
            means.add(l, y_hat, y)

        for i, (X, y) in enumerate(_on_device(train_iter, device), start=1):
            do(update, X, y)
            means.examples += len(y)
            if i % every == 0 and i < num_batches:
                loss_so_far, acc_so_far = means.read()
                timer.stop()
                x = epoch + i / num_batches
                _record(x, loss_so_far, acc_so_far, history, animator)
                timer.start()
    train_loss, train_acc = means.read()  # waits until the device has finished
    timer.stop()
    history.seconds += timer.sum()
    history.examples += means.examples
    _record(epoch + 1.0, train_loss, train_acc, history, animator)
    history.train_loss.append(train_loss)
    history.train_acc.append(train_acc)


@torch.no_grad()
def _descend(optimizer: torch.optim.SGD) -> None:
    """Take the step of plain SGD.

    ``optimizer.step()`` does the same, but around its one call for all parameters it
    looks after momentum, schedules and hooks, of which there are none here.
    """
    if not hasattr(torch, "_foreach_add_"):  # it is private
        optimizer.step()
        return
    for group in optimizer.param_groups:
        learnt = [p for p in group["params"] if p.grad is not None]
        if learnt:
            slopes = [p.grad for p in learnt]
            torch._foreach_add_(learnt, slopes, alpha=-group["lr"])


def _plainly(update: Update, X: Tensor, y: Tensor) -> None:
    """Do an update as it is."""
    update(X, y)


def _replaying(device: torch.device) -> Callable[[Update, Tensor, Tensor], None]:
    """Do updates by replaying the first ones, if ``device`` can."""
    if device.type == "cuda":
        return Replay()
    warnings.warn(
        f"graph=True records the step as a CUDA graph, and the device is {device}: "
        "training goes on without. Pass graph=True only with a CUDA device, such as "
        "try_gpu() gives where there is one.",
        stacklevel=3,
    )
    return _plainly


@contextmanager
def _gradient(net: nn.Module, loss: Loss, device: torch.device) -> Iterator[Step]:
    """Choose how to get a batch's gradient: on a CPU's cores in slices, if we may."""
    cores = torch.get_num_threads()
    # autocast, which changes types on the way, is known to this thread and torch only.
    plain = not torch.is_autocast_enabled("cpu")
    if device.type == "cpu" and cores > 1 and plain and can_slice(net):
        with sliced_batch(net, loss, cores) as step:
            yield step
    else:
        yield whole_batch(net, loss)


class _RunningMeans:
    """Loss and accuracy, averaged over the examples so far, summed on the device.

    Asking the device for a number makes Python wait until everything before it is done.
    So ``add`` never asks, and ``read``, called a few times per epoch, does.
    """

    def __init__(self, device: torch.device) -> None:
        dtype = torch.float32 if device.type == "mps" else torch.float64
        # Of losses and of right predictions. A CUDA graph adds to it: it stays.
        self.sums = torch.zeros(2, dtype=dtype, device=device)
        self.loss, self.right = self.sums  # views
        self.examples = 0

    def begin(self) -> None:
        self.sums.zero_()
        self.examples = 0

    @torch.no_grad()
    def add(self, l: Tensor, y_hat: Tensor, y: Tensor) -> None:  # noqa: E741
        self.loss.add_(l, alpha=len(y))
        self.right.add_(_number_correct(y_hat, y))

    def read(self) -> tuple[float, float]:
        if self.examples == 0:
            raise ValueError(
                "there is nothing to train on: train_iter yielded no examples. Is it "
                "an iterator that was used up? Pass a loader that can be iterated "
                "again."
            )
        loss, right = self.sums.tolist()
        return loss / self.examples, right / self.examples


def _record(
    x: float,
    loss: float,
    acc: float,
    history: History,
    animator: "Animator | None",
) -> None:
    """Keep one point of the running means, and draw it."""
    if not math.isfinite(loss) and all(math.isfinite(p[1]) for p in history.running):
        warnings.warn(
            f"the training loss is {loss} after {x:.1f} epochs: training has diverged. "
            "A smaller lr usually helps.",
            RuntimeWarning,
            stacklevel=4,
        )
    history.running.append((x, loss, acc))
    if animator is not None:
        animator.add(x, (loss, acc, None))


def _check_run(train_iter: Batches, test_iter: Batches, num_epochs: int) -> None:
    """Refuse before any work what could not give a result."""
    if num_epochs < 1:
        raise ValueError(f"num_epochs must be at least 1, got {num_epochs}")
    for name, batches in (("train_iter", train_iter), ("test_iter", test_iter)):
        if isinstance(batches, Sized) and len(batches) == 0:
            raise ValueError(f"{name} must have at least one batch, got none")


def _resident(batches: Batches, device: torch.device) -> Batches:
    """Give the same batches from data that lie on ``device``, if we can bring them."""
    return batches.to(device) if isinstance(batches, BatchLoader) else batches


@contextmanager
def _quick_on_cpu(net: nn.Module, device: torch.device) -> Iterator[None]:
    """Let a CPU train ``net`` in its quickest way; put everything back afterwards.

    Average pooling that halves has a quick twin for the usual layout. Other networks
    keep images channels-last, which oneDNN convolves faster. Only networks made of
    torch's own layers are touched: a module of yours may count on the layout, as code
    that calls ``view`` does. The numbers stay the same up to rounding.
    """
    known = all(type(m).__module__.startswith("torch.nn.") for m in net.modules())
    if device.type != "cpu" or not known:
        yield
    elif any(halves(module) for module in net.modules()):
        with quick_halving(net):
            yield
    else:
        net.to(memory_format=torch.channels_last)
        try:
            yield
        finally:
            net.to(memory_format=torch.contiguous_format)


def _animator(num_epochs: int) -> "Animator | None":
    """Make a live picture of the curves, where there is a notebook to show it."""
    from course_lib.plotting import Animator, can_animate

    if not can_animate():
        return None
    return Animator(
        xlabel="epoch", xlim=(0, num_epochs), legend=_LEGEND, figsize=(5.6, 3.2)
    )
