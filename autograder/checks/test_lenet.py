"""Hidden checks of the assignment lenet.

The network is compared with LeNet by its parameters and, with the same weights, by its
scores. Evaluation and training are compared with a reference on tiny networks: weights
after a step and after epochs, the mode at each pass, the numbers that come back; never
by an accuracy threshold. The reference can make the known mistakes too, so that a hint
fits what was really done. Only what the task text states is worth points.
"""

import re
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch.nn import functional as F

from autograder.checking import (
    Batches,
    Case,
    CheckFailed,
    Net,
    events_of,
    expect,
    expect_close,
    expect_not_named,
    expect_same_weights,
    fail,
    other_weights,
    reference,
)
from autograder.probes import NetState
from autograder.student import StudentError

NETWORK = "Section 6.6.1: lenet.html#lenet-architecture."
TRAINING = "Section 6.6.2: lenet.html#model-training."
TEETH = "Section 6.6.2: lenet.html#why-the-curve-has-teeth."

OFF_LIMITS = ["course_lib", "d2l"]
OWN = f"Use PyTorch, and write this function yourself. {TRAINING}"
CPU = torch.device("cpu")

# --- lenet ----------------------------------------------------------------------------

SHAPES = [
    *((6, 1, 5, 5), (6,), (16, 6, 5, 5), (16,)),
    *((120, 400), (120,), (84, 120), (84,), (10, 84), (10,)),
]
LAYERS = [
    "the first convolution",
    "the second convolution",
    "the first dense layer",
    "the second dense layer",
    "the last dense layer",
]


def scores(X, weights, *, squash=torch.sigmoid, pool=F.avg_pool2d, last=None, skip=()):
    """Compute LeNet's scores, or those of a LeNet with something else in a place."""
    w = list(weights)

    def activated(X, place):
        return X if place in skip else squash(X)

    X = pool(activated(F.conv2d(X, w[0], w[1], padding=2), 0), 2)  # (N, 6, 14, 14)
    X = pool(activated(F.conv2d(X, w[2], w[3]), 1), 2)  # (N, 16, 5, 5)
    X = activated(F.linear(X.flatten(1), w[4], w[5]), 2)  # (N, 120)
    X = activated(F.linear(X, w[6], w[7]), 3)  # (N, 84)
    X = F.linear(X, w[8], w[9])  # (N, 10)
    return X if last is None else last(X)


SOFTMAX = (
    "There is a softmax after the last layer. The loss has one of its own and takes "
    f"raw scores. {NETWORK}"
)
OTHER_SQUASH = f"The activation is not the sigmoid that the table names. {NETWORK}"
MAX_POOLING = f"The pooling takes maxima; LeNet's takes averages. {NETWORK}"
LAST_SQUASHED = f"Nothing comes after the last dense layer. {NETWORK}"
NO_SQUASH = f"A sigmoid is missing. {NETWORK}"

SCORE_SLIPS: dict = {
    MAX_POOLING: [{"pool": F.max_pool2d}],
    OTHER_SQUASH: [{"squash": f} for f in (F.relu, torch.tanh, F.leaky_relu, F.gelu)],
    SOFTMAX: [{"last": partial(f, dim=1)} for f in (F.softmax, F.log_softmax)],
    LAST_SQUASHED: [{"last": f} for f in (torch.sigmoid, F.relu, torch.tanh)],
    NO_SQUASH: [
        *({"skip": (place,)} for place in range(4)),
        *({"skip": places} for places in ((0, 1), (2, 3), (0, 1, 2, 3))),
    ],
}


def equal(a, b):
    """Tell whether two tensors of the student's have the same numbers."""
    return a.dtype == b.dtype and torch.equal(a, b)  # which raises for some dtypes


def parameters(network):
    """Return the student's parameters by name, in order."""
    state = network.state_dict()
    return {str(n): w for n, w in state.items() if isinstance(w, torch.Tensor)}


def why_other_parameters(shapes):
    """Name the first layer whose parameters are not LeNet's."""
    if not any(len(s) == 1 for s in shapes) or len(shapes) < len(SHAPES):
        with_bias = [s for s in SHAPES if len(s) > 1]
        if [s for s in shapes if len(s) > 1] == with_bias:
            return f"Biases are missing. Each of the five layers has one. {NETWORK}"
    if len(shapes) > len(SHAPES):
        return (
            "There are parameters or buffers that LeNet does not have: another layer, "
            f"a batch normalisation? {NETWORK}"
        )
    if len(shapes) < len(SHAPES):
        return f"A layer is missing. {NETWORK}"
    for number, (got, wanted) in enumerate(zip(shapes, SHAPES, strict=False)):
        if got != wanted:
            return (
                f"Look at {LAYERS[number // 2]}: {_difference(got, wanted)} {NETWORK}"
            )
    return f"A layer is missing. {NETWORK}"


def _difference(got, wanted):
    if len(got) != len(wanted):
        return "it is of another kind."
    if got[2:] != wanted[2:]:
        return "its kernel has another size."
    if got[0] != wanted[0]:
        return "it has another number of outputs."
    return "it has another number of inputs."


@pytest.mark.points(0)
def test_lenet_is_your_own_work(student):
    """You built the network yourself, without course_lib."""
    expect_not_named(student, OFF_LIMITS, within="lenet", hint=OWN)


