"""The loader: which place wins, what is refused and how, and what a batch is."""

import gzip
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torchvision

from course_lib import data
from course_lib.data import (
    CHECKSUMS,
    SAMPLE_CHECKSUMS,
    SAMPLE_FOLDER,
    BatchLoader,
    DataError,
    FashionMNIST,
    SampleDataWarning,
    cache_folder,
    fashion_mnist,
    fashion_mnist_sample,
    load_data_fashion_mnist,
    parse_idx,
    text_labels,
)

NAMES = list(CHECKSUMS)
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES
SYSTEM = Path("/usr/share/datasets/fashion-mnist")

# The first ten bytes of the original .gz files: their times of 31 August 2017, and the
# flag that a name follows. (Found by trying times until the MD5 sums agreed.)
ORIGINAL_HEADERS = {
    TRAIN_IMAGES: "1f8b0808dee9a7590003",
    TRAIN_LABELS: "1f8b0808dee9a7590003",
    TEST_IMAGES: "1f8b0808f3e9a7590003",
    TEST_LABELS: "1f8b0808f3e9a7590003",
}


def sample_contents(name):
    """The unpacked contents of a file of the bundled sample."""
    return gzip.decompress((SAMPLE_FOLDER / f"{name}.gz").read_bytes())


def fill(folder, *, plain=(), leave_out=()):
    """Copy the sample's four files to ``folder``: plain where asked, else as .gz."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in NAMES:
        if name in leave_out:
            continue
        if name in plain:
            (folder / name).write_bytes(sample_contents(name))
        else:
            packed = (SAMPLE_FOLDER / f"{name}.gz").read_bytes()
            (folder / f"{name}.gz").write_bytes(packed)
    return folder


@pytest.fixture
def places(tmp_path, monkeypatch):
    """A machine of our own: no data anywhere, no network, and the sample's checksums.

    With the sample's checksums in place of the full data's, small files can play the
    full data set.
    """
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(Path, "home", staticmethod(lambda: home))
    for variable in (
        "FASHION_MNIST_DIR",
        "FASHION_MNIST_CACHE",
        "FASHION_MNIST_OFFLINE",
        "TORCH_HOME",
        "XDG_CACHE_HOME",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(data, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(data, "CHECKSUMS", SAMPLE_CHECKSUMS)

    def no_network(*args, **kwargs):
        raise URLError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.FashionMNIST.__init__", no_network)
    return tmp_path


# -- where the data come from ----------------------------------------------------------

FOUND = {
    "torchvision's download here": "work/data/FashionMNIST/raw",
    "torchvision's download one folder up": "data/FashionMNIST/raw",
    "torchvision's download at home": "home/data/FashionMNIST/raw",
    "torch's cache": "home/.cache/torch/FashionMNIST/raw",
    "torch's cache of data sets": "home/.cache/torch/datasets/FashionMNIST/raw",
    "the system": "system",
    "our own cache": "home/.cache/cnn-course/fashion-mnist",
}


@pytest.mark.parametrize("place", FOUND.values(), ids=FOUND.keys())
@pytest.mark.parametrize("split", ["train", "test"])
def test_data_are_found_without_a_word(places, place, split):
    folder = fill(places / place)
    found = fashion_mnist(split)
    assert Path(found.source).resolve() == folder
    assert len(found) == {"train": 5000, "test": 1000}[split]


def test_the_order_of_places_is_the_documented_one(places):
    order = list(FOUND.values())
    for place in order:
        fill(places / place)
    for place in order:
        assert Path(fashion_mnist("test").source).resolve() == places / place
        for name in NAMES:
            (places / place / f"{name}.gz").unlink()


def test_an_explicit_root_comes_before_the_environment_and_every_found_place(
    places, monkeypatch
):
    fill(places / "system")
    named, given = fill(places / "named"), fill(places / "given")
    monkeypatch.setenv("FASHION_MNIST_DIR", str(named))
    assert fashion_mnist("test").source == str(named)
    assert fashion_mnist("test", root=given).source == str(given)
    assert fashion_mnist("test", root=str(given)).source == str(given)


def test_root_may_be_the_folder_that_torchvision_was_given(places):
    raw = fill(places / "mine" / "FashionMNIST" / "raw")
    assert fashion_mnist("test", root=places / "mine").source == str(raw)


def test_torch_home_names_torchs_cache(places, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(places / "th"))
    folder = fill(places / "th" / "datasets" / "FashionMNIST" / "raw")
    assert fashion_mnist("test").source == str(folder)


@pytest.mark.parametrize("plain", [(), (TEST_IMAGES,), tuple(NAMES)], ids=len)
def test_files_may_be_plain_or_packed_in_any_mixture(places, plain):
    folder = fill(places / "some", plain=plain)
    got = fashion_mnist("test", root=folder)
    assert got.images.equal(fashion_mnist_sample("test").images)
    assert got.labels.equal(fashion_mnist_sample("test").labels)


def test_files_packed_anew_are_accepted(places):
    folder = fill(places / "some")
    again = gzip.compress(sample_contents(TEST_IMAGES), compresslevel=1)
    (folder / f"{TEST_IMAGES}.gz").write_bytes(again)
    assert len(fashion_mnist("test", root=folder)) == 1000


def test_a_found_folder_that_lacks_a_file_is_passed_over(places):
    fill(places / "system", leave_out=[TRAIN_LABELS])
    folder = fill(cache_folder())
    assert fashion_mnist("test").source == str(folder)


# -- named folders must be right -------------------------------------------------------


def test_a_named_folder_that_lacks_files_is_an_error_and_not_a_fallback(
    places, monkeypatch
):
    fill(places / "system")
    folder = fill(places / "mine", leave_out=[TRAIN_LABELS, TEST_IMAGES])
    expected = rf"root='.*mine' lacks {TRAIN_LABELS}, {TEST_IMAGES} \(with or without"
    with pytest.raises(FileNotFoundError, match=expected):
        fashion_mnist("test", root=folder)
    monkeypatch.setenv("FASHION_MNIST_DIR", str(folder))
    with pytest.raises(FileNotFoundError, match=r"FASHION_MNIST_DIR='.*mine' lacks"):
        load_data_fashion_mnist(256)


def test_a_named_folder_that_does_not_exist_is_an_error(places):
    fill(places / "system")
    expected = (
        rf"root='.*nowhere' is not a folder. Give the folder that holds {NAMES[0]}"
    )
    with pytest.raises(FileNotFoundError, match=expected):
        fashion_mnist(root=places / "nowhere")


def flip(position):
    def change(contents):
        changed = bytearray(contents)
        changed[position] ^= 0xFF
        return bytes(changed)

    return change


DAMAGE = {
    "gz: first bytes lost": (True, lambda c: c[10:], "is damaged"),
    "gz: header": (True, flip(3), "is damaged|is cut short"),
    "gz: early": (True, flip(200), "is damaged|is cut short|holds an array"),
    "gz: middle": (True, lambda c: flip(len(c) // 2)(c), "is damaged"),
    "gz: check sum at the end": (True, flip(-8), "is damaged"),
    "gz: length at the end": (True, flip(-1), "is damaged"),
    "gz: cut in the middle": (True, lambda c: c[: len(c) // 2], "is cut short"),
    "gz: last byte lost": (True, lambda c: c[:-1], "is cut short"),
    "gz: only the header": (True, lambda c: c[:10], "is cut short"),
    "empty": (True, lambda c: b"", "is empty"),
    "plain: magic number": (False, flip(2), "expected 00 00 08"),
    "plain: number of axes": (False, flip(3), "is damaged"),
    "plain: an axis": (False, flip(7), "is damaged .* has .* bytes, got"),
    "plain: the first pixel": (False, flip(16), "holds an array of shape"),
    "plain: a pixel inside": (False, flip(5000), "is it MNIST, or was it changed"),
    "plain: the last pixel": (False, flip(-1), "its checksum differs"),
    "plain: one byte less": (False, lambda c: c[:-1], "bytes, got"),
    "plain: one byte more": (False, lambda c: c + b"\0", "bytes, got"),
    "a web page": (False, lambda c: b"\n<!doctype html><p>Log in", "holds a web page"),
    "shorter than a header": (
        False,
        lambda c: c[:2],
        "is damaged .* starts with 00 00",
    ),
}


@pytest.mark.parametrize("case", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_file_is_reported_by_name_with_what_to_do(places, case):
    packed, damage, words = case
    folder = fill(places / "mine", plain=() if packed else NAMES)
    path = folder / (f"{TEST_IMAGES}.gz" if packed else TEST_IMAGES)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=words) as caught:
        fashion_mnist("test", root=folder)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "Delete the file, or replace it by a good copy, and try again." in message


def test_swapped_files_are_recognised(places):
    folder = fill(places / "mine")
    one, other = folder / f"{TRAIN_LABELS}.gz", folder / f"{TEST_LABELS}.gz"
    one_bytes, other_bytes = one.read_bytes(), other.read_bytes()
    one.write_bytes(other_bytes)
    other.write_bytes(one_bytes)
    expected = f"{TEST_LABELS}.gz holds the contents of {TRAIN_LABELS}; were two files"
    with pytest.raises(DataError, match=expected):
        fashion_mnist("test", root=folder)


def test_a_damaged_file_in_a_found_folder_is_reported_and_the_next_place_is_used(
    places,
):
    broken = fill(places / "system")
    path = broken / f"{TEST_IMAGES}.gz"
    path.write_bytes(path.read_bytes()[:-5])
    good = fill(cache_folder())
    expected = f"{path} is cut short.*other places are tried"
    with pytest.warns(UserWarning, match=expected) as caught:
        assert fashion_mnist("test").source == str(good)
    assert caught[0].filename == __file__, "the warning points at the caller's line"


def test_a_file_that_may_not_be_read_is_reported_and_passed_over(places, monkeypatch):
    fill(places / "system")
    good = fill(cache_folder())
    read_bytes = Path.read_bytes

    def forbidden(path):
        if path.parent.name == "system":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", forbidden)
    with pytest.warns(UserWarning, match=r"Permission denied.*other places are tried"):
        assert fashion_mnist("test").source == str(good)


@pytest.mark.parametrize("split", ["valid", "Train", ""])
def test_an_unknown_split_is_named(split):
    with pytest.raises(ValueError, match=f"must be 'train' or 'test', got '{split}'"):
        fashion_mnist(split)
    with pytest.raises(ValueError, match=f"must be 'train' or 'test', got '{split}'"):
        fashion_mnist_sample(split)


# -- the download ----------------------------------------------------------------------


def fake_download(monkeypatch, *, extracted=True, spoil=None, leave_out=()):
    """Let torchvision "download" the sample, as the real one lays out its files."""
    calls = []

    def download(self, root, download=False, **kwargs):
        assert download
        calls.append((root, socket.getdefaulttimeout()))
        raw = fill(Path(root) / "FashionMNIST" / "raw", leave_out=leave_out)
        for name in NAMES if extracted else ():
            if name not in leave_out:
                (raw / name).write_bytes(sample_contents(name))
        if spoil:
            path = raw / (spoil if extracted else f"{spoil}.gz")
            path.write_bytes(path.read_bytes()[:-3])

    monkeypatch.setattr("torchvision.datasets.FashionMNIST.__init__", download)
    return calls


@pytest.mark.parametrize("extracted", [True, False])
def test_a_download_is_verified_cached_and_not_repeated(places, monkeypatch, extracted):
    calls = fake_download(monkeypatch, extracted=extracted)
    first, second = fashion_mnist("test"), fashion_mnist("train")
    assert first.source == second.source == str(cache_folder())
    assert len(calls) == 1
    assert sorted(p.name.removesuffix(".gz") for p in cache_folder().iterdir()) == (
        sorted(NAMES)
    )


def test_a_download_gives_up_on_a_silent_network_and_leaves_the_timeout_as_it_was(
    places, monkeypatch
):
    calls = fake_download(monkeypatch)
    fashion_mnist("test")
    assert calls[0][1] == data._TIMEOUT
    assert socket.getdefaulttimeout() is None


def test_a_spoilt_download_is_never_cached(places, monkeypatch):
    fake_download(monkeypatch, spoil=TRAIN_IMAGES)
    with pytest.warns(SampleDataWarning, match=r"download failed \(DataError: .*bytes"):
        assert fashion_mnist("test").source == "bundled sample"
    assert list(cache_folder().iterdir()) == []


def test_an_incomplete_download_is_never_cached(places, monkeypatch):
    fake_download(monkeypatch, leave_out=[TEST_LABELS])
    expected = f"torchvision's download has no {TEST_LABELS}"
    with pytest.warns(SampleDataWarning, match=expected):
        fashion_mnist("test")
    assert list(cache_folder().iterdir()) == []


def test_no_network_gives_one_message_with_the_four_ways_out_and_the_sample(places):
    with pytest.warns(SampleDataWarning) as caught:
        got = fashion_mnist("train")
    assert got.source == "bundled sample"
    assert len(caught) == 1
    message = str(caught[0].message)
    for words in (
        "5,000 training and 1,000 test images instead of 60,000 and 10,000",
        "URLError: <urlopen error Name or service not known>",
        "accuracies will be lower",
        "1. connect to the network",
        "2. on Debian or Ubuntu: sudo apt install dataset-fashion-mnist",
        "3. if you have the four files, pass their folder as root=",
        "or set FASHION_MNIST_DIR to it",
        "4. on another computer, download the four files",
        str(cache_folder()),
    ):
        assert words in message
    assert "Traceback" not in message
    assert caught[0].filename == __file__, "the warning points at the caller's line"


def test_one_call_for_both_splits_warns_once_and_asks_the_network_once(
    places, monkeypatch
):
    calls = []

    def no_network(self, *args, **kwargs):
        calls.append(args)
        raise URLError("down")

    monkeypatch.setattr("torchvision.datasets.FashionMNIST.__init__", no_network)
    with pytest.warns(SampleDataWarning) as caught:
        train_iter, test_iter = load_data_fashion_mnist(256)
    assert train_iter.source == test_iter.source == "bundled sample"
    assert len(caught) == len(calls) == 1
    assert caught[0].filename == __file__


def test_offline_goes_straight_to_the_sample(places, monkeypatch):
    calls = fake_download(monkeypatch)
    monkeypatch.setenv("FASHION_MNIST_OFFLINE", "1")
    with pytest.warns(SampleDataWarning, match="because FASHION_MNIST_OFFLINE is set"):
        assert fashion_mnist("test").source == "bundled sample"
    assert calls == []


def test_a_cache_that_cannot_be_written_leads_to_the_sample(places, monkeypatch):
    (places / "file").write_text("not a folder")
    monkeypatch.setenv("FASHION_MNIST_CACHE", str(places / "file" / "cache"))
    with pytest.warns(SampleDataWarning, match=r"download failed .*NotADirectoryError"):
        assert fashion_mnist("test").source == "bundled sample"


def test_an_error_without_words_is_still_named():
    assert data._reason(TimeoutError()) == "TimeoutError: no message"


CACHES = {
    "linux": ("linux", {}, "home/.cache/cnn-course/fashion-mnist"),
    "linux, XDG": ("linux", {"XDG_CACHE_HOME": "xdg"}, "xdg/cnn-course/fashion-mnist"),
    "macos": ("darwin", {}, "home/Library/Caches/cnn-course/fashion-mnist"),
    "windows": ("win32", {"LOCALAPPDATA": "local"}, "local/cnn-course/fashion-mnist"),
    "windows, bare": ("win32", {}, "home/AppData/Local/cnn-course/fashion-mnist"),
    "named": ("linux", {"FASHION_MNIST_CACHE": "mine"}, "mine"),
}


@pytest.mark.parametrize("case", CACHES.values(), ids=CACHES.keys())
def test_the_cache_is_where_the_system_keeps_caches(places, monkeypatch, case):
    platform, environment, expected = case
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(places / value))
    assert cache_folder() == places / expected


# -- two at once -----------------------------------------------------------------------


AT_ONCE = """
import pathlib, sys, time
import torch, torchvision
from course_lib import data

