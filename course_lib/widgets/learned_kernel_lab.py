"""Why the learning rate of 6.2.4 must stay below 1/30: two weights, one bowl."""

import math

import traitlets

from . import picture
from .base import Explorer, float_slider, int_slider

# The summed squared error of the 6 × 8 edge image is (w - w*)ᵀ G (w - w*), where G
# holds the inner products of the image's columns 0-6 and 1-7 with each other.
GRAM = ((18.0, 12.0), (12.0, 18.0))
TARGET = (1.0, -1.0)
EIGENVALUES = (12.0, 60.0)  # of the Hessian 2G, along [1, -1] and [1, 1]
LIMIT = 2 / EIGENVALUES[1]

Point = tuple[float, float]


def loss(kernel: Point) -> float:
    """Return the summed squared error of a 1 × 2 kernel on the edge image.

    >>> loss((1.0, -1.0)), loss((0.0, 0.0))
    (0.0, 12.0)
    """
    x, y = kernel[0] - TARGET[0], kernel[1] - TARGET[1]
    return GRAM[0][0] * x * x + 2 * GRAM[0][1] * x * y + GRAM[1][1] * y * y


def descend(start: Point, learning_rate: float, steps: int) -> list[Point]:
    """Return the kernel before the first step and after each of the steps.

    >>> [round(w, 3) for w in descend((0.6, 0.5), 0.03, 10)[-1]]
    [1.048, -0.93]
    """
    path = [start]
    for _ in range(steps):
        x, y = path[-1][0] - TARGET[0], path[-1][1] - TARGET[1]
        path.append(
            (
                path[-1][0] - learning_rate * 2 * (GRAM[0][0] * x + GRAM[0][1] * y),
                path[-1][1] - learning_rate * 2 * (GRAM[1][0] * x + GRAM[1][1] * y),
            )
        )
    return path


class LearnedKernelLab(Explorer, stem="learned_kernel_lab"):
    """Run the training loop of 6.2.4 at any learning rate and see the path it takes.

    Introduced in :doc:`/book/image-convolution`.

    Parameters
    ----------
    learning_rate
        Step size, 0.001 to 0.04. The loop is stable below 2/60 = 1/30.
    steps
        Number of steps, 0 to 60.
    start
        First weights ``(w_0, w_1)``, within [-1, 3] and [-3, 1].

    Raises
    ------
    traitlets.TraitError
        If a number is out of range.

    Examples
    --------
    >>> lab = LearnedKernelLab(learning_rate=0.03)
    >>> [round(factor, 3) for factor in lab.factors]
    [0.64, -0.8]
    >>> LearnedKernelLab(learning_rate=0.034).diverges
    True

    """

    title = "Learning a kernel: how large may a step be?"
    prompt = (
        "<b>Try:</b> push the learning rate slowly past 1/30 ≈ 0.0333. "
        "<b>Look for</b> the direction in which the path zigzags, and for the moment "
        "its swings grow instead of shrink. Why there? Compare the curvatures 12 and "
        "60 of the bowl. Which rate brings the error down fastest?"
    )

    learning_rate = traitlets.Float(0.03, min=0.001, max=0.04).tag(sync=True)
    steps = traitlets.Int(10, min=0, max=60).tag(sync=True)
    start_0 = traitlets.Float(0.6, min=-1.0, max=3.0).tag(sync=True)
    start_1 = traitlets.Float(0.5, min=-3.0, max=1.0).tag(sync=True)

    def __init__(
        self,
        learning_rate: float = 0.03,
        steps: int = 10,
        start: Point = (0.6, 0.5),
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            steps=steps,
            start_0=float(start[0]),
            start_1=float(start[1]),
        )
        rate = float_slider("learning rate", 0.03, 0.001, 0.04, 0.0001, 4)
        self.compose(
            self.control("learning_rate", rate),
            self.control("steps", int_slider("steps", 10, 0, 60)),
            self.control("start_0", float_slider("start w₀", 0.6, -1.0, 3.0, 0.05, 2)),
            self.control("start_1", float_slider("start w₁", 0.5, -3.0, 1.0, 0.05, 2)),
        )

    # ------------------------------------------------------------- values

    @property
    def start(self) -> Point:
        """The weights before the first step."""
        return self.start_0, self.start_1

    @property
    def path(self) -> list[Point]:
        """The weights before the first step and after each step."""
        return descend(self.start, self.learning_rate, self.steps)

    @property
    def kernel(self) -> Point:
        """The weights after the last step."""
        return self.path[-1]

    @property
    def losses(self) -> list[float]:
        """The summed squared error at each point of the path."""
        return [loss(point) for point in self.path]

    @property
    def eigenvalues(self) -> Point:
        """Curvatures of the loss along [1, -1] and along [1, 1]: 12 and 60."""
        return EIGENVALUES

    @property
    def factors(self) -> Point:
        """What one step multiplies the error by along [1, -1] and along [1, 1]."""
        first, second = (1 - self.learning_rate * value for value in EIGENVALUES)
        return first, second

    @property
    def diverges(self) -> bool:
        """Whether the error grows along [1, 1], where the bowl is steepest."""
        return self.learning_rate > LIMIT

    # ------------------------------------------------------ static picture

    def description(self) -> str:
        """Return the run and its result in words."""
        first, second = self.factors
        return (
            f"At learning rate {self.learning_rate:.4g} each step multiplies the error "
            f"by {first:.3g} along [1, −1] and by {second:.3g} along [1, 1]. After "
            f"{self.steps} steps the kernel is [{self.kernel[0]:.3f}, "
            f"{self.kernel[1]:.3f}] and the loss {self.losses[-1]:.3g}."
        )

    def picture(self) -> str:
        """Return the contours of the loss with the path from start to end."""

        def place(point: Point) -> str:
            across, down = (point[0] + 1.2) * 80, (1.2 - point[1]) * 80
            return f"{min(max(across, -99), 451):.1f},{min(max(down, -99), 451):.1f}"

        middle = place(TARGET).split(",")
        contours = "".join(
            f'<ellipse cx="{middle[0]}" cy="{middle[1]}" fill="none" '
            f'rx="{80 * math.sqrt(c / 6):.1f}" ry="{80 * math.sqrt(c / 30):.1f}" '
            f'stroke="{picture.TOKENS["muted"]}" '
            # [1, -1] points to the lower right on the page.
            f'transform="rotate(45 {middle[0]} {middle[1]})"/>'
            for c in (1, 4, 9, 16, 25, 36)
        )
        line = " ".join(map(place, self.path))
        dots = "".join(
            '<circle cx="{}" cy="{}" r="3"/>'.format(*place(point).split(","))
            for point in self.path
        )
        kernel = picture.TOKENS["kernel"]
        return (
            f'<svg role="img" aria-label="{self.description()}" viewBox="0 0 352 352" '
            f'style="width:100%;max-width:352px;height:auto">{contours}'
            f'<polyline points="{line}" fill="none" stroke="{kernel}"/>'
            f'<g fill="{kernel}">{dots}</g></svg>'
        )