@pytest.mark.points(1)
@pytest.mark.depends("test_lenet_is_your_own_work")
@pytest.mark.hint(
    "Follow an image through the table: if a shape is another, look at the layer "
    f"before it. {NETWORK}"
)
def test_lenet_takes_images_to_ten_scores(student):
    """Images of shape (N, 1, 28, 28) become scores of shape (N, 10)."""
    for part, count in enumerate(COUNTS):
        shape = tuple(student.once(networks, part).shape)
        expect(
            shape == (count, 10),
            f"The scores of {count} images have shape {shape}; ({count}, 10) is "
            "expected.",
        )


@dataclass
class Networks:
    """What two calls of lenet() gave: weights as drawn, scores for given ones."""

    weights: list[torch.Tensor]  # of the first one
    others: list[torch.Tensor]  # of the second one
    zeroed: list[torch.Tensor]  # of the second one, when the first one's are all zero
    given: list[torch.Tensor]
    X: torch.Tensor
    scores: torch.Tensor | None = None


COUNTS = (1, 3)
PAIR = len(COUNTS)  # the part of the question that comes after them


def networks(student, draw):
    """Use a network on one image, and another on three; then look at a pair."""
    for count in COUNTS:
        network = student.new("lenet", seed=draw.seed() % 2**31)
        yield network.call(draw.uniform(count, 1, 28, 28))
    yield pair(student, draw)


def pair(student, draw):
    """Make two networks, and use them if their parameters are LeNet's."""
    first = student.new("lenet", seed=1)
    weights = parameters(first)
    if [tuple(w.shape) for w in weights.values()] != SHAPES:
        return Networks(list(weights.values()), [], [], [], torch.empty(0))
    second = student.new("lenet", seed=2)
    others = list(parameters(second).values())
    first.load_state_dict({name: torch.zeros_like(w) for name, w in weights.items()})
    zeroed = list(parameters(second).values())
    X = draw.normal(3, 1, 28, 28)
    given = [
        draw.normal(*s) * (3 / s[-1] ** 0.5 if len(s) == 2 else 0.4) for s in SHAPES
    ]
    first.load_state_dict(dict(zip(weights, given, strict=True)))
    made = list(weights.values()), others, zeroed
    return Networks(*made, given, X, first.call(X))


@pytest.mark.points(3)
@pytest.mark.depends("test_lenet_takes_images_to_ten_scores")
def test_lenet_has_the_parameters_of_the_table(student):
    """The parameters are those of LeNet's five layers, in the order of the table."""
    found = [tuple(w.shape) for w in student.once(networks, PAIR).weights]
    if found != SHAPES:
        fail(
            "The shapes of the parameters, in order, are not LeNet's.",
            why_other_parameters(found),
        )


@pytest.mark.points(3)
@pytest.mark.depends("test_lenet_has_the_parameters_of_the_table")
def test_lenet_computes_the_scores_of_lenet(student):
    """With the same weights, the network gives the same scores as LeNet."""
    made = student.once(networks, PAIR)
    expect_close(
        made.scores,
        scores(made.X, made.given),
        rtol=1e-3,
        atol=1e-4,
        hint=f"The parameters are right; look at what comes between them. {NETWORK}",
        mistakes={
            hint: [partial(scores, made.X, made.given, **slip) for slip in slips]
            for hint, slips in SCORE_SLIPS.items()
        },
    )


@pytest.mark.points(1)
@pytest.mark.depends("test_lenet_has_the_parameters_of_the_table")
def test_lenet_returns_a_new_network_each_time(student):
    """Each call returns a network of its own, with weights drawn at random."""
    made = student.once(networks, PAIR)
    expect(
        len(made.weights) == len(made.others) == len(made.zeroed),
        "The second network has other parameters than the first.",
        f"Each call builds the network of the table. {NETWORK}",
    )
    alike = [
        a.ndim > 1 and equal(a, b)
        for a, b in zip(made.weights, made.others, strict=True)
    ]
    expect(
        not any(alike),
        "Two networks have the same weights.",
        "Make the layers inside the function, and do not fix the seed or the weights: "
        "equal weights in a layer learn the same thing.",
    )
    for old, new in zip(made.others, made.zeroed, strict=True):
        expect(
            equal(old, new),
            "Changing one network changes another.",
            "Make all layers inside the function, so that each network has its own.",
        )


# --- evaluate_accuracy_gpu ------------------------------------------------------------

MLP = [("Flatten",), ("Linear", 16, 8), ("Tanh",), ("Linear", 8, 3)]
NORMALISED = [
    *(("Flatten",), ("Linear", 16, 8), ("BatchNorm1d", 8), ("Tanh",)),
    ("Linear", 8, 3),
]

BATCH_MEAN = (
    "The mean of the batches' accuracies is not the accuracy: a small last batch would "
    "count as much as a large one. Add up the right ones and the examples. "
    f"{TRAINING}"
)
COUNTED = (
    f"This is the number of right ones; divide by the number of examples. {TRAINING}"
)
PERCENT = "The fraction is asked for, from 0 to 1, not per cent."
ERROR_RATE = "This is the fraction of wrong ones; the right ones are asked for."
WRONG_AXIS = (
    "argmax goes along the wrong axis: the scores of one example stand in a row, so "
    f"the axis is dim=1. {TRAINING}"
)
LAST_BATCH = "Only the last batch counts. Are the sums set to zero for each batch?"
FIRST_BATCH = "Only the first batch counts. Does return stand inside the loop?"
PER_BATCH = "This divides by the number of batches instead of examples."
SMALLEST_SCORE = "The smallest score is taken for the prediction, not the largest."
NO_EVAL = (
    "The network is evaluated in training mode: batch normalisation then uses this "
    f"batch's mean, and dropout drops. Call net.eval() before the loop. {TRAINING}"
)
ONLY_LOOKS = (
    "Evaluation only looks: no backward(), no step(), no zero_grad(), and nothing that "
    "changes the network's parameters or buffers."
)
NO_NO_GRAD = (
    "Gradients are recorded during evaluation, which costs memory for nothing: put the "
    f"loop into with torch.no_grad(). {TRAINING}"
)


