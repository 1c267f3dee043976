"""A trained net that runs in the page: ``LeNetExplorer``."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as widgets
import traitlets

from . import picture
from .base import Explorer, dropdown, group, int_slider

SIDE = 28
BLANK = [0] * (SIDE * SIDE)
MOST_IMAGES = 100


class LeNetExplorer(Explorer, stem="lenet_explorer"):
    """Run a trained LeNet on test images and on a drawing; look into every layer.

    The page computes all maps itself from the net's real weights, which it carries in
    single precision (247 kB for LeNet); they agree with torch to 1e-5. Introduced in
    :doc:`/book/lenet`. All values are traits: the page's controls set them, and with a
    kernel Python reads and sets them, too.

    Parameters
    ----------
    net
        An ``nn.Sequential`` from ``(N, 1, 28, 28)`` to one score per class, made of
        ``Conv2d``, ``Linear``, ``AvgPool2d``, ``MaxPool2d``, ``Sigmoid``, ``Tanh``,
        ``ReLU`` and ``Flatten``. It is copied: later training does not change the
        explorer.
    images
        1 to 100 images, ``(N, 28, 28)`` or ``(N, 1, 28, 28)``; integers 0–255, or
        floats in [0, 1], which are kept with 256 grey levels.
    labels
        The true class of each image, shape ``(N,)``.
    classes
        The names of the classes; left out, those of Fashion-MNIST.

    Raises
    ------
    ValueError
        When the net has a layer that the page cannot compute, or images, labels and
        classes do not fit together.
    traitlets.TraitError
        When a value is out of its range.

    Examples
    --------
    >>> import torch
    >>> from course_lib.lenet import LeNet
    >>> explorer = LeNetExplorer(LeNet(), torch.rand(3, 1, 28, 28), [9, 0, 3])
    >>> explorer.probabilities.shape, explorer.parameters
    (torch.Size([10]), 61706)
    """

    title = "Inside the trained LeNet"
    prompt = (
        "<b>Try:</b> choose a test image, then paint into it. <b>Look for</b> the "
        "first layer whose maps you can no longer name, and for the stroke that "
        "changes the net's mind. Which layers hold the parameters, which do the "
        "arithmetic?"
    )

    image_index = traitlets.Int(0, min=0).tag(sync=True)
    layer = traitlets.Int(0, min=0).tag(sync=True)
    map = traitlets.Int(0, min=0).tag(sync=True)
    stretch = traitlets.Bool(True).tag(sync=True)
    drawing = traitlets.List(
        traitlets.Int(min=0, max=255), BLANK, minlen=SIDE * SIDE, maxlen=SIDE * SIDE
    ).tag(sync=True)
    _layers: Any = traitlets.List().tag(sync=True)
    _weights = traitlets.Bytes().tag(sync=True)
    _images = traitlets.Bytes().tag(sync=True)
    _labels = traitlets.List(traitlets.Int()).tag(sync=True)
    _classes = traitlets.List(traitlets.Unicode()).tag(sync=True)

    def __init__(
        self,
        net: Any,
        images: Any,
        labels: Any,
        *,
        classes: Sequence[str] | None = None,
    ) -> None:
        from course_lib.data import LABELS
        from course_lib.lenet import cost_ledger

        names = list(LABELS if classes is None else classes)
        grey = _grey_levels(images)
        truth = _labels_of(labels, len(grey), len(names))
        layers, weights = describe_net(net)
        self._net = copy.deepcopy(net).cpu().eval()
        self.ledger = cost_ledger(self._net, (1, 1, SIDE, SIDE))
        if self.ledger[-1].output_shape != (1, len(names)):
            raise ValueError(
                f"LeNetExplorer: the net gives {self.ledger[-1].output_shape[1:]} per "
                f"image; with {len(names)} classes it must give ({len(names)},)"
            )
        for layer, cost in zip(layers, self.ledger, strict=True):
            layer["output_shape"] = list(cost.output_shape[1:])
            layer["parameters"] = cost.parameters
            layer["multiply_adds"] = cost.multiply_adds
            layer["activation_bytes"] = cost.activation_bytes
        super().__init__(
            _layers=layers,
            _weights=weights,
            _images=grey.tobytes(),
            _labels=truth,
            _classes=names,
        )
        shown = [f"{i}: {names[label]}" for i, label in enumerate(truth)]
        pictures = [*shown, "your drawing"]
        most = max(layer["output_shape"][0] for layer in layers)
        self.compose(
            group(
                "Image",
                self.control("image_index", dropdown("image", pictures, 0)),
                self.control(
                    "stretch",
                    widgets.Checkbox(description="stretch each map", indent=False),
                ),
            ),
            group(
                "Enlarged",
                self.control(
                    "layer",
                    dropdown(
                        "layer",
                        [f"{i} {layer['title']}" for i, layer in enumerate(layers, 1)],
                        0,
                    ),
                ),
                self.control("map", int_slider("map or unit", 0, 0, most - 1)),
            ),
        )
        self.box.add_class("cnn-net")

    @traitlets.validate("image_index", "layer")
    def _exists(self, proposal: Any) -> int:
        name = proposal.trait.name
        # The index after the last image stands for the drawing.
        last = len(self._labels) if name == "image_index" else len(self._layers) - 1
        if self._layers and proposal.value > last:
            raise traitlets.TraitError(
                f"LeNetExplorer: {name} is {proposal.value}; it goes from 0 to {last}"
            )
        return int(proposal.value)

    # ------------------------------------------------------------- values

    @property
    def image(self) -> Any:
        """What the net sees, float32 tensor of shape (28, 28) in [0, 1]."""
        import torch

        if self.image_index == len(self._labels):
            pixels = torch.tensor(self.drawing, dtype=torch.uint8)
        else:
            start = self.image_index * SIDE * SIDE
            part = bytearray(self._images[start : start + SIDE * SIDE])
            pixels = torch.frombuffer(part, dtype=torch.uint8)
        return pixels.reshape(SIDE, SIDE) / 255

    @property
    def maps(self) -> list[Any]:
        """The output of every layer for the present image, without the batch axis."""
        import torch

        X = self.image[None, None]  # (1, 1, 28, 28)
        outputs = []
        with torch.no_grad():
            for layer in self._net:
                X = layer(X)
                outputs.append(X[0])
        return outputs

    @property
    def probabilities(self) -> Any:
        """The softmax of the net's scores, one per class; they add up to 1."""
        return self.maps[-1].softmax(0)

    @property
    def prediction(self) -> str:
        """The name of the most probable class."""
        return self._classes[int(self.probabilities.argmax())]

    @property
    def parameters(self) -> int:
        """Numbers that the net learnt."""
        return self.ledger.parameters

    # ------------------------------------------------------------ display

    def description(self) -> str:
        """Return the explorer's present state as one or two sentences."""
        own = self.image_index == len(self._labels)
        what = "your drawing" if own else f"test image {self.image_index}"
        chance = 100 * float(self.probabilities.max())
        return (
            f"The net says {self.prediction} with {chance:.1f} % for {what}. It has "
            f"{len(self._layers)} layers, {self.parameters:,} parameters and takes "
            f"{self.ledger.multiply_adds:,} multiply-adds per image."
        )

    def picture(self) -> str:
        """Return the image and the first layer's maps as an ``<svg>`` element."""
        image = self.image.tolist()
        maps = self.maps[0]
        panels = [
            picture.Panel(
                "input",
                SIDE,
                SIDE,
                lambda r, c: picture.grey(image[r][c]),
                role="input",
                cell=4.0,
            )
        ]
        for place, values in enumerate(maps[:6] if maps.ndim == 3 else []):
            rows, top = values.tolist(), float(values.abs().max()) or 1.0
            panels.append(
                picture.Panel(
                    f"map {place}",
                    len(rows),
                    len(rows[0]),
                    _shades(rows, top),
                    role="output",
                    cell=112 / max(len(rows), len(rows[0])),
                )
            )
        return picture.grids(self.description(), panels, gap=12.0)


