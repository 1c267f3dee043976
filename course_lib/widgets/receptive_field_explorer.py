"""What a unit of a deep layer sees of the image: ``ReceptiveFieldExplorer``."""

from collections.abc import Sequence
from typing import Any

import traitlets

from course_lib.geometry import ReceptiveField, Window, output_size, receptive_field

from . import images, picture
from .base import Explorer, dropdown, from_front_end, group, int_slider

Layer = dict[str, Any]

RANGES = {"kernel": (1, 7), "stride": (1, 4), "padding": (0, 5), "dilation": (1, 4)}
DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1}
DEEPEST = 8


def _layer(kernel: int, name: str | None = None, **numbers: int) -> Layer:
    layer: Layer = {"kernel": kernel, **DEFAULTS, **numbers}
    return layer if name is None else {**layer, "name": name}


LENET = [
    _layer(5, "conv 5×5", padding=2),
    _layer(2, "pool 2×2", stride=2),
    _layer(5, "conv 5×5"),
    _layer(2, "pool 2×2", stride=2),
    _layer(5, "dense"),
]
PRESETS = {
    "two layers, 3×3": [_layer(3) for _ in range(2)],
    "three layers, 3×3": [_layer(3) for _ in range(3)],
    "one layer, 7×7": [_layer(7)],
    "three layers, stride 2": [_layer(3, stride=2, padding=1) for _ in range(3)],
    "dilations 1, 2 and 4": [_layer(3, dilation=d, padding=d) for d in (1, 2, 4)],
    "LeNet": LENET,
}
SHOWN = ["the window", "routes to the unit"]