def with_averages(draw, **options):
    """Make a network with batch normalisation that has seen data before."""
    net = Net(NORMALISED, seed=draw.seed(), **options)
    net.weights["2.running_mean"] = draw.normal(8)
    net.weights["2.running_var"] = draw.uniform(8, low=0.2, high=3)
    return net


def labels_for(predictions, batch_size, classes):
    """Make labels that are right for all of the first batch and none of the last."""
    y = predictions.clone()
    last = (len(y) - 1) // batch_size * batch_size
    y[last:] = (y[last:] + 1) % classes
    for i in range(batch_size, last, 2):
        y[i] = (y[i] + 1) % classes
    return y


def predicted(net, X):
    """Return the classes that a network predicts in evaluation mode."""
    with torch.no_grad():
        return net.build().eval()(X).argmax(1)


def hits_of(scores_, y):
    """Return which predictions are right, as numbers."""
    return (scores_.argmax(1) == y).double()


def split(values, size):
    """Cut into batches."""
    return torch.split(values, size)


def number(value, name):
    """Return the value if it is a number, else let the check fail."""
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        kind = "None" if value is None else f"a {type(value).__name__}"
        kind = f"a {value.kind}" if hasattr(value, "kind") else kind
        hint = "Does the function end with return?" if value is None else ""
        fail(f"{name} is {kind}; a number is expected.", hint)
    return torch.tensor(float(value), dtype=torch.float64)


def evaluate(net, data, device=None):
    """Evaluate as the task says."""
    net.eval()
    right = total = 0
    with torch.no_grad():
        for X, y in data:
            right += int((net(X).argmax(1) == y).sum())
            total += len(y)
    return right / total


@pytest.mark.points(0)
def test_evaluate_accuracy_gpu_is_your_own_work(student):
    """You wrote the evaluation yourself, without course_lib."""
    expect_not_named(student, OFF_LIMITS, within="evaluate_accuracy_gpu", hint=OWN)


CASES = (
    Case("even batches", count=9, batch=3, given=(CPU,)),
    Case("small last batch", count=14, batch=6, given=()),
    Case("one batch", count=7, batch=7, given=()),
)
WATCHED = len(CASES)  # the part of the question that comes after them


def evaluations(student, draw):
    """Evaluate networks; then one in training mode, with averages and old gradients.

    In evaluation mode, the last one gets all right.
    """
    for case in CASES:
        net = Net(MLP, seed=draw.seed(), training=False)
        X = draw.normal(case.count, 1, 4, 4)
        y = labels_for(predicted(net, X), case.batch, 3)
        if case.count == case.batch:  # one batch: some right, some wrong
            y = predicted(net, X)
            y[::3] = (y[::3] + 1) % 3
        data = Batches(X, y, case.batch)
        seen = student.observe("evaluate_accuracy_gpu", net, data, *case.given)
        yield net.build()(X).detach(), y, seen.value
    net = with_averages(draw, training=True, dirty_grads=True)
    X = 2 * draw.normal(14, 1, 4, 4) + 1
    data = Batches(X, predicted(net, X), 5)
    yield net, student.observe("evaluate_accuracy_gpu", net, data)


@pytest.mark.points(4)
@pytest.mark.depends("test_evaluate_accuracy_gpu_is_your_own_work")
def test_evaluate_accuracy_gpu_counts_examples(student):
    """The result is the fraction of examples that the network gets right."""
    for part, case in enumerate(CASES):
        out, y, answer = student.once(evaluations, part)
        hits = hits_of(out, y)
        parts = split(hits, case.batch)
        wrong = hits_of(-out, y)
        expect_close(
            number(answer, "The result"),
            hits.mean(),
            mistakes={
                BATCH_MEAN: torch.stack([p.mean() for p in parts]).mean(),
                COUNTED: hits.sum(),
                PERCENT: 100 * hits.mean(),
                ERROR_RATE: 1 - hits.mean(),
                SMALLEST_SCORE: wrong.mean(),
                PER_BATCH: [hits.sum() / len(parts), sum(p.mean() for p in parts)],
                FIRST_BATCH: [parts[0].mean(), parts[0].sum()],
                LAST_BATCH: [
                    parts[-1].mean(),
                    parts[-1].sum(),
                    parts[-1].sum() / len(y),
                ],
            },
            hint="Count the examples whose largest score is that of the right class, "
            f"in all batches, and divide by the number of examples. {TRAINING}",
        )


@pytest.mark.points(2)
@pytest.mark.depends("test_evaluate_accuracy_gpu_counts_examples")
def test_evaluate_accuracy_gpu_uses_evaluation_mode(student):
    """The network is in evaluation mode while it is evaluated."""
    _, seen = student.once(evaluations, WATCHED)
    passes = events_of(seen, "forward")
    expect(not any(e.training for e in passes), "It is in training mode.", NO_EVAL)
    # In the right mode, a wrong number means that the network itself was changed.
    expect_close(number(seen.value, "The result"), torch.tensor(1.0), hint=ONLY_LOOKS)


