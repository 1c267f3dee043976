"""Explorers: pictures with controls that work on a page without a kernel, too.

Each explorer is one idea and one stem: ``kernel_explorer.py`` builds the controls
and holds the values, ``kernel_explorer.js`` computes and draws. Importing this
package imports none of them; ``ipywidgets`` and ``anywidget`` are loaded when the
first explorer is asked for.
"""

import importlib
from typing import Any

_STEMS = {
    "KernelExplorer": "kernel_explorer",
    "PaddingStrideExplorer": "padding_stride_explorer",
    "ChannelsExplorer": "channels_explorer",
    "PoolingExplorer": "pooling_explorer",
    "ReceptiveFieldExplorer": "receptive_field_explorer",
    "LeNetExplorer": "lenet_explorer",
    "LearnedKernelLab": "learned_kernel_lab",
    "Quiz": "quiz",
    "RunsExplorer": "runs_explorer",
}

__all__ = list(_STEMS)


def __getattr__(name: str) -> Any:
    """Import an explorer when it is first named."""
    if name not in _STEMS:
        raise AttributeError(
            f"course_lib.widgets has no {name!r}; it has {', '.join(__all__)}"
        )
    module = importlib.import_module(f"{__name__}.{_STEMS[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
