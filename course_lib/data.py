"""Fashion-MNIST in memory: found, verified, and served in batches.

The data set is four files of 70,000 grey images of 28 x 28 pixels (Xiao, Rasul and
Vollgraf 2017, *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms*, arXiv:1708.07747). They are looked for in this order:

1. the folder given as ``root=``, or else named by ``FASHION_MNIST_DIR``; if files are
   missing there, that is an error: nobody who names a folder wants another one;
2. where torchvision keeps them: ``FashionMNIST/raw`` under ``./data``, ``../data``,
   ``~/data``, ``$TORCH_HOME`` and ``$TORCH_HOME/datasets`` (``TORCH_HOME`` is
   ``~/.cache/torch`` unless set);
3. the system folder ``/usr/share/datasets/fashion-mnist`` (the package
   ``dataset-fashion-mnist`` of Debian and Ubuntu);
4. this library's cache (see :func:`cache_folder`), filled by a download through
   torchvision unless ``FASHION_MNIST_OFFLINE=1``;
5. a class-balanced sample of 5,000 + 1,000 images inside this package, announced by a
   :class:`SampleDataWarning`.

Every file is checked, unpacked, against the SHA-256 of its contents each time it is
read, so a plain file, a ``.gz`` file and one compressed anew all pass, and nothing
else does.
"""

import gzip
import hashlib
import math
import os
import shutil
import socket
import sys
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor
from torch.nn import functional as F

LABELS: tuple[str, ...] = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)