@pytest.mark.points(1)
@pytest.mark.depends("test_evaluate_accuracy_gpu_counts_examples")
def test_evaluate_accuracy_gpu_records_no_gradients(student):
    """No gradients are recorded during evaluation."""
    _, seen = student.once(evaluations, WATCHED)
    passes = events_of(seen, "forward")
    expect(not any(e.grad for e in passes), "They are recorded.", NO_NO_GRAD)


@pytest.mark.points(1)
@pytest.mark.depends("test_evaluate_accuracy_gpu_uses_evaluation_mode")
def test_evaluate_accuracy_gpu_leaves_the_network_alone(student):
    """Parameters, buffers and gradients of the network stay as they were."""
    net, seen = student.once(evaluations, WATCHED)
    state = seen.nets[0]
    expect_same_weights(
        state, NetState(net.weights, False, {}), atol=0, rtol=0, hint=ONLY_LOOKS
    )
    kept = [g is not None and bool((g == 1).all()) for g in state.grads.values()]
    expect(all(kept), "The gradients are not what they were.", ONLY_LOOKS)


# --- train_ch6 ------------------------------------------------------------------------


def train(
    net,
    train_iter,
    test_iter,
    num_epochs,
    lr,
    device=None,
    *,
    loss=F.cross_entropy,
    make=torch.optim.SGD,
    clear="before",
    steps=1,
    step_per_epoch=False,
    only=None,
    backwards=False,
    then_test=False,
    training=True,
    training_once=False,
    decay=1.0,
    rebuild=False,
):
    """Train as the task says, or with one of the known mistakes."""
    optimizer = make(net.parameters(), lr=lr)
    sums = torch.ones(3)
    if training_once:
        net.train()
    for epoch in range(num_epochs):
        if not training_once:
            net.train(training)
        if rebuild:  # the optimiser, at the start of each epoch
            optimizer = make(net.parameters(), lr=lr * decay**epoch)
        batches = [*train_iter, *(test_iter if then_test else ())]
        batches = batches[::-1] if backwards else batches
        sums = torch.zeros(3, dtype=torch.float64)
        for X, y in batches[only] if only else batches:
            if clear == "before":
                optimizer.zero_grad()
            y_hat = net(X)
            value = loss(y_hat, y)
            value.backward()
            if clear == "between":
                optimizer.zero_grad()
            for _ in range(0 if step_per_epoch else steps):
                optimizer.step()
            hits = hits_of(y_hat, y).sum()
            sums += torch.tensor([float(value) * len(y), float(hits), len(y)])
        if step_per_epoch:
            optimizer.step()
            optimizer.zero_grad()
        if training_once:
            net.eval()
    test_acc = evaluate(net, test_iter)
    return float(sums[0] / sums[2]), float(sums[1] / sums[2]), test_acc


def one_hot_loss(y_hat, y):
    """Squared error of the scores."""
    return F.mse_loss(y_hat, F.one_hot(y, y_hat.shape[1]).to(y_hat.dtype))


NOT_MOVED = (
    "The weights are still those that came in. Is there a backward() and a step() for "
    "each batch, in this order, with zero_grad() before them and not between them? "
    f"{TRAINING}"
)
OTHER_NETWORK = (
    "Train the network that is handed over as it is: train_ch6 adds no layer to it and "
    f"takes none away. {TRAINING}"
)
DRAWN_ANEW = (
    "The weights are drawn anew before training. The book's function does so; yours "
    "must start from the weights that the network has: remove the initialisation."
)
ASCENT = "The step goes uphill: the sign of the gradient is turned around."
SUMMED = (
    "The loss is summed over the batch; the task asks for the mean, as "
    f"nn.CrossEntropyLoss() has it. {TRAINING}"
)
SQUASHED = (
    "Something is applied to the scores before the loss. nn.CrossEntropyLoss takes raw "
    f"scores and has the softmax in it. {TRAINING}"
)
OTHER_LOSS = f"Another loss is used; the task asks for the cross-entropy. {TRAINING}"
OTHER_RATE = (
    "The step has the right direction but another length. Is lr used as it is, and is "
    f"there exactly one step for each batch? {TRAINING}"
)
OTHER_OPTIMISER = (
    "This is not plain stochastic gradient descent: torch.optim.SGD(net.parameters(), "
    f"lr=lr), without momentum or weight decay, is. {TRAINING}"
)
NOT_ALL = "Some parameters do not move: give the optimiser all of net.parameters()."
NOT_CLEARED = (
    "backward() adds to the gradients that are there. Set them to zero before each "
    f"batch's backward(), the first batch's too. {TRAINING}"
)
ONLY_ONE = (
    "Only one batch of the epoch is trained on. Is there a break, or a line that "
    "should be indented further?"
)
ONCE_PER_EPOCH = f"There is one step for each epoch, not for each batch. {TRAINING}"
OTHER_ORDER = "The batches come in another order than train_iter yields them."
ON_TEST_DATA = "The test data are trained on. They may only be looked at, at the end."
TOO_MANY = "There is an epoch too many, or the data are gone through twice."
TOO_FEW = "There is an epoch too few: range(num_epochs) has num_epochs of them."
SCHEDULE = "The learning rate changes from epoch to epoch; here it stays lr."
IN_EVALUATION_MODE = (
    "The network is in evaluation mode while it is trained. net.train() belongs into "
    "the loop over the epochs, because evaluation ends with the other mode. "
    f"{TRAINING}"
)

