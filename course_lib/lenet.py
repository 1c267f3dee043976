"""LeNet, its initialisation, and a ledger of what each layer of a network costs.

After Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, *Gradient-based learning applied to
document recognition*, 1998, in the simplified form that textbooks use.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from math import prod

import torch
from torch import Tensor, nn

from course_lib.convolution import Conv2D, is_whole


def LeNet() -> nn.Sequential:
    """Build LeNet for 1×28×28 images and ten classes: 61,706 parameters.

    Takes ``(N, 1, 28, 28)``, gives ``(N, 10)`` unnormalised scores. Weights are torch's
    defaults; ``net.apply(init_xavier)`` draws them as the course does. Introduced in
    :doc:`/book/lenet`.

    Examples
    --------
    >>> LeNet()(torch.rand(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    """
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2),  # (N, 6, 28, 28)
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),  # (N, 6, 14, 14)
        nn.Conv2d(6, 16, kernel_size=5),  # (N, 16, 10, 10)
        nn.Sigmoid(),
        nn.AvgPool2d(kernel_size=2, stride=2),  # (N, 16, 5, 5)
        nn.Flatten(),  # (N, 400)
        nn.Linear(16 * 5 * 5, 120),
        nn.Sigmoid(),
        nn.Linear(120, 84),
        nn.Sigmoid(),
        nn.Linear(84, 10),  # (N, 10)
    )


def init_xavier(module: nn.Module) -> None:
    """Draw the weights of one dense or convolutional layer as Glorot and Bengio do.

    For ``net.apply(init_xavier)``. Subclasses of ``nn.Linear``, ``nn.Conv1d``,
    ``nn.Conv2d`` and ``nn.Conv3d`` count; every other module, and every bias, is left
    alone. After X. Glorot and Y. Bengio, *Understanding the difficulty of training deep
    feedforward neural networks*, 2010. Introduced in :doc:`/book/lenet`.

    Raises
    ------
    ValueError
        When the layer is lazy and has no weights yet.
    TypeError
        When ``module`` is not a module.

    Examples
    --------
    >>> net = LeNet().apply(init_xavier)
    >>> bool(net[0].weight.abs().max() <= (6 / (25 * (1 + 6))) ** 0.5)
    True
    """
    if not isinstance(module, nn.Module):
        raise TypeError(
            f"init_xavier takes a module, as net.apply(init_xavier) passes it; got "
            f"{type(module).__name__}"
        )
    if not isinstance(module, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        return
    if nn.parameter.is_lazy(module.weight):
        raise ValueError(
            f"{type(module).__name__} has no weights to initialise yet: a lazy layer "
            "gets them from its first input; run one batch through the net first, then "
            "net.apply(init_xavier)"
        )
    nn.init.xavier_uniform_(module.weight)


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs; :func:`cost_ledger` makes them.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    name
        Its path in the network and its class, such as ``"0 Conv2d"``.
    output_shape
        Shape of its output, batch axis included.
    parameters
        Numbers it learns, biases included. A shared one counts at its first use.
    multiply_adds
        Multiplications with their additions in convolutional and dense layers. The
        additions of biases are left out, and elementwise and pooling layers count 0.
    activation_bytes
        Memory of its output in bytes; 0 where the output only views the input.
    """

    name: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    activation_bytes: int


@dataclass(frozen=True, repr=False)
class Ledger:
    """The costs of all layers in the order of their use; prints as a table.

    A sequence of :class:`LayerCost`: ``len``, indexing and loops work. Introduced in
    :doc:`/book/lenet`.

    Parameters
    ----------
    input_shape
        Shape of the input that the costs are for, batch axis included.
    layers
        One entry per layer used.

    Examples
    --------
    >>> ledger = cost_ledger(LeNet(), (1, 1, 28, 28))
    >>> ledger.parameters, ledger.multiply_adds
    (61706, 416520)
    """

    input_shape: tuple[int, ...]
    layers: tuple[LayerCost, ...]

    @property
    def parameters(self) -> int:
        """Numbers that the network learns."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one forward pass over the whole batch."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def activation_bytes(self) -> int:
        """Memory of all layers' outputs together, in bytes; the input is left out."""
        return sum(layer.activation_bytes for layer in self.layers)

    def __len__(self) -> int:
        return len(self.layers)

    def __iter__(self) -> Iterator[LayerCost]:
        return iter(self.layers)

    def __getitem__(self, place: int) -> LayerCost:
        return self.layers[place]

    def __str__(self) -> str:
        rows = [_HEADINGS, *self._rows()]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [_aligned(row, widths) for row in rows]
        rule = "-" * len(lines[0])
        return "\n".join(
            [f"{self._caption()}:", lines[0], rule, *lines[1:-1], rule, lines[-1]]
        )

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Give the table that notebooks show."""
        *body, total = self._rows()
        return "\n".join(
            [
                '<table class="cost-ledger">',
                f"<caption>{escape(self._caption())}</caption>",
                f"<thead>{_html_row(_HEADINGS, 'col')}</thead>",
                "<tbody>",
                *(_html_row(row) for row in body),
                "</tbody>",
                f"<tfoot>{_html_row(total)}</tfoot>",
                "</table>",
            ]
        )

    def _caption(self) -> str:
        return f"Cost of each layer for an input of shape {_shape(self.input_shape)}"

    def _rows(self) -> list[tuple[str, ...]]:
        """Give the cells of all layers and of the total as text."""
        rows = [
            (
                layer.name,
                _shape(layer.output_shape),
                f"{layer.parameters:,}",
                f"{layer.multiply_adds:,}" if layer.multiply_adds else "–",
                f"{layer.activation_bytes:,}",
            )
            for layer in self.layers
        ]
        total = (self.parameters, self.multiply_adds, self.activation_bytes)
        return [*rows, ("total", "", *(f"{number:,}" for number in total))]


def cost_ledger(net: nn.Module, input_shape: Sequence[int]) -> Ledger:
    """Count what each layer of a network costs, without computing a single number.

    A copy of the network without data is run in evaluation mode on torch's ``meta``
    device; the network itself is not touched. Rows follow the order of use, so a layer
    used twice has two. Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    net
        A network of convolutional (1-D to 3-D, with any stride, padding, dilation and
        groups), dense, normalisation, pooling, activation, dropout and shape layers.
    input_shape
        Shape of a whole input, batch axis included; ``(1, 1, 28, 28)`` gives the costs
        of one image.

    Raises
    ------
    ValueError
        When the input does not fit the network (the message names the layer), a lazy
        layer has no weights yet, or parameters exist that no layer's row counts.
    TypeError
        When a layer with parameters is of a kind the ledger cannot count.

    Examples
    --------
    >>> print(cost_ledger(nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (1, 28, 28)))
    Cost of each layer for an input of shape 1×28×28:
    layer      output shape  parameters  multiply-adds  activation bytes
    --------------------------------------------------------------------
    0 Flatten  1×784                  0              –                 0
    1 Linear   1×10               7,850          7,840                40
    --------------------------------------------------------------------
    total                         7,850          7,840                40
    """
    shape = _checked_shape(input_shape)
    if not isinstance(net, nn.Module):
        raise TypeError(
            f"cost_ledger: net must be a torch module; got {type(net).__name__}"
        )
    for name, parameter in net.named_parameters():
        if nn.parameter.is_lazy(parameter):
            raise ValueError(
                f"cost_ledger: {name} belongs to a lazy layer and has no shape yet; "
                "run one batch through the net first"
            )
    return Ledger(shape, tuple(_Recorder(_without_data(net)).run(shape)))


class _Recorder:
    """Runs a network once and writes down what each of its layers did."""

    def __init__(self, net: nn.Module) -> None:
        self.net = net
        self.names = {layer: name for name, layer in _layers(net)}
        self.costs: list[LayerCost] = []
        self.uncounted = {id(p): name for name, p in net.named_parameters()}
        self.entered = "the network"

    def run(self, shape: tuple[int, ...]) -> list[LayerCost]:
        """Feed an input without data; return one cost per layer used."""
        for layer in self.names:
            layer.register_forward_pre_hook(self.enter)
            layer.register_forward_hook(self.leave)
        X = torch.empty(shape, dtype=_input_type(self.net), device="meta")
        try:
            with torch.no_grad():
                self.net(X)
        except (RuntimeError, ValueError, IndexError) as error:
            raise ValueError(
                f"cost_ledger: {self.entered} failed with input_shape {shape} (which "
                f"must include the batch axis, as in (1, 1, 28, 28)): {error}"
            ) from error
        if self.uncounted:
            raise ValueError(
                "cost_ledger: no layer that was used holds the parameters "
                f"{', '.join(self.uncounted.values())}; remove them or count the part "
                "of the network that is used"
            )
        return self.costs

    def enter(self, layer: nn.Module, inputs: tuple) -> None:
        """Remember which layer is at work, for the error message."""
        shapes = ", ".join(str(tuple(x.shape)) for x in inputs if _is_tensor(x))
        self.entered = f"layer {self.names[layer]} on an input of shape {shapes}"

    def leave(self, layer: nn.Module, inputs: tuple, output: object) -> None:
        """Write down the cost of a layer that has just run."""
        name = self.names[layer]
        if not isinstance(output, Tensor):
            raise TypeError(
                f"cost_ledger: layer {name} gives a {type(output).__name__}; only "
                "layers that give one tensor can be counted"
            )
        new = [p for p in layer.parameters() if self.uncounted.pop(id(p), None)]
        self.costs.append(
            LayerCost(
                name=name,
                output_shape=tuple(output.shape),
                parameters=sum(p.numel() for p in new),
                multiply_adds=_multiply_adds(name, layer, output),
                activation_bytes=0
                if any(_shares_memory(output, x) for x in inputs if _is_tensor(x))
                else output.numel() * output.element_size(),
            )
        )


def _multiply_adds(name: str, layer: nn.Module, output: Tensor) -> int:
    """Count what one layer multiplies and adds for an output of this shape."""
    if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        window = layer.in_channels // layer.groups * prod(layer.kernel_size)
        return output.numel() * window
    if isinstance(layer, nn.Linear):
        return output.numel() * layer.in_features
    if isinstance(layer, Conv2D):
        return output.numel() * layer.weight.numel()
    if isinstance(layer, _ELEMENTWISE) or next(layer.parameters(), None) is None:
        return 0
    raise TypeError(
        f"cost_ledger cannot count layer {name}: it has parameters, but only "
        "convolutional, dense and normalisation layers and PReLU have a rule"
    )


_MULTIPLYING = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, Conv2D)
_ELEMENTWISE = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.PReLU,
)


def _layers(module: nn.Module, path: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Walk to the layers: what has a rule, or has nothing inside."""
    children = list(module.named_children())
    if isinstance(module, _MULTIPLYING) or not children:
        yield f"{path} {type(module).__name__}".strip(), module
    else:
        for name, child in children:
            yield from _layers(child, f"{path}.{name}" if path else name)


def _without_data(net: nn.Module) -> nn.Module:
    """Copy a network onto the meta device without ever copying its numbers."""
    empty: dict[int, object] = {}
    for parameter in net.parameters():
        shape = torch.empty_like(parameter, device="meta")
        empty[id(parameter)] = nn.Parameter(shape, parameter.requires_grad)
    for buffer in net.buffers():
        empty[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(net, empty).eval()


def _input_type(net: nn.Module) -> torch.dtype:
    """Give the type of the network's first parameter, or torch's default."""
    first = next(net.parameters(), None)
    return torch.get_default_dtype() if first is None else first.dtype


def _is_tensor(value: object) -> bool:
    return isinstance(value, Tensor)


def _shares_memory(output: Tensor, x: Tensor) -> bool:
    """Tell whether an output is its input, changed in place or reshaped."""
    base = x if x._base is None else x._base
    return output is x or output._base is base


def _checked_shape(input_shape: object) -> tuple[int, ...]:
    """Return the shape as a tuple of positive ints, or say what is wrong with it."""
    wanted = "cost_ledger: input_shape must be a tuple such as (1, 1, 28, 28)"
    if not isinstance(input_shape, Sequence) or not all(map(is_whole, input_shape)):
        raise TypeError(f"{wanted}, of whole numbers; got {input_shape!r}")
    if not input_shape or min(input_shape) < 1:
        raise ValueError(f"{wanted}, each at least 1; got {tuple(input_shape)}")
    return tuple(map(int, input_shape))


_HEADINGS = ("layer", "output shape", "parameters", "multiply-adds", "activation bytes")


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    """Set words to the left and numbers to the right of their columns."""
    cells = [
        f"{cell:<{width}}" if place < 2 else f"{cell:>{width}}"
        for place, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells)


def _html_row(cells: Sequence[str], scope: str = "row") -> str:
    """Write one row; its first cell, or in the head every cell, is a header."""
    html = ""
    for place, cell in enumerate(cells):
        align = f' style="text-align: {"left" if place < 2 else "right"}"'
        if scope == "col" or place == 0:
            html += f'<th scope="{scope}"{align}>{escape(cell)}</th>'
        else:
            html += f"<td{align}>{escape(cell)}</td>"
    return f"<tr>{html}</tr>"