# The four files: SHA-256 of the contents after unpacking. (The MD5 sums that
# torchvision lists are of one particular .gz; Debian packs the same contents anew.)
CHECKSUMS: dict[str, str] = {
    "train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}
SAMPLE_CHECKSUMS: dict[str, str] = {
    "train-images-idx3-ubyte": (
        "444ed5f7ce17397f236f5eba17dd507d3f6912f04edd3e4f1701cdf82f2cc0c5"
    ),
    "train-labels-idx1-ubyte": (
        "35d691216f65485d010cc635af5574a9dc04aa5060de9be64ab6e5cb5ead38e9"
    ),
    "t10k-images-idx3-ubyte": (
        "7cee33c3c6414b1b86c25e665a6c4f41584269de3b7cc9768b1d351922845eef"
    ),
    "t10k-labels-idx1-ubyte": (
        "3128d790775889812b73c4f13923559c8b9e281d112c6ea7862acf60a206a909"
    ),
}

SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
SAMPLE_FOLDER = Path(__file__).parent / "samples"

_PREFIX = {"train": "train", "test": "t10k"}
_TIMEOUT = 20.0  # seconds without an answer before a download counts as failed
_KEEP_BYTES = (
    512 * 2**20
)  # resized images up to this size are kept, else made per batch


class DataError(ValueError):
    """A data file is not what it should be; the message says what to do."""


class SampleDataWarning(UserWarning):
    """The small bundled sample stands in for the full data set."""


@dataclass(frozen=True, eq=False)
class FashionMNIST:
    """Images and labels of one split, and where they came from.

    Introduced in :doc:`/book/lenet`.

    Attributes
    ----------
    images
        uint8, 0 (black) to 255 (white), shape ``(N, 28, 28)``.
    labels
        int64, 0 to 9, shape ``(N,)``; :data:`LABELS` names them.
    source
        The folder they were read from, or ``"bundled sample"``.
    """

    images: UInt8[Tensor, "N 28 28"]
    labels: Int64[Tensor, "N"]
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"FashionMNIST({len(self):,} images of 28 x 28, from {self.source})"


# -- one file --------------------------------------------------------------------------


def parse_idx(contents: bytes) -> UInt8[Tensor, "..."]:
    """Turn the contents of an idx file of bytes into a uint8 tensor.

    The format is two zero bytes, a type (8 is uint8), the number of axes, each axis as
    a big-endian 32-bit integer, and then the numbers.

    Raises
    ------
    DataError
        For another type, or when the length disagrees with the axes.

    Examples
    --------
    >>> parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    tensor([7, 8, 9], dtype=torch.uint8)
    """
    if contents[:3] != b"\x00\x00\x08" or len(contents) < 4:
        raise DataError(
            "not an idx file of bytes: it starts with "
            f"{contents[:4].hex(' ') or 'nothing'}, expected 00 00 08"
        )
    start = 4 + 4 * contents[3]
    shape = [int.from_bytes(contents[i : i + 4], "big") for i in range(4, start, 4)]
    expected = start + math.prod(shape)
    if len(contents) != expected:
        raise DataError(
            f"an idx file of shape {tuple(shape)} has {expected} bytes, "
            f"got {len(contents)}"
        )
    return torch.frombuffer(bytearray(contents), dtype=torch.uint8)[start:].view(shape)


def _find_file(folder: Path, name: str) -> Path | None:
    """Find the file called ``name``, or ``name.gz``, in ``folder``."""
    candidates = (folder / name, folder / f"{name}.gz")
    return next((path for path in candidates if path.is_file()), None)


def _diagnosis(contents: bytes, name: str, checksums: dict[str, str]) -> str:
    """Say in a few words why ``contents`` cannot be the file called ``name``."""
    digest = hashlib.sha256(contents).hexdigest()
    for other, checksum in checksums.items():
        if digest == checksum:
            return f"holds the contents of {other}; were two files swapped?"
    if not contents:
        return "is empty"
    if contents.lstrip()[:1] == b"<":
        return "holds a web page, probably sent by a proxy or a login page"
    try:
        shape = tuple(parse_idx(contents).shape)
    except DataError as error:
        return f"is damaged ({error})"
    return (
        f"holds an array of shape {shape} that is not Fashion-MNIST's "
        "(its checksum differs; is it MNIST, or was it changed?)"
    )


def _read(path: Path, name: str, checksums: dict[str, str]) -> UInt8[Tensor, "..."]:
    """Read, unpack, verify and parse one file, or say what is wrong with it."""
    problem = ""
    contents = path.read_bytes()
    if contents[:2] == b"\x1f\x8b":
        try:
            contents = gzip.decompress(contents)
        except EOFError:
            problem = "is cut short"
        except (OSError, zlib.error) as error:
            problem = f"is damaged ({error})"
    if not problem and hashlib.sha256(contents).hexdigest() != checksums[name]:
        problem = _diagnosis(contents, name, checksums)
    if problem:
        raise DataError(
            f"{path} {problem}. Nothing was read from this folder. Delete the file, or "
            "replace it by a good copy, and try again."
        )
    return parse_idx(contents)


# -- one folder ------------------------------------------------------------------------


def _missing(folder: Path) -> list[str]:
    """Name those of the four files that ``folder`` lacks."""
    return [name for name in CHECKSUMS if _find_file(folder, name) is None]


def _read_splits(folder: Path, splits: Sequence[str]) -> list[FashionMNIST]:
    """Read splits of the full data set from a complete folder."""
    return [_read_split(folder, split, CHECKSUMS, str(folder)) for split in splits]


def _read_split(
    folder: Path, split: str, checksums: dict[str, str], source: str
) -> FashionMNIST:
    """Read the images and the labels of one split."""
    tensors = []
    for kind in ("images-idx3", "labels-idx1"):
        name = f"{_PREFIX[split]}-{kind}-ubyte"
        path = _find_file(folder, name)
        assert path is not None  # the callers have looked
        tensors.append(_read(path, name, checksums))
    images, labels = tensors
    return FashionMNIST(images, labels.long(), source)


def _explicit_folder(root: str | os.PathLike[str] | None) -> Path | None:
    """Give the folder that the caller or ``FASHION_MNIST_DIR`` names, complete."""
    named_by = "root=" if root is not None else "FASHION_MNIST_DIR="
    named = root if root is not None else os.environ.get("FASHION_MNIST_DIR")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{named_by}{str(named)!r} is not a folder. Give the folder that holds "
            f"{', '.join(CHECKSUMS)} (each with or without .gz)."
        )
    for place in (folder, folder / "FashionMNIST" / "raw"):
        if not _missing(place):
            return place
    raise FileNotFoundError(
        f"{named_by}{str(named)!r} lacks {', '.join(_missing(folder))} (with or "
        "without .gz), and its subfolder FashionMNIST/raw is not complete either. Add "
        "them, or leave the folder out to have the data found or downloaded."
    )


