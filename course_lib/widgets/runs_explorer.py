"""Recorded training runs, chosen by sliders: ``RunsExplorer``."""

import html
import math
from collections.abc import Mapping
from typing import Any

import ipywidgets as widgets
import traitlets

from . import picture
from .base import _FULL, Explorer, dropdown, group

CHANCE = math.log(10)
LAYERS = ("conv 1", "conv 2", "dense 1", "dense 2", "dense 3")
NEEDED = ("runs", "moments", "ranges", "bins")
Run = dict[str, Any]


class RunsExplorer(Explorer, stem="runs_explorer"):
    """Choose activation, initialisation and learning rate; see what training did.

    Nothing is trained: the runs were recorded, each once, by ``make labs-runs``. Loss
    and accuracy are those of training; gradients, spreads and histograms were measured
    at a few moments of each run. Introduced in :doc:`/book/labs/plateau`.

    Parameters
    ----------
    record
        ``runs``: one mapping for each activation × initialisation × learning rate, as
        ``course_lib/runs/plateau.json`` has them; runs of further seeds, which have no
        ``moments``, are left out. ``moments``: the steps at which was measured;
        ``ranges`` and ``bins`` of the histograms.
    activation, init, lr
        The run shown first, by its names and its rate; left out, the first of each.

    Raises
    ------
    ValueError
        When the record lacks something, a combination is missing, or a run is asked
        for that it does not hold.
    traitlets.TraitError
        When an index is out of range.

    Examples
    --------
    >>> run = dict(activation="tanh", init="Xavier", lr=0.1, seed=0, loss=[2.3, 1.0],
    ...     acc=[0.1, 0.6], steps_at_chance=20, test_acc=[0.1], moments=[dict(
    ...     gradients=[1.0] * 5, spreads=[0.2] * 5, histograms=[[500, 500]] * 4)])
    >>> record = dict(runs=[run], moments=[0], bins=2, ranges={"tanh": (-1, 1)})
    >>> RunsExplorer(record).run["loss"]
    [2.3, 1.0]
    """

    title = "Recorded training runs"
    prompt = (
        "<b>Try:</b> pin a run, then change one thing. <b>Look for</b> two ways of "
        "knowing nothing: gradients that are too small to move anything, and steps so "
        "large that the units never come back. What do the histograms look like in "
        "each?"
    )

    activation_index = traitlets.Int(0, min=0).tag(sync=True)
    init_index = traitlets.Int(0, min=0).tag(sync=True)
    rate_index = traitlets.Int(0, min=0).tag(sync=True)
    moment_index = traitlets.Int(0, min=0).tag(sync=True)
    pinned = traitlets.Int(-1, min=-1).tag(sync=True)
    _record: Any = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        record: Mapping[str, Any],
        *,
        activation: str | None = None,
        init: str | None = None,
        lr: float | None = None,
    ) -> None:
        lacking = [key for key in NEEDED if key not in record]
        if lacking:
            raise ValueError(
                f"RunsExplorer: the record lacks {', '.join(lacking)}; "
                "`make labs-runs` writes one that has all, course_lib/runs/plateau.json"
            )
        runs = [run for run in record["runs"] if "moments" in run]
        axes = [list(dict.fromkeys(run[key] for run in runs)) for key in KEYS]
        table = {tuple(run[key] for key in KEYS): run for run in runs}
        ordered = []
        for a in axes[0]:
            for i in axes[1]:
                for r in axes[2]:
                    if (a, i, r) not in table:
                        raise ValueError(
                            f"RunsExplorer: there is no run of {a}, {i}, {r:g}; it "
                            "needs every combination of the three"
                        )
                    ordered.append({key: table[a, i, r][key] for key in SHOWN})
        self.activations, self.inits, self.rates = axes
        chosen = [
            self._index(name, axis, value)
            for name, axis, value in zip(
                KEYS, axes, (activation, init, lr), strict=True
            )
        ]
        super().__init__(
            activation_index=chosen[0],
            init_index=chosen[1],
            rate_index=chosen[2],
            _record={
                "runs": ordered,
                "activations": axes[0],
                "inits": axes[1],
                "rates": axes[2],
                "layers": list(LAYERS),
                "moments": list(record["moments"]),
                "ranges": [list(record["ranges"][name]) for name in axes[0]],
            },
        )
        self.moments: list[int] = self._record["moments"]
        steps = [f"{step}" for step in self.moments]
        self.compose(
            group(
                "The net",
                self.control("activation_index", dropdown("activation", axes[0], 0)),
                self.control("init_index", dropdown("initial weights", axes[1], 0)),
            ),
            group(
                "The training",
                self.control("rate_index", _steps("learning rate", axes[2])),
                self.control("moment_index", _steps("measured after step", steps)),
            ),
        )

    @staticmethod
    def _index(name: str, axis: list[Any], value: Any) -> int:
        if value is None:
            return 0
        if value not in axis:
            raise ValueError(
                f"RunsExplorer: no run has {name}={value!r}; there are "
                f"{', '.join(map(str, axis))}"
            )
        return axis.index(value)

    @traitlets.validate(
        "activation_index", "init_index", "rate_index", "moment_index", "pinned"
    )
    def _exists(self, proposal: Any) -> int:
        if self._record:
            sizes = {
                "activation_index": len(self._record["activations"]),
                "init_index": len(self._record["inits"]),
                "rate_index": len(self._record["rates"]),
                "moment_index": len(self._record["moments"]),
                "pinned": len(self._record["runs"]),
            }
            last = sizes[proposal.trait.name] - 1
            if proposal.value > last:
                raise traitlets.TraitError(
                    f"RunsExplorer: {proposal.trait.name} is {proposal.value}; it goes "
                    f"up to {last}"
                )
        return int(proposal.value)

    # ------------------------------------------------------- derived values

    @property
    def place(self) -> int:
        """Where the run stands among all: by activation, initialisation, rate."""
        inits, rates = len(self.inits), len(self.rates)
        return (self.activation_index * inits + self.init_index) * rates + (
            self.rate_index
        )

    @property
    def run(self) -> Run:
        """The run that is shown."""
        return self._record["runs"][self.place]

    @property
    def moment(self) -> Run:
        """What was measured in it at the chosen moment."""
        return self.run["moments"][self.moment_index]

    # ------------------------------------------------------- static picture

    def description(self) -> str:
        """Return the run and what was measured at the moment in words."""
        run, moment = self.run, self.moment
        steps = run["steps_at_chance"]
        if steps is None:
            fate = "The loss stays above 2 in all steps that were recorded"
        elif steps == 0:
            fate = "The loss falls below 2 within the first 20 steps"
        else:
            fate = f"The loss falls below 2 after {steps} steps"
        gradients = " to ".join(short(moment["gradients"][i]) for i in (0, -1))
        return (
            f"{self.activations[self.activation_index]}, weights "
            f"{self.inits[self.init_index]}, learning rate "
            f"{short(self.rates[self.rate_index])}. {fate}; test accuracy "
            f"{short(run['test_acc'][-1])} at the end. After step "
            f"{self.moments[self.moment_index]}, with accuracy "
            f"{short(run['test_acc'][self.moment_index])}: gradient norms {gradients} "
            f"from the first layer to the last; scores differ from picture to picture "
            f"by {short(moment['spreads'][-1])}."
        )

    def picture(self) -> str:
        """Return the loss curve and the gradients' norms as bars."""
        ink, line = picture.TOKENS["muted"], picture.TOKENS["line"]
        top = 40.0 + 170 * (1 - CHANCE / TOP_LOSS)
        points = " ".join(
            f"{20 + 300 * (i + 0.5) / len(self.run['loss']):.1f},"
            f"{40 + 170 * (1 - min(value, TOP_LOSS) / TOP_LOSS):.1f}"
            for i, value in enumerate(self.run["loss"])
            if value is not None
        )
        bars = []
        for i, norm in enumerate(self.moment["gradients"]):
            width = 220 * log_share(norm)
            bars.append(
                f'<rect x="450" y="{48 + 32 * i}" width="{width:.1f}" height="18" '
                f'fill="{picture.TOKENS["kernel"]}"/>'
                f'<text x="440" y="{62 + 32 * i}" text-anchor="end" fill="{ink}">'
                f"{LAYERS[i]}</text>"
                f'<text x="{456 + width:.1f}" y="{62 + 32 * i}" fill="{ink}">'
                f"{short(norm)}</text>"
            )
        return (
            f'<svg role="img" aria-label="{html.escape(self.description(), True)}" '
            'viewBox="0 0 760 232" style="width:100%;max-width:760px;height:auto" '
            'font-family="system-ui, sans-serif" font-size="12">'
            f'<text x="20" y="20" fill="{picture.TOKENS["ink"]}">Training loss</text>'
            f'<path d="M20 40V210H320" fill="none" stroke="{line}"/>'
            f'<path d="M20 {top:.1f}H320" stroke="{ink}" stroke-dasharray="4 4"/>'
            f'<text x="320" y="{top - 5:.1f}" text-anchor="end" fill="{ink}">'
            "ln 10: chance</text>"
            f'<polyline points="{points}" fill="none" stroke-width="2" '
            f'stroke="{picture.TOKENS["output"]}"/>'
            f'<text x="170" y="227" text-anchor="middle" fill="{ink}">step</text>'
            f'<text x="450" y="20" fill="{picture.TOKENS["ink"]}">'
            f"Norm of the gradient, step {self.moments[self.moment_index]}</text>"
            f"{''.join(bars)}</svg>"
        )