#: what can be wrong with one step: hint -> changes to the reference
STEP_SLIPS = {
    NOT_MOVED: [{"clear": "between"}],
    ASCENT: [{"make": partial(torch.optim.SGD, maximize=True)}],
    SUMMED: [{"loss": partial(F.cross_entropy, reduction="sum")}],
    SQUASHED: [
        {"loss": lambda y_hat, y: F.cross_entropy(y_hat.softmax(1), y)},
        {"loss": lambda y_hat, y: F.cross_entropy(y_hat.sigmoid(), y)},
        {"loss": lambda y_hat, y: F.cross_entropy(y_hat.softmax(0), y)},
        {"loss": lambda y_hat, y: F.cross_entropy(y_hat.relu(), y)},
    ],
    OTHER_LOSS: [
        {"loss": one_hot_loss},
        {"loss": lambda y_hat, y: one_hot_loss(y_hat.softmax(1), y)},
        {"loss": F.multi_margin_loss},
        {"loss": lambda y_hat, y: -F.cross_entropy(y_hat, y)},
        {"loss": lambda y_hat, y: F.cross_entropy(y_hat, y, label_smoothing=0.1)},
    ],
    OTHER_OPTIMISER: [
        {"make": torch.optim.Adam},
        {"make": torch.optim.AdamW},
        {"make": torch.optim.RMSprop},
        *(
            {"make": partial(torch.optim.SGD, weight_decay=d)}
            for d in (0.1, 0.01, 1e-3, 5e-4, 1e-4)
        ),
    ],
    OTHER_RATE: [
        {"steps": 2},
        *({"lr": lr} for lr in (1.0, 0.9, 0.1, 0.05, 0.01, 1e-3, 1e-4)),
        *({"rate": rate} for rate in (10, 2, 0.5, 0.1)),
    ],
}
EPOCH_SLIPS: dict = {
    NOT_CLEARED: [{"clear": ""}],
    ONLY_ONE: [{"only": slice(0, 1)}, {"only": slice(-1, None)}],
    ONCE_PER_EPOCH: [{"step_per_epoch": True, "clear": ""}, {"step_per_epoch": True}],
    OTHER_ORDER: [{"backwards": True}],
    ON_TEST_DATA: [{"then_test": True}, {"swap": True}],
    TOO_MANY: [{"more": 1}],
    TOO_FEW: [{"more": -1}],
    OTHER_OPTIMISER: [
        *({"make": partial(torch.optim.SGD, momentum=m)} for m in (0.9, 0.5, 0.99)),
        {"make": partial(torch.optim.SGD, momentum=0.9, nesterov=True)},
        {"make": partial(torch.optim.SGD, momentum=0.9), "rebuild": True},
    ],
    SCHEDULE: [{"rebuild": True, "decay": d} for d in (0.9, 0.5, 0.1, 0.95)],
    IN_EVALUATION_MODE: [{"training": False}, {"training_once": True}],
}


class Setting:
    """A tiny network and tiny data, and what the reference makes of them."""

    def __init__(self, draw, *, count, batch, epochs, lr, layers=MLP, **net):
        self.net = Net(layers, seed=draw.seed(), **net)
        self.X = draw.uniform(count, 1, 4, 4, low=0.2, high=2.2)
        self.y = draw.integers(count, low=0, high=3)
        self.test_X = -draw.uniform(8, 1, 4, 4, low=0.2, high=2.2)
        self.test_y = draw.integers(8, low=0, high=3)
        self.batch, self.epochs, self.lr = batch, epochs, lr

    @property
    def arguments(self):
        """What train_ch6 is called with."""
        return (
            self.net,
            Batches(self.X, self.y, self.batch),
            Batches(self.test_X, self.test_y, 5),
            self.epochs,
            self.lr,
            CPU,
        )

    def reference(self, *, more=0, lr=None, rate=1.0, swap=False, **slip):
        """Train the reference, or one that makes a mistake."""
        net, data, test, epochs, own_lr, device = self.arguments
        if swap:
            data = test
        rate = (own_lr if lr is None else lr) * rate
        return reference(train, net, data, test, epochs + more, rate, device, **slip)

    def observe(self, student):
        """Let the student's function train."""
        return student.observe("train_ch6", *self.arguments)

    def expect_weights(self, seen, *tables, hint=""):
        """Expect the reference's weights; if they are others, say which mistake."""
        got, expected = learned(seen), learned(self.reference())
        try:
            expect_same_weights(got, expected)
        except CheckFailed as failed:
            message = failed.message
        else:
            return
        for table in tables:
            for known, slips in table.items():
                if any(same_weights(got, learned(self.reference(**s))) for s in slips):
                    fail(message, known)
        fail(message, hint() if callable(hint) else hint)


def learned(seen):
    """Return what training changes on purpose: parameters, no running averages."""
    state = seen.nets[0]
    names = [n for n in state.weights if "running" not in n and "tracked" not in n]
    weights = {name: state.weights[name] for name in names}
    return NetState(weights, state.training, state.grads)


def same_weights(a, b):
    """Tell whether two networks have the same weights."""
    try:
        expect_same_weights(a, b)
    except CheckFailed:
        return False
    return True


def own_optimiser(seen):
    """Return a hint if an optimiser other than plain SGD was seen at work."""
    details = {e.detail for e in events_of(seen, "step")}
    plain = all(re.fullmatch(r"SGD lr=\S+( maximize=1)?", d) for d in details)
    return "" if plain else OTHER_OPTIMISER


