"""LeNet's shapes and sizes, its initialisation, and what the ledger counts."""

import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_lib.convolution import Conv2D
from course_lib.lenet import LayerCost, Ledger, LeNet, cost_ledger, init_xavier

checked = pytest.mark.usefixtures("as_readers_see_it")

# name, output shape, parameters, multiply-adds, bytes of one image in float32
LENET = [
    ("0 Conv2d", (1, 6, 28, 28), 156, 117_600, 18_816),
    ("1 Sigmoid", (1, 6, 28, 28), 0, 0, 18_816),
    ("2 AvgPool2d", (1, 6, 14, 14), 0, 0, 4_704),
    ("3 Conv2d", (1, 16, 10, 10), 2_416, 240_000, 6_400),
    ("4 Sigmoid", (1, 16, 10, 10), 0, 0, 6_400),
    ("5 AvgPool2d", (1, 16, 5, 5), 0, 0, 1_600),
    ("6 Flatten", (1, 400), 0, 0, 0),
    ("7 Linear", (1, 120), 48_120, 48_000, 480),
    ("8 Sigmoid", (1, 120), 0, 0, 480),
    ("9 Linear", (1, 84), 10_164, 10_080, 336),
    ("10 Sigmoid", (1, 84), 0, 0, 336),
    ("11 Linear", (1, 10), 850, 840, 40),
]


# The network


def test_lenet_has_the_outlines_layers():
    assert repr(LeNet()) == repr(
        nn.Sequential(
            nn.Conv2d(1, 6, kernel_size=5, padding=2),
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.Sigmoid(),
            nn.AvgPool2d(kernel_size=2, stride=2),
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.Sigmoid(),
            nn.Linear(120, 84),
            nn.Sigmoid(),
            nn.Linear(84, 10),
        )
    )


def test_lenets_layers_put_out_the_printed_shapes():
    X = torch.rand(1, 1, 28, 28)
    for layer, (_, shape, *_) in zip(LeNet(), LENET, strict=True):
        X = layer(X)
        assert X.shape == shape


def test_xavier_draws_weights_within_glorots_bound_and_leaves_the_rest():
    torch.manual_seed(0)
    net = LeNet()
    biases = {n: p.clone() for n, p in net.named_parameters() if n.endswith("bias")}
    old = net[7].weight.clone()
    assert net.apply(init_xavier) is net
    for layer, fans in ((net[0], 25 * (1 + 6)), (net[3], 25 * (6 + 16)), (net[7], 520)):
        bound = (6 / fans) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound
    assert not torch.equal(net[7].weight, old)
    for name, bias in biases.items():
        assert torch.equal(net.get_parameter(name), bias)


class MyConv(nn.Conv2d):
    pass


@pytest.mark.parametrize(
    "layer",
    [
        MyConv(2, 3, 3),
        nn.Conv1d(2, 3, 3),
        nn.Conv3d(2, 3, 3),
        nn.Linear(4, 3),
        nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)),
    ],
)
def test_xavier_reaches_subclasses_and_relatives(layer):
    torch.manual_seed(0)
    reference = nn.init.xavier_uniform_(torch.empty_like(layer.weight))
    torch.manual_seed(0)
    init_xavier(layer)
    if not nn.utils.parametrize.is_parametrized(layer):
        assert torch.equal(layer.weight, reference)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3), nn.Embedding(4, 3), nn.ReLU()])
def test_xavier_leaves_other_layers_alone(layer):
    before = [p.clone() for p in layer.parameters()]
    init_xavier(layer)
    assert all(map(torch.equal, before, layer.parameters()))


@pytest.mark.parametrize(
    ("lazy", "name"), [(nn.LazyConv2d, "LazyConv2d"), (nn.LazyLinear, "LazyLinear")]
)
def test_xavier_says_what_a_lazy_layer_needs_first(lazy, name):
    layer = lazy(3, kernel_size=3) if lazy is nn.LazyConv2d else lazy(3)
    with pytest.raises(
        ValueError,
        match=rf"^{name} has no weights to initialise yet: a lazy layer gets them from "
        r"its first input; run one batch through the net first, then "
        r"net.apply\(init_xavier\)$",
    ):
        nn.Sequential(layer).apply(init_xavier)
    layer(torch.rand(1, 2, 5, 5))
    init_xavier(layer)