def _shades(rows: list[list[float]], top: float) -> Callable[[int, int], Any]:
    return lambda r, c: picture.signed(rows[r][c], top)


# ------------------------------------------------------------ what is shipped


def describe_net(net: Any) -> tuple[list[dict[str, Any]], bytes]:
    """Return the layers as the page reads them, and all weights as float32 bytes.

    ``weight`` and ``bias`` of a layer are ``[first number, how many]`` in those bytes.

    Raises
    ------
    ValueError
        When a layer, or one of its settings, is not among what the page computes.

    """
    import numpy
    import torch
    from torch import nn

    if not isinstance(net, nn.Sequential) or len(net) == 0:
        raise ValueError(
            "LeNetExplorer: net must be an nn.Sequential with at least one layer; got "
            f"{type(net).__name__}"
        )
    numbers: list[Any] = []
    used = 0

    def keep(tensor: Any) -> list[int] | None:
        nonlocal used
        if tensor is None:
            return None
        flat = tensor.detach().to("cpu", torch.float32).flatten().numpy()
        numbers.append(flat)
        used += flat.size
        return [used - flat.size, flat.size]

    layers = []
    for place, layer in enumerate(net):
        entry = _layer(layer)
        if entry is None:
            raise ValueError(
                f"LeNetExplorer cannot compute layer {place}, {layer}, in the page; "
                "it knows Conv2d (zero padding, no dilation, no groups), Linear, "
                "AvgPool2d and MaxPool2d (no ceil_mode, no dilation), Sigmoid, Tanh, "
                "ReLU and Flatten"
            )
        if hasattr(layer, "weight"):
            entry |= {"weight": keep(layer.weight), "bias": keep(layer.bias)}
        layers.append(entry)
    flat = numpy.concatenate(numbers) if numbers else numpy.zeros(0, numpy.float32)
    return layers, flat.astype("<f4").tobytes()