def why_other_step(student, setting, seen):
    """Return a hint for a step that is none of the known mistakes."""
    start, after = NetState(setting.net.weights, True, {}), seen.nets[0]
    if set(after.weights) != set(start.weights):
        return OTHER_NETWORK
    moved = other_weights(after, start, rtol=0, atol=0)
    if not moved:
        return NOT_MOVED
    student.fresh()
    net, *others = setting.arguments
    still = student.observe("train_ch6", net, *others[:2], 1, 0.0, CPU).nets[0]
    if other_weights(still, start):
        return own_optimiser(seen) or DRAWN_ANEW
    if len(moved) < len(start.weights):
        return NOT_ALL
    return own_optimiser(seen)


@pytest.mark.points(0)
def test_train_ch6_is_your_own_work(student):
    """You wrote the training loop yourself, without course_lib."""
    expect_not_named(student, OFF_LIMITS, within="train_ch6", hint=OWN)


ONE_STEP, OLD_GRADIENTS, EPOCH = range(3)  # the parts of the question


def steps(student, draw):
    """Train for a batch; for one, with old gradients; for an epoch of batches."""
    for setting in (
        Setting(draw, count=7, batch=7, epochs=1, lr=0.37),
        Setting(draw, count=7, batch=7, epochs=1, lr=0.4, dirty_grads=True),
        Setting(draw, count=19, batch=5, epochs=1, lr=0.3),
    ):
        yield setting, setting.observe(student)


@pytest.mark.points(4)
@pytest.mark.depends("test_train_ch6_is_your_own_work")
def test_train_ch6_takes_one_step(student):
    """After one batch, the weights are those of one step of plain SGD."""
    setting, seen = student.once(steps, ONE_STEP)
    late = {h: s for h, s in EPOCH_SLIPS.items() if h in (ON_TEST_DATA, TOO_MANY)}
    setting.expect_weights(
        seen, STEP_SLIPS, late, hint=lambda: why_other_step(student, setting, seen)
    )


@pytest.mark.points(2)
@pytest.mark.depends("test_train_ch6_takes_one_step")
def test_train_ch6_clears_old_gradients(student):
    """Gradients that the network had before do not count."""
    setting, seen = student.once(steps, OLD_GRADIENTS)
    setting.expect_weights(seen, hint=NOT_CLEARED)


@pytest.mark.points(3)
@pytest.mark.depends("test_train_ch6_clears_old_gradients")
def test_train_ch6_takes_one_step_for_each_batch(student):
    """After an epoch, the weights are those of one step for each batch, in order."""
    setting, seen = student.once(steps, EPOCH)
    hint = own_optimiser(seen) or (
        "One step is right; look at what one batch leaves behind for the next: "
        f"gradients, the optimiser's memory, a mode. {TRAINING}"
    )
    setting.expect_weights(seen, EPOCH_SLIPS, hint=hint)


def three_epochs(student, draw):
    """Train for three epochs, where every known mistake gives other numbers."""
    for _ in range(80):  # one in four will do
        setting = Setting(draw, count=13, batch=5, epochs=3, lr=0.5)
        records = Records(setting)
        setting.test_y = labels_for(records.test.argmax(1), 5, 3)
        setting.test_y[5] = records.test[5].argmax()  # batches of 5 and 3
        if is_telling(setting, records):
            break
    return setting, records, setting.observe(student)


@pytest.mark.points(2)
@pytest.mark.depends("test_train_ch6_takes_one_step_for_each_batch")
def test_train_ch6_repeats_that_for_each_epoch(student):
    """After three epochs, with another learning rate, the weights are right too."""
    setting, _, seen = student.once(three_epochs)
    hint = own_optimiser(seen) or (
        "One epoch is right; look at what changes from one epoch to the next."
    )
    setting.expect_weights(seen, EPOCH_SLIPS, STEP_SLIPS, hint=hint)


def is_training(event):
    """Tell whether the training data went through: they are positive."""
    return event.total > 0


def own_evaluation(student):
    """Tell whether train_ch6 leaves the evaluation to the other answer."""
    return "evaluate_accuracy_gpu(" in student.source_of("train_ch6")


def with_normalisation(student, draw):
    """Train a network with batch normalisation, which comes in evaluation mode."""
    setting = Setting(
        draw, count=18, batch=6, epochs=2, lr=0.2, layers=NORMALISED, training=False
    )
    return setting, setting.observe(student)


@pytest.mark.points(2)
@pytest.mark.depends("test_train_ch6_takes_one_step")
def test_train_ch6_trains_in_training_mode(student):
    """In every epoch, the network is in training mode while it is trained."""
    setting, seen = student.once(with_normalisation)
    passes = [e for e in events_of(seen, "forward") if is_training(e) and e.grad]
    flags = [e.training for e in passes]
    expect(all(flags), "It is in evaluation mode for some batches.", IN_EVALUATION_MODE)
    mode = {IN_EVALUATION_MODE: EPOCH_SLIPS[IN_EVALUATION_MODE]}
    expected = setting.reference()
    if len(flags) == len(events_of(expected, "step")):  # else judged elsewhere
        for known in mode[IN_EVALUATION_MODE]:
            wrong = learned(setting.reference(**known))
            told = not same_weights(learned(seen), wrong)
            expect(
                told, "The weights are those of evaluation mode.", IN_EVALUATION_MODE
            )


