"""What every explorer shares on the Python side.

An explorer *is* its view: one ``anywidget`` whose traits are the values that a
reader changes and whose JavaScript recomputes and draws. ipywidgets controls are
linked to it in the front end, so that they work in a page without a kernel; with a
kernel, Python reads and sets the same traits. Showing an explorer shows its
``box``: title, what to try, controls, and the view.

Beside the widget an explorer displays a static picture, an inline SVG drawn in
Python. A page selects one kind of output per display and prefers the widget, so the
picture is a display of its own; the explorers' style sheet, which arrives with the
first view that draws, hides it. It therefore shows where no JavaScript runs, while
the scripts are still loading, and in formats without scripts.
"""

import html
import sys
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import anywidget
import ipywidgets as widgets
import traitlets

from .module import HERE, bundle, stylesheet

VIEW = "application/vnd.jupyter.widget-view+json"

# ----------------------------------------------------------------------- links


def from_front_end(widget: Any, name: str) -> bool:
    """Tell whether the change being observed was sent by the page, not made here."""
    # While ipywidgets applies a message from the page it locks these properties.
    return name in getattr(widget, "_property_lock", {})


def link(control: Any, trait: str, view: Any, name: str) -> Any:
    """Keep ``control.<trait>`` and ``view.<name>`` equal, with or without a kernel.

    The link lives in the front end (``jslink``). Values set *in Python* are copied
    in Python as well, so that both sides agree where no front end is connected;
    values that come from the page are not, because an echo that is a few
    milliseconds old would pull the slider back under the reader's hand. Colab's
    widget manager has lost such links before; there the control also drives the
    view through Python.

    Returns
    -------
    The ``jslink``; keep it referenced as long as the widgets live.

    """
    for source, key, target, twin in (
        (control, trait, view, name),
        (view, name, control, trait),
    ):

        def copy(
            change: Any, source: Any = source, target: Any = target, twin: str = twin
        ) -> None:
            if not from_front_end(source, change.name):
                setattr(target, twin, change.new)

        source.observe(copy, key)
    if "google.colab" in sys.modules:
        traitlets.dlink((control, trait), (view, name))
    return widgets.jslink((control, trait), (view, name))


# -------------------------------------------------------------------- controls

_FULL = {"description_width": "initial"}


def int_slider(description: str, value: int, low: int, high: int) -> Any:
    """Return an integer slider whose label is never cut off."""
    return widgets.IntSlider(
        value=value, min=low, max=high, description=description, style=_FULL
    )


def float_slider(
    description: str, value: float, low: float, high: float, step: float, digits: int
) -> Any:
    """Return a slider for fractions that shows so many digits after the point."""
    return widgets.FloatSlider(
        value=value,
        min=low,
        max=high,
        step=step,
        readout_format=f".{digits}f",
        description=description,
        style=_FULL,
    )


def dropdown(description: str, options: Sequence[str], index: int) -> Any:
    """Return a drop-down list; it is linked by ``index``, its value cannot be."""
    return widgets.Dropdown(
        options=list(options), index=index, description=description, style=_FULL
    )


def group(title: str, *controls: Any) -> Any:
    """Return controls that belong together, under a small heading if it has one.

    A control's own description is its name to a screen reader, which does not hear
    the heading: two sliders called "height" need "input height", "kernel height".
    """
    label = f'<span class="cnn-group-title">{html.escape(title)}</span>'
    box = widgets.VBox([*([widgets.HTML(label)] if title else []), *controls])
    box.add_class("cnn-group")
    return box


def subgroup(css_class: str, *controls: Any) -> Any:
    """Return controls side by side, as many as fit; a style may hide the class."""
    box = widgets.Box(list(controls))
    box.add_class("cnn-subgroup")
    box.add_class(css_class)
    return box


# -------------------------------------------------------------------- explorer


