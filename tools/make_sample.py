"""Make the bundled sample of Fashion-MNIST in course_lib/samples, the same every time.

    python tools/make_sample.py [FOLDER]

It takes the first 500 training and the first 100 test images of each class, in the
order of the full data set, and prints the checksums that course_lib/data.py lists.
FOLDER has the four files of Fashion-MNIST; without it they are found or downloaded.
"""

import gzip
import hashlib
import sys

import torch

from course_lib.data import SAMPLE_FOLDER, FashionMNIST, fashion_mnist

PER_CLASS = {"train": 500, "test": 100}
PREFIX = {"train": "train", "test": "t10k"}


def first_of_each_class(labels: torch.Tensor, count: int) -> torch.Tensor:
    """Positions, in increasing order, of the first ``count`` of each of ten labels."""
    positions = [(labels == label).nonzero()[:count, 0] for label in range(10)]
    return torch.cat(positions).sort().values


def idx_bytes(array: torch.Tensor) -> bytes:
    """Write a uint8 tensor as an idx file."""
    header = bytes([0, 0, 8, array.ndim])
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + sizes + array.contiguous().numpy().tobytes()


def write_sample(split: str, full: FashionMNIST) -> None:
    """Write the images and labels of one split, and print their checksums."""
    chosen = first_of_each_class(full.labels, PER_CLASS[split])
    for kind, array in [
        ("images-idx3", full.images[chosen]),
        ("labels-idx1", full.labels[chosen].byte()),
    ]:
        name = f"{PREFIX[split]}-{kind}-ubyte"
        contents = idx_bytes(array)
        path = SAMPLE_FOLDER / f"{name}.gz"
        path.write_bytes(gzip.compress(contents, compresslevel=9, mtime=0))
        print(f"{name}: {hashlib.sha256(contents).hexdigest()}")


def main() -> None:
    """Make both splits."""
    root = sys.argv[1] if len(sys.argv) > 1 else None
    SAMPLE_FOLDER.mkdir(exist_ok=True)
    for split in PER_CLASS:
        write_sample(split, fashion_mnist(split, root=root))


if __name__ == "__main__":
    main()