@pytest.mark.points(1)
@pytest.mark.depends("test_train_ch6_takes_one_step")
def test_train_ch6_only_looks_at_the_test_data(student):
    """Test data are looked at in evaluation mode and without gradients."""
    if own_evaluation(student):
        return  # judged there
    passes = events_of(student.once(with_normalisation)[1], "forward")
    tested = [e for e in passes if not is_training(e)]
    expect(not any(e.training for e in tested), "It is in training mode.", NO_EVAL)
    expect(not any(e.grad for e in tested), "Gradients are recorded.", NO_NO_GRAD)


@pytest.mark.points(1)
@pytest.mark.depends("test_train_ch6_takes_one_step")
def test_train_ch6_leaves_evaluation_mode(student):
    """When it returns, the network is in evaluation mode."""
    _, seen = student.once(steps, ONE_STEP)
    expect(
        not seen.nets[0].training,
        "The network is left in training mode.",
        "Call net.eval() after the last epoch: whoever uses the network next expects a "
        "finished one.",
    )


NAMES = ("The training loss", "The training accuracy", "The test accuracy")


def reported(seen, place):
    """Return one of the three numbers."""
    return number(seen.value[place], NAMES[place])


@pytest.mark.points(1)
@pytest.mark.depends("test_train_ch6_takes_one_step")
def test_train_ch6_returns_three_numbers(student):
    """It returns three numbers: training loss, training accuracy, test accuracy."""
    _, seen = student.once(steps, ONE_STEP)
    what = "None" if seen.value is None else f"a {type(seen.value).__name__}"
    expect(
        isinstance(seen.value, list | tuple) and len(seen.value) == 3,
        f"It returns {what}; three numbers are expected.",
        "End with return train_loss, train_acc, test_acc.",
    )
    reported(seen, 0)
    reported(seen, 1)
    if not own_evaluation(student):
        reported(seen, 2)


SWAPPED_RESULTS = (
    "The three numbers come in another order: training loss, training accuracy, test "
    "accuracy."
)
NOT_WEIGHTED = (
    "The mean over the batches is not the mean over the examples: the last batch is "
    "smaller. Multiply each batch's mean loss by its size, add up, and divide by the "
    f"number of examples. {TRAINING}"
)
NOT_RESET = (
    "All epochs are in it; only the last one is asked for. Set the sums to zero at the "
    f"start of each epoch. {TRAINING}"
)
ONLY_LAST_BATCH = "This is the last batch's number, not the epoch's."
SUM_OF_LOSSES = "The losses are added up, but not divided by the number of examples."
DIVIDED_TWICE = (
    "Each batch's loss is a mean already. Multiply it by the size of the batch before "
    f"you add it up, if you divide by the number of examples at the end. {TRAINING}"
)
AFTERWARDS = (
    "This is what the finished network gives; the task asks for what came out while it "
    f"was being trained, before each step. {TEETH}"
)
BEFORE_THE_END = (
    "This was measured before the last epoch. Evaluate test_iter with the finished "
    f"network. {TRAINING}"
)


class Records:
    """What the reference saw while it trained: losses, hits and sizes of batches.

    ``across`` are hits as they are counted along the wrong axis. ``tests`` are the
    scores of the test data before each epoch, ``test`` those at the end.
    """

    def __init__(self, setting):
        self.net = setting.net.build()
        self.losses, self.hits, self.sizes, self.tests = [], [], [], []
        self.across = []
        optimizer = torch.optim.SGD(self.net.parameters(), lr=setting.lr)
        batches = Batches(setting.X, setting.y, setting.batch)
        for _ in range(setting.epochs):
            self.tests.append(self.net(setting.test_X).detach())
            for X, y in batches:
                optimizer.zero_grad()
                y_hat = self.net(X)
                value = F.cross_entropy(y_hat, y)
                value.backward()
                optimizer.step()
                self.losses.append(value.item())
                self.hits.append(float(hits_of(y_hat, y).sum()))
                self.across.append(float((y_hat.argmax(0)[0] == y).sum()))
                self.sizes.append(len(y))
        self.batches = len(batches)
        self.net.eval()
        with torch.no_grad():
            self.after = self.net(setting.X)
            self.test = self.net(setting.test_X)

    def last(self):
        """Return losses, hits and sizes of the last epoch, as tensors."""
        rows = (self.losses, self.hits, self.sizes)
        return [torch.tensor(r[-self.batches :], dtype=torch.float64) for r in rows]

    def all(self):
        """Return losses, hits and sizes of all epochs, as tensors."""
        rows = (self.losses, self.hits, self.sizes)
        return [torch.tensor(r, dtype=torch.float64) for r in rows]


def loss_slips(setting, records):
    """Hint -> wrong numbers for the training loss."""
    losses, hits, sizes = records.last()
    every, _, counts = records.all()
    total, epochs = sizes.sum(), setting.epochs
    return {
        NOT_WEIGHTED: losses.mean(),
        NOT_RESET: [
            (every * counts).sum() / counts.sum(),
            (every * counts).sum() / total,
            every.mean(),
            (every * counts).sum() / total / epochs,
        ],
        ONLY_LAST_BATCH: [losses[-1], losses[-1] * sizes[-1] / total],
        SUM_OF_LOSSES: [losses.sum(), (losses * sizes).sum()],
        DIVIDED_TWICE: [losses.sum() / total, (losses * sizes).sum() / len(sizes)],
        AFTERWARDS: F.cross_entropy(records.after, setting.y).double(),
        SWAPPED_RESULTS: [
            hits.sum() / total,
            hits_of(records.test, setting.test_y).mean(),
        ],
    }


