"""What works wherever the wheel is installed: python -P smoke.py [FOLDER].

With FOLDER, everything of ours must be imported from below it. This needs neither a
network nor anything but what the wheel asks for; the tests run it here, GitHub's
workflow on Linux, macOS and Windows.
"""

import sys
from importlib.metadata import version
from pathlib import Path


def main(folder: str | None = None) -> None:
    """Use each part of the library once, and say what was used."""
    import course_lib as d2l
    from course_lib.widgets.base import Explorer

    place = Path(d2l.__file__).parent
    if folder is not None:
        assert place == Path(folder).resolve() / "course_lib", place
    assert (place / "py.typed").is_file()

    import torch

    X, K = torch.arange(9.0).reshape(3, 3), torch.arange(4.0).reshape(2, 2)
    assert d2l.corr2d(X, K).tolist() == [[19.0, 25.0], [37.0, 43.0]]
    assert d2l.output_shape((28, 28), 5, padding=2) == (28, 28)

    train, test = map(d2l.data.fashion_mnist_sample, ("train", "test"))
    assert (len(train), len(test)) == (5000, 1000)
    net = d2l.LeNet()
    assert net(test.images[:4, None] / 255).shape == (4, 10)

    made = [
        d2l.KernelExplorer(),
        d2l.PaddingStrideExplorer(),
        d2l.ChannelsExplorer(),
        d2l.PoolingExplorer(),
        d2l.ReceptiveFieldExplorer(),
        d2l.LeNetExplorer(net, test.images[:10], test.labels[:10]),
        d2l.LearnedKernelLab(),
    ]
    for explorer in made:
        assert isinstance(explorer, Explorer)
        assert "export default" in explorer._esm
        assert ".cnn-explorer" in explorer._css
        assert explorer.picture().startswith("<svg")

    figure = d2l.show(d2l.heatmap(K), alt="two by two")
    assert "<svg" in figure._repr_html_()

    print(f"cnn-course {version('cnn-course')}, Python {sys.version.split()[0]}")
    print(f"{len(made)} explorers, {len(train)} + {len(test)} images, from {place}")


if __name__ == "__main__":
    main(*sys.argv[1:])
