"""One image, one kernel, one window that multiplies and adds."""

from typing import Any

import traitlets

from . import images, picture
from .base import Explorer, dropdown, from_front_end, group, int_slider
from .matrix import Matrix

IMAGES = {
    "edges (6 × 8)": images.edges,
    "ankle boot (28 × 28)": images.boot,
    "landscape (24 × 32)": images.landscape,
}
SHORT_NAMES = ("edges", "boot", "landscape")
KERNELS = {
    "edge [1, −1]": [[1.0, -1.0]],
    "Sobel, vertical edges": [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]],
    "Sobel, horizontal edges": [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]],
    "blur": [[1 / 9] * 3 for _ in range(3)],
    "sharpen": [[0.0, -1.0, 0.0], [-1.0, 5.0, -1.0], [0.0, -1.0, 0.0]],
    "identity": [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]],
    # What ten steps at learning rate 0.03 find on average over 2,000 random starts.
    "learned": [[0.988, -0.989]],
}
KERNEL_NAMES = (
    "edge",
    "sobel vertical",
    "sobel horizontal",
    "blur",
    "sharpen",
    "identity",
    "learned",
)
OPERATIONS = ("cross-correlation", "convolution")
OWN = "your own"


class KernelExplorer(Explorer, stem="kernel_explorer"):
    """Slide a kernel over an image and watch the products and their sum.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    image
        ``"edges"``, ``"boot"``, ``"landscape"``, or a matrix (nested lists, array or
        tensor) of at most 32 × 32 values in [0, 1]; white is 1.
    kernel
        ``"edge"``, ``"sobel vertical"``, ``"sobel horizontal"``, ``"blur"``,
        ``"sharpen"``, ``"identity"``, ``"learned"``, or a matrix of at most 7 × 7.
    operation
        ``"cross-correlation"`` or ``"convolution"`` (the kernel flipped both ways).
    learned
        What the preset "learned" holds; pass ``conv2d.weight`` after training.

    Raises
    ------
    ValueError
        If a name is not one of those above.
    traitlets.TraitError
        If a matrix is too large, ragged, not finite, or outside [0, 1].

    Examples
    --------
    >>> explorer = KernelExplorer()
    >>> explorer.output_size
    (6, 7)
    >>> explorer.output[0]
    [0.0, 1.0, 0.0, 0.0, 0.0, -1.0, 0.0]

    """

    title = "A kernel at work"
    prompt = (
        "<b>Try:</b> move the window over the image – by pointer, or with the arrow "
        "keys – then change a weight. <b>Look for</b> where the output is not zero, "
        "and with which sign. Transpose the edge kernel (one column, two rows): why "
        "does every edge vanish?"
    )

    image = Matrix(images.edges(), rows=32, columns=32, low=0.0, high=1.0).tag(
        sync=True
    )
    image_index = traitlets.Int(0, min=0, max=3).tag(sync=True)
    kernel = Matrix(KERNELS["edge [1, −1]"], rows=7, columns=7).tag(sync=True)
    kernel_index = traitlets.Int(0, min=0, max=7).tag(sync=True)
    kernel_height = traitlets.Int(1, min=1, max=7).tag(sync=True)
    kernel_width = traitlets.Int(2, min=1, max=7).tag(sync=True)
    operation_index = traitlets.Int(0, min=0, max=1).tag(sync=True)
    row = traitlets.Int(0, min=0).tag(sync=True)
    column = traitlets.Int(1, min=0).tag(sync=True)

    _images: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _kernels: traitlets.List[Any] = traitlets.List().tag(sync=True)

    def __init__(
        self,
        image: Any = "edges",
        kernel: Any = "edge",
        *,
        operation: str = "cross-correlation",
        learned: Any = None,
    ) -> None:
        kernels = list(KERNELS.values())
        if learned is not None:
            # A trait knows its name only in a class; borrow the kernel's rules.
            kernels[-1] = type(self).kernel.validate(self, learned)
        presets = [make() for make in IMAGES.values()]
        image_index = _named("image", image, SHORT_NAMES)
        kernel_index = _named("kernel", kernel, KERNEL_NAMES)
        super().__init__(_images=presets, _kernels=kernels)
        self.operation = operation
        self.image = image if image_index is None else presets[image_index]
        self.kernel = kernel if kernel_index is None else kernels[kernel_index]
        self.image_index = 3 if image_index is None else image_index
        self.kernel_index = 7 if kernel_index is None else kernel_index
        self.compose(
            group(
                "",
                self.control("image_index", dropdown("image", [*IMAGES, OWN], 0)),
                self.control(
                    "operation_index",
                    dropdown("operation", ["cross-correlation", "true convolution"], 0),
                ),
            ),
            group(
                "",
                self.control("kernel_index", dropdown("kernel", [*KERNELS, OWN], 0)),
                self.control("kernel_height", int_slider("kernel height", 1, 1, 7)),
                self.control("kernel_width", int_slider("kernel width", 1, 1, 7)),
            ),
        )

    # ------------------------------------------------------------- values

    @property
    def operation(self) -> str:
        """The operation by name: "cross-correlation" or "convolution"."""
        return OPERATIONS[self.operation_index]

    @operation.setter
    def operation(self, name: str) -> None:
        if name not in OPERATIONS:
            raise ValueError(f"operation is {name!r}; choose one of {OPERATIONS}")
        self.operation_index = OPERATIONS.index(name)

    @property
    def output_size(self) -> tuple[int, int]:
        """Height and width of the output; zero where the kernel does not fit."""
        return (
            max(len(self.image) - len(self.kernel) + 1, 0),
            max(len(self.image[0]) - len(self.kernel[0]) + 1, 0),
        )

    @property
    def output(self) -> list[list[float]]:
        """The output as rows of numbers; no rows when the kernel does not fit."""
        kernel = self.kernel
        if self.operation == "convolution":
            kernel = [row[::-1] for row in kernel[::-1]]
        height, width = self.output_size
        if height == 0 or width == 0:
            return []
        return [
            [
                sum(
                    self.image[i + a][j + b] * weight
                    for a, weights in enumerate(kernel)
                    for b, weight in enumerate(weights)
                )
                for j in range(width)
            ]
            for i in range(height)
        ]

    # What the page does when a value changes, for values that Python changes.

    @traitlets.observe("image_index")
    def _load_image(self, change: Any) -> None:
        if not from_front_end(self, change.name) and change.new < len(self._images):
            self.image = self._images[change.new]

    @traitlets.observe("image")
    def _name_image(self, change: Any) -> None:
        if not from_front_end(self, change.name):
            self.image_index = _index(self._images, change.new)

    @traitlets.observe("kernel_index")
    def _load_kernel(self, change: Any) -> None:
        if not from_front_end(self, change.name) and change.new < len(self._kernels):
            self.kernel = self._kernels[change.new]

    @traitlets.observe("kernel")
    def _measure_kernel(self, change: Any) -> None:
        if not from_front_end(self, change.name):
            self.kernel_index = _index(self._kernels, change.new, self.kernel_index)
            self.kernel_height = len(change.new)
            self.kernel_width = len(change.new[0])

    @traitlets.observe("kernel_height", "kernel_width")
    def _resize_kernel(self, change: Any) -> None:
        if not from_front_end(self, change.name):
            height, width = len(self.kernel), len(self.kernel[0])
            wanted = self.kernel_height if change.name == "kernel_height" else height
            across = self.kernel_width if change.name == "kernel_width" else width
            if (wanted, across) != (height, width):
                self.kernel = resize(self.kernel, wanted, across)

    # ------------------------------------------------------ static picture

    def description(self) -> str:
        """Return what the picture shows, in words."""
        height, width = self.output_size
        return (
            f"{self.operation.capitalize()} of a {len(self.image)} × "
            f"{len(self.image[0])} image with a {len(self.kernel)} × "
            f"{len(self.kernel[0])} kernel gives a {height} × {width} output."
        )

    def picture(self) -> str:
        """Return image, kernel and output side by side."""
        output = self.output
        top = max((abs(x) for row in output for x in row), default=1.0)
        weight = max(abs(x) for row in self.kernel for x in row)
        large = max(len(self.image), len(self.image[0])) > 12

        def panel(title: str, role: str, values: list, fill: Any) -> picture.Panel:
            small = large and role != "kernel"
            return picture.Panel(
                title,
                len(values),
                len(values[0]) if values else 0,
                lambda r, c: fill(values[r][c]),
                lambda r, c: "" if small else picture.number(values[r][c]),
                role,
                cell=8.0 if small else 30.0,
            )

        panels = [
            panel("Image", "input", self.image, picture.grey),
            panel("Kernel", "kernel", self.kernel, lambda x: picture.signed(x, weight)),
        ]
        if output:
            panels.append(
                panel("Output", "output", output, lambda x: picture.signed(x, top))
            )
        return picture.grids(self.description(), panels)