def accuracy_slips(setting, records):
    """Hint -> wrong numbers for the training accuracy."""
    losses, hits, sizes = records.last()
    _, all_hits, counts = records.all()
    total = sizes.sum()
    return {
        WRONG_AXIS: sum(records.across[-records.batches :]) / total,
        BATCH_MEAN: (hits / sizes).mean(),
        NOT_RESET: [all_hits.sum() / counts.sum(), all_hits.sum() / total],
        ONLY_LAST_BATCH: [hits[-1] / sizes[-1], hits[-1] / total, hits[-1]],
        COUNTED: hits.sum(),
        PERCENT: 100 * hits.sum() / total,
        ERROR_RATE: 1 - hits.sum() / total,
        PER_BATCH: [hits.sum() / len(sizes), (hits / sizes).sum()],
        AFTERWARDS: hits_of(records.after, setting.y).mean(),
        SWAPPED_RESULTS: [
            hits_of(records.test, setting.test_y).mean(),
            (losses * sizes).sum() / total,
        ],
    }


def is_telling(setting, records):
    """Tell whether every known mistake gives another number."""
    for right, slips in ((last_loss, loss_slips), (last_accuracy, accuracy_slips)):
        wanted, wrong = float(right(records)), slips(setting, records).values()
        numbers = [w for ws in wrong for w in (ws if isinstance(ws, list) else [ws])]
        if any(abs(float(w) - wanted) <= 2e-3 for w in numbers):
            return False
    end, *before = accuracies(setting, records)
    return end not in before  # the network predicts other classes after each epoch


def accuracies(setting, records):
    """Return the test accuracy at the end, and those before each epoch."""
    scores = (records.test, *records.tests)
    return [float(hits_of(s, setting.test_y).mean()) for s in scores]


def last_loss(records):
    """Return the training loss of the last epoch."""
    losses, _, sizes = records.last()
    return (losses * sizes).sum() / sizes.sum()


def last_accuracy(records):
    """Return the training accuracy of the last epoch."""
    _, hits, sizes = records.last()
    return hits.sum() / sizes.sum()


@pytest.mark.points(2)
@pytest.mark.depends(
    "test_train_ch6_returns_three_numbers", "test_train_ch6_repeats_that_for_each_epoch"
)
def test_train_ch6_reports_the_training_loss(student):
    """The first number is the mean loss of the last epoch's examples."""
    setting, records, seen = student.once(three_epochs)
    expect_close(
        reported(seen, 0),
        last_loss(records),
        rtol=1e-4,
        atol=1e-5,
        mistakes=loss_slips(setting, records),
        hint="Add up each batch's mean loss times its size, in the last epoch only, "
        f"and divide by the number of examples. {TRAINING}",
    )


@pytest.mark.points(1)
@pytest.mark.depends(
    "test_train_ch6_returns_three_numbers", "test_train_ch6_repeats_that_for_each_epoch"
)
def test_train_ch6_reports_the_training_accuracy(student):
    """The second number is the fraction of right ones in the last epoch."""
    setting, records, seen = student.once(three_epochs)
    expect_close(
        reported(seen, 1),
        last_accuracy(records),
        mistakes=accuracy_slips(setting, records),
        hint="Count the right ones of the last epoch, from the scores that were used "
        f"for the step, and divide by the number of examples. {TRAINING}",
    )


@pytest.mark.points(1)
@pytest.mark.depends(
    "test_train_ch6_returns_three_numbers", "test_train_ch6_repeats_that_for_each_epoch"
)
def test_train_ch6_reports_the_test_accuracy(student):
    """The third number is the fraction of test examples that are right at the end."""
    setting, records, seen = student.once(three_epochs)
    right, *before = accuracies(setting, records)
    if own_evaluation(student) and agrees_with_own(student, setting, seen, right):
        return
    hits = hits_of(records.test, setting.test_y)
    expect_close(
        reported(seen, 2),
        hits.mean(),
        mistakes={
            BATCH_MEAN: torch.stack([hits[:5].mean(), hits[5:].mean()]).mean(),
            COUNTED: hits.sum(),
            PERCENT: 100 * hits.mean(),
            ERROR_RATE: 1 - hits.mean(),
            ONLY_LAST_BATCH: hits[5:].mean(),
            FIRST_BATCH: hits[:5].mean(),
            BEFORE_THE_END: before,
            "This is the training data's accuracy; evaluate the test data.": [
                hits_of(records.after, setting.y).mean(),
                last_accuracy(records),
            ],
        },
        hint="Evaluate test_iter with the finished network: after the last step, all "
        f"batches. {TRAINING}",
    )


def agrees_with_own(student, setting, seen, right):
    """Tell whether the number is what the own evaluate_accuracy_gpu gives."""
    value = seen.value[2]
    if isinstance(value, int | float) and abs(value - right) < 1e-6:
        return True  # there is nothing to ask
    final = Net(setting.net.layers, weights=seen.nets[0].weights, training=False)
    data = Batches(setting.test_X, setting.test_y, 5)
    try:
        own = student.observe("evaluate_accuracy_gpu", final, data).value
    except StudentError:
        return False
    if isinstance(own, int | float) and isinstance(value, int | float):
        return abs(own - value) < 1e-6
    return type(own) is type(value)