here, me = pathlib.Path(sys.argv[1]), sys.argv[2]

def slow_download(self, root, download=False):
    raw = pathlib.Path(root) / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for name in data.CHECKSUMS:
        contents = (data.SAMPLE_FOLDER / f"{name}.gz").read_bytes()
        with open(raw / f"{name}.gz", "wb") as file:
            for start in range(0, len(contents), 1 << 16):  # as a network delivers it
                file.write(contents[start : start + (1 << 16)])
                file.flush()

torchvision.datasets.FashionMNIST.__init__ = slow_download
data.CHECKSUMS = data.SAMPLE_CHECKSUMS
data.SYSTEM_FOLDER = here / "nowhere"
data._torchvision_folders = lambda: []
(here / f"ready-{me}").touch()
while not (here / "go").exists():
    time.sleep(0.001)
got = data.fashion_mnist("train")
print(got.source, len(got), int(got.images.sum()))
"""


def test_processes_that_start_at_once_do_not_spoil_the_cache(tmp_path):
    cache = tmp_path / "cache"
    environment = {
        **os.environ,
        "FASHION_MNIST_CACHE": str(cache),
        "OMP_NUM_THREADS": "1",
        "PYTHONWARNINGS": "error",
    }
    environment.pop("FASHION_MNIST_DIR", None)
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", AT_ONCE, str(tmp_path), str(me)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in range(3)
    ]
    while len(list(tmp_path.glob("ready-*"))) < len(processes):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    outputs = [process.communicate(timeout=120) for process in processes]
    total = int(fashion_mnist_sample("train").images.sum())
    assert outputs == [(f"{cache} 5000 {total}\n", "")] * 3
    assert sorted(os.listdir(cache)) == sorted(f"{name}.gz" for name in NAMES)
    for name in NAMES:
        packed = (cache / f"{name}.gz").read_bytes()
        assert packed == (SAMPLE_FOLDER / f"{name}.gz").read_bytes()


# -- the sample ------------------------------------------------------------------------


@pytest.mark.parametrize(("split", "count"), [("train", 5000), ("test", 1000)])
def test_the_sample_is_balanced_and_typed_like_the_full_data(split, count):
    sample = fashion_mnist_sample(split)
    assert sample.images.shape == (count, 28, 28)
    assert sample.images.dtype == torch.uint8
    assert sample.labels.dtype == torch.int64
    assert sample.labels.bincount().tolist() == [count // 10] * 10
    assert repr(sample) == (
        f"FashionMNIST({count:,} images of 28 x 28, from bundled sample)"
    )


def test_the_sample_is_small_and_has_its_licence_and_origin_beside_it():
    assert sum(path.stat().st_size for path in SAMPLE_FOLDER.iterdir()) <= 3_000_000
    assert "Zalando SE" in (SAMPLE_FOLDER / "LICENSE").read_text("utf-8")
    assert "MIT" in (SAMPLE_FOLDER / "ORIGIN.md").read_text("utf-8")


@pytest.mark.dataset
def test_the_full_data_are_verified_and_the_sample_is_their_beginning():
    root = os.environ.get("FASHION_MNIST_DIR", SYSTEM)
    for split, count, each in [("train", 60_000, 500), ("test", 10_000, 100)]:
        full = fashion_mnist(split, root=root)
        assert full.images.shape == (count, 28, 28)
        assert full.labels.bincount().tolist() == [count // 10] * 10
        sample = fashion_mnist_sample(split)
        for label in range(10):
            mine = sample.images[sample.labels == label]
            assert mine.equal(full.images[full.labels == label][:each])


@pytest.mark.dataset
def test_the_checksums_are_of_the_contents_that_torchvision_lists():
    """Debian's .gz files differ from the originals in their headers only.

    With the original header, time and name put back, each has the MD5 sum that
    torchvision lists; so their contents, whose SHA-256 sums we list, are the same.
    """
    listed = dict(torchvision.datasets.FashionMNIST.resources)
    for name, header in ORIGINAL_HEADERS.items():
        path = SYSTEM / f"{name}.gz"
        if not path.is_file():
            pytest.skip(f"needs {path}, as Debian packs it")
        original = (
            bytes.fromhex(header) + name.encode() + b"\0" + path.read_bytes()[10:]
        )
        assert hashlib.md5(original).hexdigest() == listed[f"{name}.gz"]
        assert hashlib.sha256(gzip.decompress(original)).hexdigest() == CHECKSUMS[name]


# -- the idx format --------------------------------------------------------------------


def test_an_idx_file_has_big_endian_axes_and_rows_first():
    contents = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])
    assert parse_idx(contents).tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (b"", "starts with nothing, expected 00 00 08"),
        (b"\0\0\x08", "starts with 00 00 08, expected"),
        (b"\0\0\x0d\1\0\0\0\1abcd", "starts with 00 00 0d 01, expected 00 00 08"),
        (b"\0\0\x08\1\0\0\0\3ab", r"shape \(3,\) has 11 bytes, got 10"),
        (b"\0\0\x08\2\0\0", "has .* bytes, got 6"),
    ],
)
def test_what_is_no_idx_file_is_refused(contents, words):
    with pytest.raises(DataError, match=words):
        parse_idx(contents)


# -- labels ----------------------------------------------------------------------------


def test_labels_have_the_names_of_the_data_set():
    assert text_labels(torch.arange(10)) == list(data.LABELS)
    assert text_labels([9, 9, 6]) == ["ankle boot", "ankle boot", "shirt"]
    assert text_labels(torch.tensor([], dtype=torch.int64)) == []


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_outside_0_to_9_is_refused(label):
    with pytest.raises(ValueError, match=f"integers from 0 to 9, got {label}"):
        text_labels([0, label])


# -- batches ---------------------------------------------------------------------------


@pytest.fixture
def small():
    """Ten tiny images whose pixels say which one they are."""
    images = torch.arange(10, dtype=torch.uint8)[:, None, None].expand(10, 28, 28)
    return FashionMNIST(images * 25, torch.arange(10), "a test")


def test_a_batch_has_the_documented_shapes_types_and_range(small):
    X, y = next(iter(BatchLoader(small, 4)))
    assert (X.shape, X.dtype) == ((4, 1, 28, 28), torch.float32)
    assert (y.shape, y.dtype) == ((4,), torch.int64)
    assert X[3, 0, 5, 5] == torch.tensor(75) / 255
    assert X.min() >= 0
    assert X.max() <= 1


def test_pixels_are_exactly_those_of_torchvisions_to_tensor():
    from torchvision.transforms.functional import to_pil_image, to_tensor

    sample = fashion_mnist_sample("test")
    X, _ = next(iter(BatchLoader(sample, 8)))
    theirs = torch.stack(
        [to_tensor(to_pil_image(image)) for image in sample.images[:8]]
    )
    assert X.equal(theirs)


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(1, [1] * 10), (4, [4, 4, 2]), (5, [5, 5]), (10, [10]), (1000, [10])],
)
def test_every_image_comes_once_and_the_last_batch_has_the_rest(
    small, batch_size, sizes
):
    for shuffle in (False, True):
        loader = BatchLoader(small, batch_size, shuffle)
        batches = list(loader)
        assert [len(y) for _, y in batches] == sizes
        assert len(loader) == len(sizes)
        assert loader.num_examples == 10
        labels = torch.cat([y for _, y in batches])
        assert sorted(labels.tolist()) == list(range(10))
        pixels = torch.cat([X[:, 0, 0, 0] for X, _ in batches])
        assert torch.equal((pixels * 255 / 25).round().long(), labels), "pairs stay"


def labels_of(loader):
    return torch.cat([y for _, y in loader]).tolist()


def test_the_test_loader_keeps_the_order_and_the_training_loader_changes_it(
    places, monkeypatch
):
    fill(places / "system")
    train_iter, test_iter = load_data_fashion_mnist(256)
    assert labels_of(test_iter) == fashion_mnist("test").labels.tolist()
    assert labels_of(train_iter) != labels_of(train_iter)


def test_torchs_seed_governs_the_order_unless_there_is_an_own_one(small):
    free = BatchLoader(small, 3, shuffle=True)
    torch.manual_seed(5)
    first = [labels_of(free), labels_of(free)]
    torch.manual_seed(5)
    assert [labels_of(free), labels_of(free)] == first
    assert first[0] != first[1]

    own = [BatchLoader(small, 3, shuffle=True, seed=7) for _ in range(2)]
    torch.manual_seed(1)
    before = torch.get_rng_state()
    orders = [[labels_of(loader) for _ in range(3)] for loader in own]
    assert orders[0] == orders[1]
    assert orders[0][0] != orders[0][1]
    assert torch.equal(torch.get_rng_state(), before), (
        "torch's generator is not touched"
    )


def test_an_interrupted_iteration_and_two_at_once_are_complete(small):
    loader = BatchLoader(small, 3, shuffle=True)
    next(iter(loader))
    pairs = list(zip(loader, loader, strict=True))
    for k in (0, 1):
        seen = torch.cat([pair[k][1] for pair in pairs])
        assert sorted(seen.tolist()) == list(range(10))


def test_batches_are_new_tensors_that_may_be_changed(small):
    loader = BatchLoader(small, 10)
    X, _ = next(iter(loader))
    X.zero_()
    assert next(iter(loader))[0].max() > 0


def test_a_loader_moves_to_a_device_and_keeps_its_order(small):
    loader = BatchLoader(small, 5, shuffle=True, seed=1)
    assert loader.to("cpu") is loader
    moved = loader.to("meta")
    assert moved.device == torch.device("meta")
    assert moved.batch_size == 5
    assert loader.device == torch.device("cpu")
    X, y = next(iter(moved))
    assert (X.device.type, y.device.type) == ("meta", "meta")
    assert X.shape == (5, 1, 28, 28)


def test_device_puts_the_batches_there(places):
    fill(places / "system")
    for loader in load_data_fashion_mnist(100, device="meta"):
        X, y = next(iter(loader))
        assert X.is_meta
        assert y.is_meta


# -- resizing --------------------------------------------------------------------------

SIZES = {
    "larger": (32, 32),
    "much larger": (96, 64),
    "smaller": (14, 14),
    "flat": (9, 40),
}


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())
def test_resizing_agrees_with_torchvision(size):
    from torchvision.transforms import Compose, Resize, ToTensor
    from torchvision.transforms.functional import to_pil_image

    sample = fashion_mnist_sample("test")
    X, _ = next(iter(BatchLoader(sample, 16, resize=size)))
    assert X.shape == (16, 1, *size)
    tensors = Resize(size, antialias=True)(sample.images[:16, None]) / 255
    assert torch.equal(X, tensors)
    pil = Compose([to_pil_image, Resize(size), ToTensor()])
    images = torch.stack([pil(image) for image in sample.images[:16]])
    assert (X - images).abs().max() <= 1.001 / 255


def test_sizes_too_large_to_keep_are_made_batch_by_batch(monkeypatch):
    sample = fashion_mnist_sample("test")
    kept = BatchLoader(sample, 300, resize=(40, 30))
    monkeypatch.setattr(data, "_KEEP_BYTES", 1000)
    made = BatchLoader(sample, 300, resize=(40, 30))
    assert made._images.shape == (1000, 28, 28)
    for (X, y), (X2, y2) in zip(kept, made, strict=True):
        assert torch.equal(X, X2)
        assert torch.equal(y, y2)


def test_resize_takes_a_side_or_a_height_and_a_width(places):
    fill(places / "system")
    for resize, expected in [(None, (28, 28)), (40, (40, 40)), ((20, 30), (20, 30))]:
        train_iter, _ = load_data_fashion_mnist(8, resize)
        assert next(iter(train_iter))[0].shape == (8, 1, *expected)
        assert f"5,000 images of {expected[0]} x {expected[1]}" in repr(train_iter)
    assert repr(train_iter).endswith("in 625 batches of 8, shuffled, on cpu)")


@pytest.mark.parametrize("resize", [0, -3, (28,), (28, 28, 1), (0, 5)])
def test_a_size_that_is_none_is_refused(resize):
    with pytest.raises(
        ValueError, match=r"positive integer or a pair .*, got"
    ) as error:
        load_data_fashion_mnist(256, resize)
    assert repr(resize) in str(error.value)


@pytest.mark.parametrize("batch_size", [0, -256])
def test_a_batch_size_below_1_is_refused(batch_size):
    expected = f"batch_size must be at least 1, got {batch_size}"
    with pytest.raises(ValueError, match=expected):
        load_data_fashion_mnist(batch_size)


@pytest.mark.parametrize(
    ("batch_size", "given"),
    [(256.0, r"256.0 \(float\)"), ("256", r"'256' \(str\)"), (True, r"True \(bool\)")],
)
def test_a_batch_size_that_is_no_integer_is_refused(batch_size, given):
    with pytest.raises(TypeError, match=f"an integer such as 256, got {given}"):
        data._check_batch_size(batch_size)