def resize(kernel: list[list[float]], height: int, width: int) -> list[list[float]]:
    """Return the kernel at a new size: an even blur stays one, else centres align.

    >>> resize([[1.0, -1.0]], 2, 2)
    [[1.0, -1.0], [0.0, 0.0]]
    >>> resize([[0.5, 0.5]], 1, 4)
    [[0.25, 0.25, 0.25, 0.25]]
    """
    flat = [x for row in kernel for x in row]
    if len(flat) > 1 and len(set(flat)) == 1:
        return [[sum(flat) / (height * width)] * width for _ in range(height)]
    down = (height - 1) // 2 - (len(kernel) - 1) // 2
    across = (width - 1) // 2 - (len(kernel[0]) - 1) // 2

    def old(r: int, c: int) -> float:
        inside = 0 <= r < len(kernel) and 0 <= c < len(kernel[0])
        return kernel[r][c] if inside else 0.0

    return [[old(r - down, c - across) for c in range(width)] for r in range(height)]


def _named(what: str, value: Any, names: tuple[str, ...]) -> int | None:
    """Return the index of a named preset, or None for a matrix."""
    if not isinstance(value, str):
        return None
    if value not in names:
        choices = ", ".join(map(repr, names))
        raise ValueError(f"{what} is {value!r}; pass a matrix or one of {choices}")
    return names.index(value)


def _index(presets: list, value: Any, preferred: int = 0) -> int:
    """Return which preset the value is, or one past the last; some are equal."""
    matches = [i for i, preset in enumerate(presets) if preset == value]
    if preferred in matches:
        return preferred
    return matches[0] if matches else len(presets)