class Explorer(anywidget.AnyWidget):
    """Base of all explorers: an anywidget view in a box with its controls.

    A subclass names its stem, declares the values as ``sync`` traits, and in
    ``__init__`` calls ``super().__init__(**values)`` and then ``self.compose(...)``
    with controls made by ``self.control(name, widget)``::

        class PoolingExplorer(Explorer, stem="pooling_explorer"):
            title = "Pooling"
            prompt = "Slide the image by one pixel and watch both results."
            shift = traitlets.Int(0, min=0, max=4).tag(sync=True)

    ``stem`` joins ``<stem>.js`` with the files it imports; a ``<stem>.css`` beside
    it is added to the shared style.
    """

    title: ClassVar[str] = ""
    prompt: ClassVar[str] = ""

    defaults = traitlets.Dict().tag(sync=True)

    def __init_subclass__(cls, *, stem: str | None = None, **kwargs: Any) -> None:
        """Join the JavaScript and the styles of the explorer into two texts."""
        super().__init_subclass__(**kwargs)
        if stem is not None:
            own = f"{stem}.css"
            cls._esm = bundle(f"{stem}.js")
            cls._css = stylesheet(*([own] if (HERE / own).exists() else []))

    def __init__(self, **values: Any) -> None:
        """Create the view; a value that no trait accepts raises ``TraitError``."""
        unknown = sorted(set(values) - set(self.trait_names(sync=True)))
        if unknown:
            raise TypeError(
                f"{type(self).__name__} has no value {unknown[0]!r}; "
                f"it has {', '.join(self.value_names())}"
            )
        super().__init__(**values)
        self.controls: dict[str, Any] = {}
        self._links: list[Any] = []

    @classmethod
    def value_names(cls) -> list[str]:
        """Return the names of the values a reader can change, in order."""
        return [
            name
            for owner in reversed(cls.__mro__)
            if issubclass(owner, Explorer) and owner is not Explorer
            for name, trait in vars(owner).items()
            if isinstance(trait, traitlets.TraitType)
            and trait.metadata.get("sync")
            and not name.startswith("_")
        ]

    def control(self, name: str, control: Any) -> Any:
        """Link a control with the value ``name`` and return it."""
        trait = "index" if hasattr(control, "index") else "value"
        setattr(control, trait, getattr(self, name))
        self._links.append(link(control, trait, self, name))
        self.controls[name] = control
        return control

    def compose(self, *controls: Any, reset: Iterable[str] | None = None) -> None:
        """Put title, prompt, controls and view into one box; note the defaults."""
        names = self.value_names() if reset is None else reset
        self.defaults = {name: getattr(self, name) for name in names}
        head = widgets.HTML(
            f'<p class="cnn-title">{self.title}</p>'
            f'<p class="cnn-prompt">{self.prompt}</p>'
        )
        panel = widgets.Box(list(controls))
        panel.add_class("cnn-controls")
        self.box = widgets.VBox([head, panel, self])
        self.box.add_class("cnn-explorer")

    def reset(self) -> None:
        """Set every value back to what it was when the explorer was made."""
        for name, value in self.defaults.items():
            setattr(self, name, value)

    # -------------------------------------------------------------- display

    def description(self) -> str:
        """Return the explorer's present state as one or two sentences."""
        raise NotImplementedError

    def picture(self) -> str:
        """Return the present state as an ``<svg>`` element, for static pages."""
        raise NotImplementedError

    def fallback(self) -> str:
        """Return the picture with its caption, shown where no script runs."""
        return (
            '<figure class="cnn-fallback" style="margin:0;max-width:100%">'
            f"{self.picture()}<figcaption>{html.escape(self.description())} "
            "(This picture becomes interactive once scripts run.)"
            "</figcaption></figure>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        # The view's own bundle, with what Colab needs to know, but for the box.
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({VIEW: {}}, {})
        view = {**data[VIEW], "model_id": self.box.model_id}
        return {**data, VIEW: view}, metadata

    def _ipython_display_(self, **kwargs: Any) -> None:
        from IPython.display import display

        data, metadata = self._repr_mimebundle_()
        display(data, metadata=metadata, raw=True)
        display(
            {"text/html": self.fallback(), "text/plain": self.description()}, raw=True
        )

    def __repr__(self) -> str:
        values = ", ".join(f"{n}={getattr(self, n)!r}" for n in self.value_names())
        short = values if len(values) <= 200 else f"{values[:200]}…"
        return f"{type(self).__name__}({short})"