def _torchvision_folders() -> list[Path]:
    """Where torchvision's own downloads usually lie, likeliest first."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    torch_home = Path(os.environ.get("TORCH_HOME") or Path(cache) / "torch")
    roots = [
        Path("data"),
        Path("..") / "data",
        Path.home() / "data",
        torch_home,
        torch_home / "datasets",
    ]
    return [root.expanduser() / "FashionMNIST" / "raw" for root in roots]


def cache_folder() -> Path:
    """Give the folder that downloads go to, one per user.

    It is ``FASHION_MNIST_CACHE`` if that is set, else ``cnn-course/fashion-mnist`` in
    the place that the system keeps for caches: ``~/Library/Caches`` on macOS,
    ``%LOCALAPPDATA%`` on Windows, ``$XDG_CACHE_HOME`` or ``~/.cache`` elsewhere.

    Examples
    --------
    >>> cache_folder().is_absolute()
    True
    """
    named = os.environ.get("FASHION_MNIST_CACHE")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        base = Path(local) if local else Path.home() / "AppData" / "Local"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "cnn-course" / "fashion-mnist"


# -- the network -----------------------------------------------------------------------


@contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    """Let sockets opened inside give up; urllib would wait for minutes."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _download() -> Path:
    """Fill the cache through torchvision and return it.

    Files arrive in a temporary folder inside the cache, are verified there, and are
    moved to their names one by one, each in one step. Two processes that do this at
    once replace good files by equal ones; none ever sees part of a file.
    """
    from torchvision.datasets import FashionMNIST as TorchvisionFashionMNIST

    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    arrivals = Path(tempfile.mkdtemp(prefix="arriving-", dir=cache))
    try:
        with _socket_timeout(_TIMEOUT):
            TorchvisionFashionMNIST(str(arrivals), download=True)
        raw = arrivals / "FashionMNIST" / "raw"
        found = {name: _find_file(raw, name) for name in CHECKSUMS}
        for name, path in found.items():
            if path is None:
                raise DataError(f"torchvision's download has no {name}")
            _read(path, name, CHECKSUMS)
        for path in found.values():
            assert path is not None
            os.replace(path, cache / path.name)
    finally:
        shutil.rmtree(arrivals, ignore_errors=True)
    return cache


def _reason(error: BaseException) -> str:
    """Give the last words of an error, on one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else 'no message'}"


def _warn_about_sample(reason: str) -> None:
    _warn(
        f"using the bundled sample of Fashion-MNIST (5,000 training and 1,000 test "
        f"images instead of 60,000 and 10,000), because {reason}.\n"
        "Code runs as it would on the full data, but accuracies will be lower and will "
        "not agree with the printed ones; LeNet with the course's settings stays near "
        "chance (0.1). Four ways to the full data:\n"
        "  1. connect to the network and call this again;\n"
        "  2. on Debian or Ubuntu: sudo apt install dataset-fashion-mnist;\n"
        "  3. if you have the four files, pass their folder as root=, or set "
        "FASHION_MNIST_DIR to it;\n"
        f"  4. on another computer, download the four files from "
        f"https://github.com/zalandoresearch/fashion-mnist and put them into "
        f"{cache_folder()}",
        SampleDataWarning,
    )


def _warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that called into this module, however deep we are.

    Where shapes are checked at run time, the checker's frames lie between ours.
    """
    ours = ("course_lib", "jaxtyping", "beartype")
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(ours):
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


# -- all places ------------------------------------------------------------------------


def _check_split(split: str) -> None:
    if split not in _PREFIX:
        raise ValueError(f"split must be 'train' or 'test', got {split!r}")


def fashion_mnist(
    split: str = "train", *, root: str | os.PathLike[str] | None = None
) -> FashionMNIST:
    """All images and labels of one split, verified, from the first place that has them.

    The places and their order are in the description of this module. A damaged file in
    a folder that was merely found is reported by a warning, and the next place is
    tried; in a folder that was named, it is an error. Files of two folders are never
    mixed.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    split
        ``"train"`` (60,000 images) or ``"test"`` (10,000).
    root
        A folder with the four files, each plain or ``.gz``; or one with torchvision's
        ``FashionMNIST/raw`` inside.

    Raises
    ------
    FileNotFoundError
        When a named folder lacks any of the four files.
    DataError
        When a file in a named folder is damaged.
    ValueError
        For a split that is neither ``"train"`` nor ``"test"``.

    Warns
    -----
    SampleDataWarning
        When the bundled sample has to stand in.

    Examples
    --------
    >>> fashion_mnist("test", root=SAMPLE_FOLDER)  # the sample is not the real thing
    Traceback (most recent call last):
    course_lib.data.DataError: ...t10k-images-idx3-ubyte.gz holds an array of shape
    (1000, 28, 28) that is not Fashion-MNIST's ...
    """
    _check_split(split)
    return _load((split,), root)[0]