class ReceptiveFieldExplorer(Explorer, stem="receptive_field_explorer"):
    """Edit a stack of layers, choose a unit anywhere, see its window in the image.

    Introduced in :doc:`/book/image-convolution`; :doc:`/book/lenet` passes its trained
    net. All values are traits: the page's controls set them, and with a kernel Python
    reads and sets them, too.

    Parameters
    ----------
    stack
        A preset by name (``"two layers, 3×3"``, ``"three layers, 3×3"``,
        ``"one layer, 7×7"``, ``"three layers, stride 2"``, ``"dilations 1, 2 and 4"``,
        ``"LeNet"``), or 1 to 8 layers, each a
        :class:`~course_lib.geometry.Window` with equal padding on both sides or a dict
        with ``kernel`` (1–7) and, if wanted, ``stride`` (1–4), ``padding`` (0–5) and
        ``dilation`` (1–4). Left out, it is the net's own, or else three 3×3 layers.
    net
        A trained ``nn.Sequential`` of square convolutional and pooling layers with
        activations between them; its first dense layer, if any, counts as a
        convolution over the whole map. Adds the preset "the trained net" and the
        gradients of its units.
    images
        Images for the gradients, shape ``(N, c, H, H)``, in the range that the net was
        trained on; 32 are plenty. Needed with ``net``, ignored without.
    size
        Height and width of the image, 4 to 32; with ``net`` that of ``images``.

    Raises
    ------
    ValueError
        When a preset is unknown, or a layer of the net cannot be drawn.
    traitlets.TraitError
        When a number is out of its range.

    Examples
    --------
    >>> explorer = ReceptiveFieldExplorer("three layers, 3×3")
    >>> explorer.field.size, explorer.output_size
    (7, 22)
    """

    title = "What does this unit see?"
    prompt = (
        "<b>Try:</b> choose a unit in any layer, then one at the border. "
        "<b>Look for</b> its window in the image, and where it leaves it. Three layers "
        "of 3×3 against one of 7×7: which sees more, and which pixels count most "
        "(<b>show</b>: routes)?"
    )

    preset_index = traitlets.Int(1, min=0).tag(sync=True)
    show_index = traitlets.Int(0, min=0, max=2).tag(sync=True)
    size = traitlets.Int(28, min=4, max=32).tag(sync=True)
    level = traitlets.Int(3, min=1, max=DEEPEST).tag(sync=True)
    stack = traitlets.List(traitlets.Dict(), minlen=1, maxlen=DEEPEST).tag(sync=True)
    unit = traitlets.List(traitlets.Int(min=0), [0, 0], minlen=2, maxlen=2).tag(
        sync=True
    )
    _presets: Any = traitlets.List().tag(sync=True)
    _picture = traitlets.Bytes().tag(sync=True)
    _gradient = traitlets.Dict().tag(sync=True)
    _gradient_maps = traitlets.Bytes().tag(sync=True)

    def __init__(
        self,
        stack: str | Sequence[Window | Layer] | None = None,
        *,
        net: Any = None,
        images: Any = None,
        size: int = 28,
    ) -> None:
        presets, gradient, maps = dict(PRESETS), {}, b""
        if net is not None:
            own, size, maps = trained_fields(net, images)
            presets = {"the trained net": own} | presets
            gradient = {"stack": own, "size": size}
        chosen = _chosen(stack, presets, has_net=net is not None)
        super().__init__(
            size=size,
            stack=chosen,
            level=len(chosen),
            show_index=2 if net is not None else 0,
            _presets=[
                {"stack": layers, **({"size": size} if net is not None else {})}
                for layers in presets.values()
            ],
            _picture=_boot_bytes(),
            _gradient=gradient,
            _gradient_maps=maps,
        )
        self.preset_index = self._find(self.stack)
        middle = max(0, (self.output_size - 1) // 2)
        self.unit = [middle, middle]
        shown = [*SHOWN, "gradient of the trained net"] if net is not None else SHOWN
        self.compose(
            group(
                "Stack",
                self.control(
                    "preset_index",
                    dropdown("preset", [*presets, "your own"], self.preset_index),
                ),
                self.control("size", int_slider("image", size, 4, 32)),
            ),
            group(
                "Unit",
                self.control("level", int_slider("layer", self.level, 1, DEEPEST)),
                self.control(
                    "show_index", dropdown("show", list(shown), self.show_index)
                ),
            ),
        )
        self.box.add_class("cnn-fields")

    # ------------------------------------------------------------- values

    @property
    def windows(self) -> list[Window]:
        """The layers up to the chosen one, as :mod:`course_lib.geometry` knows them."""
        return [
            Window(
                layer["kernel"], layer["stride"], layer["padding"], layer["dilation"]
            )
            for layer in self.stack[: self.level]
        ]

    @property
    def field(self) -> ReceptiveField:
        """The receptive field of the chosen layer's units, along either axis."""
        return receptive_field(self.windows)

    @property
    def output_size(self) -> int:
        """Units of the chosen layer along either axis; 0 when it does not fit."""
        n = self.size
        for window in self.windows:
            try:
                n = output_size(
                    n,
                    window.kernel_size,
                    padding=window.padding,
                    stride=window.stride,
                    dilation=window.dilation,
                )
            except ValueError:
                return 0
        return n

    @property
    def intervals(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """First and last row, first and last column of the chosen unit's window."""
        field = self.field
        return field.interval(self.unit[0]), field.interval(self.unit[1])

    @traitlets.validate("stack")
    def _check_stack(self, proposal: Any) -> list[Layer]:
        return [_checked(place, layer) for place, layer in enumerate(proposal.value, 1)]

    @traitlets.validate("preset_index")
    def _preset_exists(self, proposal: Any) -> int:
        if self._presets and proposal.value > len(self._presets):
            raise traitlets.TraitError(
                f"preset_index is {proposal.value}; there are {len(self._presets)} "
                f"presets, and {len(self._presets)} stands for a stack of your own"
            )
        return int(proposal.value)

    # What the page does when a value changes, for values that Python changes.

    @traitlets.observe("preset_index")
    def _load_preset(self, change: Any) -> None:
        if from_front_end(self, change.name) or change.new >= len(self._presets):
            return
        preset = self._presets[change.new]
        if _numbers(preset["stack"]) != _numbers(self.stack):
            self.size = preset.get("size", self.size)
            self.stack = preset["stack"]
            self.level = len(self.stack)
            middle = max(0, (self.output_size - 1) // 2)
            self.unit = [middle, middle]

    @traitlets.observe("stack")
    def _name_preset(self, change: Any) -> None:
        if not from_front_end(self, change.name) and self._presets:
            self.preset_index = self._find(change.new)

    def _find(self, stack: list[Layer]) -> int:
        known = [_numbers(preset["stack"]) for preset in self._presets]
        return known.index(_numbers(stack)) if _numbers(stack) in known else len(known)

    # ------------------------------------------------------------ display

    def description(self) -> str:
        """Return the explorer's present state as one or two sentences."""
        if self.output_size == 0:
            return (
                f"The stack of {len(self.stack)} layers does not fit into an image of "
                f"{self.size}×{self.size}."
            )
        (top, bottom), (left, right) = self.intervals
        k, n = self.field.size, self.output_size
        rows, columns = f"{top} to {bottom}", f"{left} to {right}"
        return (
            f"Unit (row {self.unit[0]}, column {self.unit[1]}) of layer "
            f"{self.level}, {n}×{n}, sees {k}×{k} pixels of the "
            f"{self.size}×{self.size} image: rows {rows}, columns {columns}."
        ).replace("-", "−")

    def picture(self) -> str:
        """Return the image with the unit's window, and its layer, as an ``<svg>``."""
        n, units = self.size, self.output_size
        (top, bottom), (left, right) = self.intervals
        boot = images.boot()

        def shade(r: int, c: int) -> picture.Colour:
            return picture.grey(boot[r * 28 // n][c * 28 // n])

        first, last = max(0, top), min(n - 1, bottom)
        start, stop = max(0, left), min(n - 1, right)
        frame = (first, start, last - first + 1, stop - start + 1, "accent")
        panels = [
            picture.Panel(f"input, {n}×{n}", n, n, shade, role="input", cell=8.0,
                          frames=[frame] if units else [])
        ]  # fmt: skip
        if units:
            panels.append(
                picture.Panel(
                    f"layer {self.level}, {units}×{units}",
                    units,
                    units,
                    lambda r, c: picture.NEUTRAL,
                    role="output",
                    cell=max(6.0, min(22.0, 132 / units)),
                    frames=[(self.unit[0], self.unit[1], 1, 1, "output")],
                )
            )
        return picture.grids(self.description(), panels)


# ------------------------------------------------------------------- stacks


def _chosen(stack: Any, presets: dict[str, Any], *, has_net: bool) -> list[Layer]:
    if stack is None:
        return presets["the trained net" if has_net else "three layers, 3×3"]
    if isinstance(stack, str):
        if stack not in presets:
            names = ", ".join(map(repr, presets))
            raise ValueError(
                f"ReceptiveFieldExplorer: no preset {stack!r}; choose one of {names}, "
                "or pass the layers"
            )
        return presets[stack]
    return [_from_window(layer) for layer in stack]


def _from_window(layer: Any) -> Layer:
    if not isinstance(layer, Window):
        return layer
    before, after = (
        layer.padding if isinstance(layer.padding, tuple) else (layer.padding,) * 2
    )
    if before != after:
        raise ValueError(
            "ReceptiveFieldExplorer: padding must be equal on both sides; got "
            f"{layer.padding}"
        )
    return _layer(
        layer.kernel_size,
        stride=layer.stride,
        padding=before,
        dilation=layer.dilation,
    )


def _checked(place: int, layer: Any) -> Layer:
    """Return the layer with all its numbers, or raise ``TraitError``."""
    if not isinstance(layer, dict) or "kernel" not in layer:
        raise traitlets.TraitError(
            f"stack: layer {place} is {layer!r}; pass a dict such as "
            "{'kernel': 3, 'stride': 1, 'padding': 0, 'dilation': 1} or a Window"
        )
    unknown = sorted(set(layer) - set(RANGES) - {"name"})
    if unknown:
        raise traitlets.TraitError(
            f"stack: layer {place} has {unknown[0]!r}; it takes {', '.join(RANGES)}"
        )
    full = {**DEFAULTS, **layer}
    for key, (low, high) in RANGES.items():
        value = full[key]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            raise traitlets.TraitError(
                f"stack: {key} of layer {place} is {value!r}; it is a whole number "
                f"from {low} to {high}"
            )
    return full


def _numbers(stack: Sequence[Layer]) -> list[tuple[int, ...]]:
    return [tuple(layer[key] for key in RANGES) for layer in stack]


def _boot_bytes() -> bytes:
    return bytes(round(255 * value) for row in images.boot() for value in row)


# ---------------------------------------------------------------- gradients


def trained_fields(net: Any, images: Any) -> tuple[list[Layer], int, bytes]:
    """Return a net's stack, its image size, and how far each pixel moves each unit.

    For every unit of every layer of the stack the bytes hold the window of its
    receptive field, row by row: the root of the mean square, over images and channels,
    of the unit's gradient with respect to the pixel, scaled so that the largest is 255.

    Channels are joined with random signs. In the square the mixed terms cancel on
    average, so one backward pass serves all channels; and units whose windows do not
    overlap share a pass, too.

    Raises
    ------
    ValueError
        When ``images`` is missing or not square, or a layer cannot be drawn.

    """
    import torch

    if images is None or images.ndim != 4 or images.shape[2] != images.shape[3]:
        got = "None" if images is None else f"shape {tuple(images.shape)}"
        raise ValueError(
            "ReceptiveFieldExplorer: with a net, images must have the shape "
            f"(N, c, H, H) of what the net was trained on; got {got}"
        )
    size = images.shape[-1]
    device = next(net.parameters()).device
    X = images.detach().to(device, torch.float32).requires_grad_()  # (N, c, H, H)
    stack, outputs = _run(net, X)
    signs = torch.Generator().manual_seed(0)
    maps = [
        _unit_maps(X, Y, receptive_field(_windows(stack[:level])), signs)
        for level, Y in enumerate(outputs, 1)
    ]
    return stack, size, b"".join(maps)


def _windows(stack: Sequence[Layer]) -> list[Window]:
    return [Window(*(layer[key] for key in RANGES)) for layer in stack]


def _run(net: Any, X: Any) -> tuple[list[Layer], list[Any]]:
    """Run the net up to its first dense layer; keep what each window layer gives."""
    from torch import nn

    if not isinstance(net, nn.Sequential):
        raise ValueError(
            "ReceptiveFieldExplorer: net must be an nn.Sequential; got "
            f"{type(net).__name__}"
        )
    training = net.training
    net.eval()
    stack: list[Layer] = []
    outputs: list[Any] = []
    height = X.shape[-1]
    for layer in net:
        Y = layer(X)
        if isinstance(layer, nn.Linear):
            stack.append(_layer(height, "dense"))
            outputs.append(Y[:, :, None, None])  # (N, units, 1, 1)
            break
        if isinstance(layer, nn.Conv2d | nn.AvgPool2d | nn.MaxPool2d):
            stack.append(_square(layer))
            outputs.append(Y)  # (N, c_o, H', H')
            height = Y.shape[-1]
        X = Y
    net.train(training)
    for place, described in enumerate(stack, 1):
        try:
            _checked(place, described)
        except traitlets.TraitError as error:
            raise ValueError(f"ReceptiveFieldExplorer: {error}") from None
    return stack, outputs


def _square(layer: Any) -> Layer:
    """Describe a convolutional or pooling layer that treats both axes alike."""
    numbers = {}
    for key, attribute in (
        ("kernel", "kernel_size"),
        ("stride", "stride"),
        ("padding", "padding"),
        ("dilation", "dilation"),
    ):
        value = getattr(layer, attribute, 1)
        down, across = value if isinstance(value, tuple) else (value, value)
        if down != across or isinstance(down, str):
            raise ValueError(
                f"ReceptiveFieldExplorer draws layers that treat both axes alike; got "
                f"{layer} with {attribute}={value!r}"
            )
        numbers[key] = down
    k = numbers.pop("kernel")
    kind = "conv" if hasattr(layer, "out_channels") else "pool"
    return _layer(k, f"{kind} {k}×{k}", **numbers)


def _unit_maps(X: Any, Y: Any, field: ReceptiveField, generator: Any) -> bytes:
    """Return one window of gradients per unit of Y, shape (N, c_o, h, h), as bytes."""
    import torch

    _, _, h, _ = Y.shape
    signs = torch.randint(0, 2, (*Y.shape[:2], 1, 1), generator=generator) * 2 - 1
    Y = Y * signs.to(Y.device)
    apart = -(-field.size // field.stride)  # units this far apart share no pixel
    windows: dict[tuple[int, int], bytes] = {}
    for a in range(min(apart, h)):
        for b in range(min(apart, h)):
            together = Y[:, :, a::apart, b::apart].sum()
            (gradient,) = torch.autograd.grad(together, X, retain_graph=True)
            strength = gradient.square().sum(1).mean(0).sqrt().cpu()  # (H, H)
            for i in range(a, h, apart):
                for j in range(b, h, apart):
                    windows[i, j] = _cut(strength, field, i, j)
    return b"".join(windows[i, j] for i in range(h) for j in range(h))


def _cut(strength: Any, field: ReceptiveField, i: int, j: int) -> bytes:
    """Return the window of unit (i, j), zero outside the image, largest value 255."""
    import torch

    n, k = strength.shape[-1], field.size
    window = torch.zeros(k, k)
    (top, _), (left, _) = field.interval(i), field.interval(j)
    r, c = max(0, top), max(0, left)
    inside = strength[r : min(n, top + k), c : min(n, left + k)]
    window[
        r - top : r - top + inside.shape[0], c - left : c - left + inside.shape[1]
    ] = inside
    largest = float(window.max()) or 1.0
    return bytes((window * (255 / largest)).round().to(torch.uint8).flatten().tolist())