@checked
def test_xavier_wants_a_module():
    with pytest.raises(
        TypeError,
        match=r"^init_xavier takes a module, as net.apply\(init_xavier\) passes it; "
        "got list$",
    ):
        init_xavier([nn.Linear(2, 2)])


# The ledger


def test_the_ledger_of_lenet_has_the_courses_numbers():
    ledger = cost_ledger(LeNet(), (1, 1, 28, 28))
    assert list(ledger) == [LayerCost(*row) for row in LENET]
    assert ledger.parameters == 61_706
    assert ledger.multiply_adds == 416_520
    assert ledger.activation_bytes == sum(row[4] for row in LENET) == 58_408
    assert ledger.input_shape == (1, 1, 28, 28)
    assert (len(ledger), ledger[0].name, ledger[-1].name) == (
        12,
        "0 Conv2d",
        "11 Linear",
    )


def test_convolutions_hold_4_percent_of_the_parameters_and_86_of_the_arithmetic():
    ledger = cost_ledger(LeNet(), (1, 1, 28, 28))
    convolutions = [layer for layer in ledger if layer.name.endswith("Conv2d")]
    parameters = sum(layer.parameters for layer in convolutions)
    multiply_adds = sum(layer.multiply_adds for layer in convolutions)
    assert round(100 * parameters / ledger.parameters, 1) == 4.2
    assert round(100 * multiply_adds / ledger.multiply_adds, 1) == 85.9


def test_a_batch_costs_its_images_together_and_parameters_once():
    one = cost_ledger(LeNet(), (1, 1, 28, 28))
    many = cost_ledger(LeNet(), torch.Size((5, 1, 28, 28)))
    assert many.parameters == one.parameters
    assert many.multiply_adds == 5 * one.multiply_adds
    assert many.activation_bytes == 5 * one.activation_bytes


def test_the_cost_of_a_large_layer_is_the_courses():
    net = nn.Conv2d(128, 128, 5, padding=2)
    assert cost_ledger(net, (1, 128, 256, 256)).multiply_adds == 26_843_545_600