def _load(
    splits: Sequence[str], root: str | os.PathLike[str] | None
) -> list[FashionMNIST]:
    """Read the splits, all from the first place that has good files."""
    explicit = _explicit_folder(root)
    if explicit is not None:
        return _read_splits(explicit, splits)
    for folder in [*_torchvision_folders(), SYSTEM_FOLDER, cache_folder()]:
        if _missing(folder):
            continue
        try:
            return _read_splits(folder, splits)
        except (DataError, OSError) as error:
            _warn(f"{error} Until then, other places are tried.")
    if os.environ.get("FASHION_MNIST_OFFLINE", "0") not in ("", "0"):
        reason = "FASHION_MNIST_OFFLINE is set and no folder has the four files"
    else:
        try:
            return _read_splits(_download(), splits)
        except (OSError, RuntimeError, ValueError, ImportError) as error:
            reason = (
                f"no folder has the files and the download failed ({_reason(error)})"
            )
    _warn_about_sample(reason)
    return [fashion_mnist_sample(split) for split in splits]


def fashion_mnist_sample(split: str = "train") -> FashionMNIST:
    """Give the bundled, class-balanced sample: the same on every machine, at once.

    Each class has its first 500 training or 100 test images, in the order of the full
    data set. Introduced in :doc:`/book/lenet`.

    Raises
    ------
    ValueError
        For a split that is neither ``"train"`` nor ``"test"``.

    Examples
    --------
    >>> sample = fashion_mnist_sample("test")
    >>> sample.images.shape, sample.labels.bincount().unique()
    (torch.Size([1000, 28, 28]), tensor([100]))
    """
    _check_split(split)
    return _read_split(SAMPLE_FOLDER, split, SAMPLE_CHECKSUMS, "bundled sample")


def text_labels(indices: Tensor | Sequence[int]) -> list[str]:
    """Name numeric labels.

    Introduced in :doc:`/book/lenet`.

    Raises
    ------
    ValueError
        For a label outside 0 to 9.

    Examples
    --------
    >>> text_labels([0, 9])
    ['t-shirt', 'ankle boot']
    """
    numbers = [int(i) for i in indices]
    for number in numbers:
        if not 0 <= number < len(LABELS):
            raise ValueError(f"labels are integers from 0 to 9, got {number}")
    return [LABELS[number] for number in numbers]


# -- batches ---------------------------------------------------------------------------


def _resized(
    images: UInt8[Tensor, "N H W"], size: tuple[int, int]
) -> UInt8[Tensor, "N h w"]:
    """Resize like torchvision's ``Resize``: bilinear, antialiased, rounded to uint8."""
    pixels = images[:, None].float()  # (N, 1, H, W)
    pixels = F.interpolate(pixels, size, mode="bilinear", antialias=True)
    return pixels[:, 0].round_().clamp_(0, 255).byte()  # (N, h, w)