def _layer(layer: Any) -> dict[str, Any] | None:
    """Describe one layer without its weights; ``None`` when the page cannot."""
    from torch import nn

    if isinstance(layer, nn.Conv2d):
        return _conv(layer)
    if isinstance(layer, nn.AvgPool2d | nn.MaxPool2d):
        return _pool(layer)
    if isinstance(layer, nn.Linear):
        title = f"dense {layer.in_features}→{layer.out_features}"
        size = {"in": layer.in_features, "out": layer.out_features}
        return {"kind": "linear", "title": title, **size}
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) == (1, -1):
        return {"kind": "flatten", "title": "flatten"}
    for kind, activation in (
        ("sigmoid", nn.Sigmoid),
        ("tanh", nn.Tanh),
        ("relu", nn.ReLU),
    ):
        if isinstance(layer, activation):
            return {"kind": kind, "title": kind if kind != "relu" else "ReLU"}
    return None


def _conv(layer: Any) -> dict[str, Any] | None:
    plain = layer.groups == 1 and layer.dilation == (1, 1)
    if not plain or layer.padding_mode != "zeros" or isinstance(layer.padding, str):
        return None
    kh, kw = layer.kernel_size
    return {
        "kind": "conv",
        "title": f"conv {layer.in_channels}→{layer.out_channels}, {kh}×{kw}",
        "in": layer.in_channels,
        "out": layer.out_channels,
        "kernel": [kh, kw],
        "stride": list(layer.stride),
        "padding": list(layer.padding),
    }


def _pool(layer: Any) -> dict[str, Any] | None:
    from torch import nn

    average = isinstance(layer, nn.AvgPool2d)
    plain = not layer.ceil_mode and _two(getattr(layer, "dilation", 1)) == [1, 1]
    if average:
        plain = plain and layer.count_include_pad and layer.divisor_override is None
    if not plain:
        return None
    kh, kw = _two(layer.kernel_size)
    return {
        "kind": "avg_pool" if average else "max_pool",
        "title": f"{'average' if average else 'max'} pool {kh}×{kw}",
        "kernel": [kh, kw],
        "stride": _two(layer.stride),
        "padding": _two(layer.padding),
    }


def _two(value: Any) -> list[int]:
    return list(value) if isinstance(value, tuple | list) else [value, value]


def _grey_levels(images: Any) -> Any:
    """Return the images as a numpy array (N, 28, 28) of bytes."""
    import torch

    X = torch.as_tensor(images).detach().cpu()
    if X.ndim == 4 and X.shape[1] == 1:
        X = X[:, 0]  # (N, 28, 28)
    if X.ndim != 3 or X.shape[1:] != (SIDE, SIDE) or not 1 <= len(X) <= MOST_IMAGES:
        raise ValueError(
            f"LeNetExplorer: images must be 1 to {MOST_IMAGES} images of 28×28, "
            f"(N, 28, 28) or (N, 1, 28, 28); got shape {tuple(X.shape)}"
        )
    scale = 255 if X.is_floating_point() else 1
    low, high = float(X.min()), float(X.max())
    if low < 0 or high * scale > 255:
        raise ValueError(
            f"LeNetExplorer: images hold values from {low:g} to {high:g}; floats must "
            "lie in [0, 1], integers in 0 to 255"
        )
    return (X * scale).round().to(torch.uint8).numpy()


def _labels_of(labels: Any, images: int, classes: int) -> list[int]:
    truth = [int(label) for label in labels]
    if len(truth) != images:
        raise ValueError(
            f"LeNetExplorer: {images} images need {images} labels; got {len(truth)}"
        )
    wrong = [label for label in truth if not 0 <= label < classes]
    if wrong:
        raise ValueError(
            f"LeNetExplorer: label {wrong[0]} is not one of the {classes} classes, "
            f"0 to {classes - 1}"
        )
    return truth