class Block(nn.Module):
    """A container that is no Sequential, with a functional step."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True))

    def forward(self, x):
        return F.relu(x + self.inner(x))


shared = nn.Linear(4, 4)
# net, input shape, then per row: name, output shape, parameters, multiply-adds, bytes
COSTS = {
    "groups, dilation and stride": (
        nn.Conv2d(4, 6, (3, 2), stride=(2, 1), dilation=(1, 3), groups=2, bias=False),
        (2, 4, 9, 8),
        [("Conv2d", (2, 6, 4, 5), 72, 240 * 12, 960)],
    ),
    "one axis": (
        nn.Conv1d(3, 2, 4),
        (1, 3, 10),
        [("Conv1d", (1, 2, 7), 26, 168, 56)],
    ),
    "three axes": (
        nn.Conv3d(2, 3, (1, 2, 3)),
        (1, 2, 3, 4, 5),
        [("Conv3d", (1, 3, 3, 3, 3), 39, 81 * 12, 324)],
    ),
    "a dense layer over the last of three axes": (
        nn.Linear(5, 7),
        (2, 3, 5),
        [("Linear", (2, 3, 7), 42, 210, 168)],
    ),
    "normalisation, dropout and pooling": (
        nn.Sequential(
            nn.BatchNorm2d(3),
            nn.PReLU(),
            nn.Dropout(0.5),
            nn.MaxPool2d(2, ceil_mode=True),
            nn.GroupNorm(3, 3),
            nn.LayerNorm(3),
        ),
        (1, 3, 5, 5),
        [
            ("0 BatchNorm2d", (1, 3, 5, 5), 6, 0, 300),
            ("1 PReLU", (1, 3, 5, 5), 1, 0, 300),
            ("2 Dropout", (1, 3, 5, 5), 0, 0, 0),
            ("3 MaxPool2d", (1, 3, 3, 3), 0, 0, 108),
            ("4 GroupNorm", (1, 3, 3, 3), 6, 0, 108),
            ("5 LayerNorm", (1, 3, 3, 3), 6, 0, 108),
        ],
    ),
    "batch normalisation of a single number": (
        nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)),
        (1, 2),
        [("0 Linear", (1, 3), 9, 6, 12), ("1 BatchNorm1d", (1, 3), 6, 0, 12)],
    ),
    "views cost no memory, not even views of views": (
        nn.Sequential(nn.Identity(), nn.Flatten(), nn.Unflatten(1, (2, 3)), nn.ReLU()),
        (1, 6),
        [
            ("0 Identity", (1, 6), 0, 0, 0),
            ("1 Flatten", (1, 6), 0, 0, 0),
            ("2 Unflatten", (1, 2, 3), 0, 0, 0),
            ("3 ReLU", (1, 2, 3), 0, 0, 24),
        ],
    ),
    "nested containers": (
        nn.Sequential(Block(), nn.Sequential(nn.Flatten(), nn.Linear(8, 2))),
        (1, 2, 2, 2),
        [
            ("0.inner.0 Conv2d", (1, 2, 2, 2), 38, 144, 32),
            ("0.inner.1 ReLU", (1, 2, 2, 2), 0, 0, 0),
            ("1.0 Flatten", (1, 8), 0, 0, 0),
            ("1.1 Linear", (1, 2), 18, 16, 8),
        ],
    ),
    "a layer used twice learns once": (
        nn.Sequential(shared, nn.ReLU(), shared),
        (1, 4),
        [
            ("0 Linear", (1, 4), 20, 16, 16),
            ("1 ReLU", (1, 4), 0, 0, 16),
            ("0 Linear", (1, 4), 0, 16, 16),
        ],
    ),
    "a weight with a parametrisation": (
        nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))),
        (1, 4),
        [("0 ParametrizedLinear", (1, 3), 3 + 12 + 3, 12, 12)],
    ),
    "double precision": (
        nn.Sequential(nn.Linear(2, 2), nn.Tanh()).double(),
        (1, 2),
        [("0 Linear", (1, 2), 6, 4, 16), ("1 Tanh", (1, 2), 0, 0, 16)],
    ),
    "the course's own layer": (
        Conv2D((2, 3)),
        (4, 5),
        [("Conv2D", (3, 3), 7, 54, 36)],
    ),
    "no layer with parameters": (
        nn.Sequential(nn.AvgPool2d(2)),
        (1, 1, 4, 4),
        [("0 AvgPool2d", (1, 1, 2, 2), 0, 0, 16)],
    ),
    "nothing": (nn.Sequential(), (1, 3), [("Sequential", (1, 3), 0, 0, 0)]),
}


@pytest.mark.parametrize("case", COSTS)
def test_the_ledger_counts(case):
    net, input_shape, rows = COSTS[case]
    ledger = cost_ledger(net, input_shape)
    assert list(ledger) == [LayerCost(*row) for row in rows]
    assert ledger.parameters == sum(p.numel() for p in net.parameters())


def test_multiply_adds_are_those_that_torch_itself_counts():
    from torch.utils.flop_counter import FlopCounterMode

    net = nn.Sequential(
        nn.Conv2d(4, 8, (3, 2), stride=2, padding=1, groups=2),
        nn.ReLU(),
        nn.Conv2d(8, 6, 3, dilation=2, bias=False),
        nn.Flatten(),
        nn.LazyLinear(5),
    )
    X = torch.rand(3, 4, 13, 14)
    net(X)
    with FlopCounterMode(display=False) as counter:
        net(X)
    assert 2 * cost_ledger(net, X.shape).multiply_adds == counter.get_total_flops()


@pytest.mark.parametrize("case", COSTS)
def test_memory_counts_the_outputs_that_are_new(case):
    net, input_shape, rows = COSTS[case]
    dtype = next((p.dtype for p in net.parameters()), torch.float32)
    known, new = {}, []

    def leave(layer, inputs, output):
        known.setdefault(inputs[0].data_ptr(), inputs[0])  # kept, so never reused
        new.append(0 if output.data_ptr() in known else output.nbytes)
        known.setdefault(output.data_ptr(), output)

    layers = [
        layer
        for layer in net.modules()
        if not list(layer.children()) or "Parametrized" in type(layer).__name__
    ]
    names = {row[0].split()[-1] for row in rows}
    hooks = [
        layer.register_forward_hook(leave)
        for layer in layers
        if type(layer).__name__ in names
    ]
    with torch.no_grad():
        net.eval()(torch.rand(input_shape, dtype=dtype))
    for hook in hooks:
        hook.remove()
    net.train()
    assert new == [row[4] for row in rows]


def test_the_network_itself_is_left_alone():
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout())
    net[1].eval()
    seen = []
    net[0].register_forward_hook(lambda *_: seen.append("run"))
    before = {name: value.clone() for name, value in net.state_dict().items()}
    cost_ledger(net, (2, 1, 5, 5))
    assert [module.training for module in net] == [True, False, True]
    assert all(torch.equal(before[name], v) for name, v in net.state_dict().items())
    assert {value.device.type for value in net.state_dict().values()} == {"cpu"}
    assert all(len(module._forward_pre_hooks) == 0 for module in net)
    assert len(net[0]._forward_hooks) == 1


def test_a_network_without_data_can_be_counted():
    with torch.device("meta"):
        net = nn.Sequential(nn.Flatten(), nn.Linear(10**6, 10**6))
    assert cost_ledger(net, (1, 10**6)).parameters == 10**12 + 10**6


@pytest.mark.parametrize(
    "shape", [(1, 1, 28, 28), [1, 1, 28, 28], tuple(np.array([1, 1, 28, 28]))]
)
@checked
def test_the_input_shape_may_be_any_sequence_of_integers(shape):
    ledger = cost_ledger(LeNet(), shape)
    assert ledger.input_shape == (1, 1, 28, 28)
    assert all(type(side) is int for side in ledger.input_shape)


# Printing


def test_the_ledger_prints_as_an_aligned_table():
    net = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.Flatten(), nn.Linear(4704, 10)
    )
    ledger = cost_ledger(net, (1, 1, 28, 28))
    assert str(ledger).splitlines() == [
        "Cost of each layer for an input of shape 1×1×28×28:",
        "layer      output shape  parameters  multiply-adds  activation bytes",
        "--------------------------------------------------------------------",
        "0 Conv2d   1×6×28×28            156        117,600            18,816",
        "1 Flatten  1×4704                 0              –                 0",
        "2 Linear   1×10              47,050         47,040                40",
        "--------------------------------------------------------------------",
        "total                        47,206        164,640            18,856",
    ]
    assert repr(ledger) == str(ledger)


def test_the_notebooks_table_has_a_caption_headers_and_the_same_cells():
    ledger = cost_ledger(nn.Sequential(nn.Flatten(), nn.Linear(4, 300)), (1, 2, 2))
    left, right = ' style="text-align: left"', ' style="text-align: right"'
    assert ledger._repr_html_().splitlines() == [
        '<table class="cost-ledger">',
        "<caption>Cost of each layer for an input of shape 1×2×2</caption>",
        f'<thead><tr><th scope="col"{left}>layer</th>'
        f'<th scope="col"{left}>output shape</th>'
        f'<th scope="col"{right}>parameters</th>'
        f'<th scope="col"{right}>multiply-adds</th>'
        f'<th scope="col"{right}>activation bytes</th></tr></thead>',
        "<tbody>",
        f'<tr><th scope="row"{left}>0 Flatten</th><td{left}>1×4</td>'
        f"<td{right}>0</td><td{right}>–</td><td{right}>0</td></tr>",
        f'<tr><th scope="row"{left}>1 Linear</th><td{left}>1×300</td>'
        f"<td{right}>1,500</td><td{right}>1,200</td><td{right}>1,200</td></tr>",
        "</tbody>",
        f'<tfoot><tr><th scope="row"{left}>total</th><td{left}></td>'
        f"<td{right}>1,500</td><td{right}>1,200</td><td{right}>1,200</td></tr></tfoot>",
        "</table>",
    ]


def test_names_are_escaped_in_html():
    ledger = Ledger((1,), (LayerCost("<b>", (1,), 0, 0, 0),))
    assert ">&lt;b&gt;</th>" in ledger._repr_html_()


# Refusals


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * self.scale


class Pair(nn.Module):
    def forward(self, x):
        return x, x


class Broken(nn.Module):
    def forward(self, x):
        raise RuntimeError("out of order")


class BrokenAtOnce(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ReLU()

    def forward(self, x):
        raise RuntimeError("out of order")


class Sum(nn.Module):
    def forward(self, x, y):
        return x + y


class SumOfUnequal(nn.Module):
    def __init__(self):
        super().__init__()
        self.sum = Sum()

    def forward(self, x):
        return self.sum(x, x[:, :2])


class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        self.used = nn.Linear(2, 2)
        self.head = nn.Linear(2, 3)

    def forward(self, x):
        return self.used(x)


SHAPE = "cost_ledger: input_shape must be a tuple such as (1, 1, 28, 28)"
BATCH = "(which must include the batch axis, as in (1, 1, 28, 28))"
REFUSED = [
    # net, input shape, error, the message; … stands for torch's own words
    (
        LeNet(),
        (1, 28, 28),
        ValueError,
        "cost_ledger: layer 7 Linear on an input of shape (16, 25) failed with "
        f"input_shape (1, 28, 28) {BATCH}: …",
    ),
    (
        LeNet(),
        (1, 3, 28, 28),
        ValueError,
        "cost_ledger: layer 0 Conv2d on an input of shape (1, 3, 28, 28) failed with "
        f"input_shape (1, 3, 28, 28) {BATCH}: …",
    ),
    (
        nn.BatchNorm2d(3),
        (1, 3),
        ValueError,
        "cost_ledger: layer BatchNorm2d on an input of shape (1, 3) failed with "
        f"input_shape (1, 3) {BATCH}: expected 4D input…",
    ),
    (
        nn.Flatten(2),
        (3,),
        ValueError,
        "cost_ledger: layer Flatten on an input of shape (3,) failed with input_shape "
        f"(3,) {BATCH}: Dimension out of range…",
    ),
    (
        nn.Sequential(Block(), Broken()),
        (1, 2, 2, 2),
        ValueError,
        "cost_ledger: layer 1 Broken on an input of shape (1, 2, 2, 2) failed with "
        f"input_shape (1, 2, 2, 2) {BATCH}: out of order",
    ),
    (
        BrokenAtOnce(),
        (1, 2),
        ValueError,
        f"cost_ledger: the network failed with input_shape (1, 2) {BATCH}: out of "
        "order",
    ),
    (
        SumOfUnequal(),
        (1, 3),
        ValueError,
        "cost_ledger: layer sum Sum on an input of shape (1, 3), (1, 2) failed with "
        f"input_shape (1, 3) {BATCH}: …",
    ),
    (
        Scale(),
        (1, 2),
        TypeError,
        "cost_ledger cannot count layer Scale: it has parameters, but only "
        "convolutional, dense and normalisation layers and PReLU have a rule",
    ),
    (
        nn.Sequential(nn.Flatten(), Scale()),
        (1, 2),
        TypeError,
        "cost_ledger cannot count layer 1 Scale: it has parameters, but only "
        "convolutional, dense and normalisation layers and PReLU have a rule",
    ),
    (
        nn.Sequential(Pair()),
        (1, 2),
        TypeError,
        "cost_ledger: layer 0 Pair gives a tuple; only layers that give one tensor can "
        "be counted",
    ),
    (
        Forgetful(),
        (1, 2),
        ValueError,
        "cost_ledger: no layer that was used holds the parameters head.weight, "
        "head.bias; remove them or count the part of the network that is used",
    ),
    (
        nn.Sequential(nn.Flatten(), nn.LazyLinear(3)),
        (1, 2),
        ValueError,
        "cost_ledger: 1.weight belongs to a lazy layer and has no shape yet; run one "
        "batch through the net first",
    ),
    (
        [nn.Flatten()],
        (1, 2),
        TypeError,
        "cost_ledger: net must be a torch module; got list",
    ),
    (LeNet(), 28, TypeError, f"{SHAPE}, of whole numbers; got 28"),
    (LeNet(), "28", TypeError, f"{SHAPE}, of whole numbers; got '28'"),
    (LeNet(), (1, 2.0), TypeError, f"{SHAPE}, of whole numbers; got (1, 2.0)"),
    (LeNet(), (1, True), TypeError, f"{SHAPE}, of whole numbers; got (1, True)"),
    (LeNet(), (), ValueError, f"{SHAPE}, each at least 1; got ()"),
    (
        LeNet(),
        (0, 1, 28, 28),
        ValueError,
        f"{SHAPE}, each at least 1; got (0, 1, 28, 28)",
    ),
]


@pytest.mark.parametrize(("net", "input_shape", "error", "message"), REFUSED)
@checked
def test_what_cannot_be_counted_is_named(net, input_shape, error, message):
    whole = re.escape(message).replace("…", ".+")
    with pytest.raises(error, match=rf"(?s)^{whole}$"):
        cost_ledger(net, input_shape)