@dataclass(eq=False)
class BatchLoader:
    """Batches of a :class:`FashionMNIST` split, sliced from tensors.

    Each iteration goes once through the data and yields pairs ``X``, ``y``: float32
    images in [0, 1] of shape ``(n, 1, h, w)`` and int64 labels of shape ``(n,)``. The
    last batch has what is left over. No Python code runs per image.

    Images stay uint8 in memory (47 MB for the training split) and become float32 batch
    by batch. Resized images are kept if they fit into 512 MB, and else made anew for
    each batch.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    dataset
        Images and labels.
    batch_size
        Images per batch, at least 1.
    shuffle
        Whether each iteration has a new random order.
    resize
        Height and width in pixels, or None to leave 28 x 28.
    device
        Where images are kept and batches come out.
    seed
        Of the shuffling; None draws from torch's global generator, so that
        ``torch.manual_seed`` governs it.

    Examples
    --------
    >>> loader = BatchLoader(fashion_mnist_sample("test"), batch_size=256)
    >>> loader
    BatchLoader(1,000 images of 28 x 28 in 4 batches of 256, in order, on cpu)
    >>> [len(y) for X, y in loader]
    [256, 256, 256, 232]
    """

    dataset: FashionMNIST
    batch_size: int
    shuffle: bool = False
    resize: tuple[int, int] | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    seed: int | None = None

    def __post_init__(self) -> None:
        _check_batch_size(self.batch_size)
        self._generator = None
        if self.seed is not None:
            self._generator = torch.Generator().manual_seed(self.seed)
        self._images = self.dataset.images.to(self.device)
        self._labels = self.dataset.labels.to(self.device)
        self._resize_later = None
        if self.resize is not None:
            if len(self.dataset) * math.prod(self.resize) > _KEEP_BYTES:
                self._resize_later = self.resize
            else:
                chunks = self._images.split(4096)
                self._images = torch.cat([_resized(c, self.resize) for c in chunks])

    @property
    def num_examples(self) -> int:
        """How many images one iteration yields."""
        return len(self.dataset)

    @property
    def source(self) -> str:
        """Where the images came from."""
        return self.dataset.source

    def __len__(self) -> int:
        return math.ceil(len(self.dataset) / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Float[Tensor, "n 1 h w"], Int64[Tensor, "n"]]]:
        order = None
        if self.shuffle:
            order = torch.randperm(self.num_examples, generator=self._generator)
            order = order.to(self.device)
        for start in range(0, self.num_examples, self.batch_size):
            batch = slice(start, start + self.batch_size)
            if order is None:
                images, labels = self._images[batch], self._labels[batch]
            else:
                images = self._images.index_select(0, order[batch])
                labels = self._labels.index_select(0, order[batch])
            if self._resize_later is not None:
                images = _resized(images, self._resize_later)
            yield images[:, None].float().div_(255), labels  # (n, 1, h, w), (n,)

    def to(self, device: torch.device | str) -> "BatchLoader":
        """Give this loader with its images on ``device``: itself, if they are there.

        The copy shares the random order: it continues where this one stands.
        """
        device = torch.device(device)
        if device == self.device:
            return self
        moved = copy(self)
        moved.device = device
        moved._images = self._images.to(device)
        moved._labels = self._labels.to(device)
        return moved

    def __repr__(self) -> str:
        h, w = self.resize or self.dataset.images.shape[1:]
        order = "shuffled" if self.shuffle else "in order"
        return (
            f"BatchLoader({self.num_examples:,} images of {h} x {w} in {len(self)} "
            f"batches of {self.batch_size}, {order}, on {self.device})"
        )


def _check_batch_size(batch_size: object) -> None:
    if isinstance(batch_size, bool) or not isinstance(batch_size, int):
        raise TypeError(
            f"batch_size must be an integer such as 256, got {batch_size!r} "
            f"({type(batch_size).__name__})"
        )
    if batch_size < 1:
        raise ValueError(f"batch_size must be at least 1, got {batch_size}")


def _resize_pair(resize: int | Sequence[int] | None) -> tuple[int, int] | None:
    if resize is None:
        return None
    pair = (resize, resize) if isinstance(resize, int) else tuple(resize)
    if len(pair) != 2 or not all(isinstance(n, int) and n >= 1 for n in pair):
        raise ValueError(
            f"resize must be a positive integer or a pair (height, width) of them, "
            f"got {resize!r}"
        )
    return pair


def load_data_fashion_mnist(
    batch_size: int,
    resize: int | Sequence[int] | None = None,
    *,
    root: str | os.PathLike[str] | None = None,
    device: torch.device | str | None = None,
    seed: int | None = None,
) -> tuple[BatchLoader, BatchLoader]:
    """Batches of Fashion-MNIST for training (shuffled) and for testing (in order).

    A drop-in for the book's loader of the same name, with all images in memory: both
    results can be iterated again and again, and ``len`` counts their batches. What they
    yield is described at :class:`BatchLoader`; where the data come from, at
    :func:`fashion_mnist`.

    Introduced in :doc:`/book/lenet`.

    Parameters
    ----------
    batch_size
        Images per batch, at least 1; the last batch may be smaller.
    resize
        Side length, or ``(height, width)``, in pixels. Resizing is bilinear and
        antialiased, as torchvision's ``Resize`` does it: equal to it on tensors, within
        1/255 of it on PIL images.
    root
        A folder with the four files.
    device
        Keep the images there. None means the CPU; ``train_ch6`` moves them.
    seed
        Of the shuffling; None leaves it to ``torch.manual_seed``.

    Raises
    ------
    TypeError
        When the batch size is not an integer.
    ValueError
        When it is not positive, or ``resize`` is not a positive size.
    FileNotFoundError, DataError
        See :func:`fashion_mnist`.

    Examples
    --------
    >>> load_data_fashion_mnist(0)
    Traceback (most recent call last):
    ValueError: batch_size must be at least 1, got 0
    """
    _check_batch_size(batch_size)
    size = _resize_pair(resize)
    place = torch.device("cpu" if device is None else device)
    train, test = _load(("train", "test"), root)
    return (
        BatchLoader(train, batch_size, True, size, place, seed),
        BatchLoader(test, batch_size, False, size, place),
    )