KEYS = ("activation", "init", "lr")
SHOWN = ("loss", "acc", "steps_at_chance", "test_acc", "moments")
TOP_LOSS = 3.0
LOG_RANGE = (-7, 2)  # powers of ten of the gradients' axis


def _steps(description: str, values: list[Any]) -> Any:
    """Return a slider over given values; it is linked by ``index``."""
    shown = [value if isinstance(value, str) else f"{value:g}" for value in values]
    return widgets.SelectionSlider(
        options=shown, index=0, description=description, style=_FULL
    )


def log_share(value: float | None) -> float:
    """Place a norm on the logarithmic axis, 0 to 1; what is no number at its end.

    >>> log_share(1e-7), log_share(100.0), log_share(None)
    (0.0, 1.0, 1.0)
    """
    if value is None:
        return 1.0
    low, high = LOG_RANGE
    power = math.log10(max(value, 10.0**low))
    return min(max((power - low) / (high - low), 0.0), 1.0)


def short(value: float | None) -> str:
    """Write a number of at most three digits as the page does.

    >>> short(0.843), short(2.5e-6), short(None), short(12300.0)
    ('0.843', '2.5·10⁻⁶', 'no finite number', '1.23·10⁴')
    """
    if value is None:
        return "no finite number"
    if value == 0 or 0.001 <= abs(value) < 10_000:
        return f"{value:g}".replace("-", "−")
    mantissa, exponent = f"{value:.2e}".split("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{float(mantissa):g}·10{raised}".replace("-", "−")
