"""Convolutional networks from their loops up: everything the course's pages import.

``import course_lib as d2l`` gives every name below; each is imported when it is first
used, so that the import itself stays light and :mod:`course_lib.geometry` needs no
torch.

>>> import course_lib as d2l
>>> d2l.output_size(28, 5, padding=2)
28
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib import (
        convolution,
        data,
        devices,
        geometry,
        lenet,
        meters,
        plotting,
        pooling,
        training,
        widgets,
    )
    from course_lib.convolution import (
        Conv2D,
        conv2d_true,
        corr2d,
        corr2d_multi_in,
        corr2d_multi_in_out,
        corr2d_multi_in_out_1x1,
        corr2d_multi_in_out_unfolded,
        corr2d_multi_in_unfolded,
        corr2d_unfolded,
    )
    from course_lib.data import (
        LABELS,
        FashionMNIST,
        fashion_mnist,
        fashion_mnist_sample,
        load_data_fashion_mnist,
        text_labels,
    )
    from course_lib.devices import cpu_quota, limit_threads, try_all_gpus, try_gpu
    from course_lib.geometry import (
        ReceptiveField,
        Window,
        output_shape,
        output_size,
        pixel_use,
        pixel_use_2d,
        receptive_field,
        same_padding,
        span,
        split_total,
        unused,
    )
    from course_lib.lenet import LayerCost, Ledger, LeNet, cost_ledger, init_xavier
    from course_lib.meters import Accumulator, Timer
    from course_lib.plotting import Animator, heatmap, show, show_images
    from course_lib.pooling import pool2d, pool2d_unfolded
    from course_lib.training import (
        History,
        accuracy,
        evaluate_accuracy_gpu,
        train_ch6,
    )
    from course_lib.widgets import (
        ChannelsExplorer,
        KernelExplorer,
        LearnedKernelLab,
        LeNetExplorer,
        PaddingStrideExplorer,
        PoolingExplorer,
        Quiz,
        ReceptiveFieldExplorer,
        RunsExplorer,
    )

# Where each public name lives. A test holds this table, the imports above (which only
# type checkers and editors read) and __all__ to the same set of names.
_HOME = {
    "Conv2D": "convolution",
    "conv2d_true": "convolution",
    "corr2d": "convolution",
    "corr2d_multi_in": "convolution",
    "corr2d_multi_in_out": "convolution",
    "corr2d_multi_in_out_1x1": "convolution",
    "corr2d_multi_in_out_unfolded": "convolution",
    "corr2d_multi_in_unfolded": "convolution",
    "corr2d_unfolded": "convolution",
    "FashionMNIST": "data",
    "LABELS": "data",
    "fashion_mnist": "data",
    "fashion_mnist_sample": "data",
    "load_data_fashion_mnist": "data",
    "text_labels": "data",
    "cpu_quota": "devices",
    "limit_threads": "devices",
    "try_all_gpus": "devices",
    "try_gpu": "devices",
    "ReceptiveField": "geometry",
    "Window": "geometry",
    "output_shape": "geometry",
    "output_size": "geometry",
    "pixel_use": "geometry",
    "pixel_use_2d": "geometry",
    "receptive_field": "geometry",
    "same_padding": "geometry",
    "span": "geometry",
    "split_total": "geometry",
    "unused": "geometry",
    "LayerCost": "lenet",
    "LeNet": "lenet",
    "Ledger": "lenet",
    "cost_ledger": "lenet",
    "init_xavier": "lenet",
    "Accumulator": "meters",
    "Timer": "meters",
    "Animator": "plotting",
    "heatmap": "plotting",
    "show": "plotting",
    "show_images": "plotting",
    "pool2d": "pooling",
    "pool2d_unfolded": "pooling",
    "History": "training",
    "accuracy": "training",
    "evaluate_accuracy_gpu": "training",
    "train_ch6": "training",
    "ChannelsExplorer": "widgets",
    "KernelExplorer": "widgets",
    "LeNetExplorer": "widgets",
    "LearnedKernelLab": "widgets",
    "PaddingStrideExplorer": "widgets",
    "PoolingExplorer": "widgets",
    "Quiz": "widgets",
    "ReceptiveFieldExplorer": "widgets",
    "RunsExplorer": "widgets",
}
_MODULES = frozenset(_HOME.values())

__all__ = [
    "LABELS",
    "Accumulator",
    "Animator",
    "ChannelsExplorer",
    "Conv2D",
    "FashionMNIST",
    "History",
    "KernelExplorer",
    "LayerCost",
    "LeNet",
    "LeNetExplorer",
    "LearnedKernelLab",
    "Ledger",
    "PaddingStrideExplorer",
    "PoolingExplorer",
    "Quiz",
    "ReceptiveField",
    "ReceptiveFieldExplorer",
    "RunsExplorer",
    "Timer",
    "Window",
    "accuracy",
    "conv2d_true",
    "convolution",
    "corr2d",
    "corr2d_multi_in",
    "corr2d_multi_in_out",
    "corr2d_multi_in_out_1x1",
    "corr2d_multi_in_out_unfolded",
    "corr2d_multi_in_unfolded",
    "corr2d_unfolded",
    "cost_ledger",
    "cpu_quota",
    "data",
    "devices",
    "evaluate_accuracy_gpu",
    "fashion_mnist",
    "fashion_mnist_sample",
    "geometry",
    "heatmap",
    "init_xavier",
    "lenet",
    "limit_threads",
    "load_data_fashion_mnist",
    "meters",
    "output_shape",
    "output_size",
    "pixel_use",
    "pixel_use_2d",
    "plotting",
    "pool2d",
    "pool2d_unfolded",
    "pooling",
    "receptive_field",
    "same_padding",
    "show",
    "show_images",
    "span",
    "split_total",
    "text_labels",
    "train_ch6",
    "training",
    "try_all_gpus",
    "try_gpu",
    "unused",
    "widgets",
]


def __getattr__(name: str) -> object:
    """Import a public name at its first use (PEP 562) and keep it."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOME:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}; dir({__name__}) lists "
            "what it has"
        )
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted({*globals(), *__all__})
