"""Data sets: points in the plane, the shipped digits, IDX files and where they are looked for."""

from __future__ import annotations

import functools
import gzip
import hashlib
import http.server
import struct
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor.datasets import (
    _images,
    fashion_mnist,
    load_digits,
    make_moons,
    make_spirals,
    mnist,
    read_idx,
)

# ------------------------------------------------------------------------------------------ moons


def test_make_moons_equals_scikit_learn_table() -> None:
    # sklearn.datasets.make_moons(4, noise=0.1, random_state=0) of scikit-learn 1.9
    x, y = make_moons(4, noise=0.1, random_state=0)
    expected = [
        [0.09787379841057392, 0.7240893199201458],
        [2.1867557990149966, 0.4022722120123588],
        [-0.904991158247441, -0.015135720829769666],
        [0.9896781148206442, 0.04105985019383723],
    ]
    # cos and sin of the C library may differ in their last bit
    np.testing.assert_allclose(x, expected, rtol=0, atol=4e-16)
    assert y.tolist() == [1, 1, 0, 0]
    assert (x.dtype, y.dtype) == (np.float64, np.int64)


@pytest.mark.parametrize("noise", [None, 0.0, 0.25])
@pytest.mark.parametrize("n_samples", [1, 2, 101, (3, 8), (0, 2)])
def test_make_moons_equals_installed_scikit_learn(
    n_samples: int | tuple[int, int], noise: float | None
) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    for shuffle in (True, False):
        x, y = make_moons(n_samples, noise, 42, shuffle=shuffle)
        x_expected, y_expected = datasets.make_moons(
            n_samples, noise=noise, random_state=42, shuffle=shuffle
        )
        np.testing.assert_array_equal(x, x_expected)
        np.testing.assert_array_equal(y, y_expected)


def test_make_moons_takes_any_random_source() -> None:
    from_seed = make_moons(20, 0.1, 5)[0]
    from_state = make_moons(20, 0.1, np.random.RandomState(5))[0]
    np.testing.assert_array_equal(from_seed, from_state)
    first, second = (make_moons(20, 0.1, np.random.default_rng(5))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    before = np.random.get_state()  # noqa: NPY002 - the global state is the subject
    np.random.seed(5)  # noqa: NPY002
    from_global = make_moons(20, 0.1)[0]
    np.random.set_state(before)  # noqa: NPY002
    np.testing.assert_array_equal(from_seed, from_global)


def test_make_moons_without_noise_lies_on_the_circles() -> None:
    x, y = make_moons(50, random_state=0)
    centre = np.array([[0.0, 0.0], [1.0, 0.5]])[y]
    np.testing.assert_allclose(np.hypot(*(x - centre).T), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_samples": 0}, ValueError, "n_samples must be at least 1, got 0"),
        ({"n_samples": 2.5}, TypeError, "n_samples must be an int or a tuple of two int, got 2.5"),
        ({"n_samples": (0, 0)}, ValueError, "at least one point"),
        ({"n_samples": (1, 2, 3)}, TypeError, "tuple of two int"),
        ({"noise": -0.1}, ValueError, "noise must be at least 0 and below inf, got -0.1"),
        ({"noise": float("nan")}, ValueError, "noise must be at least 0 and below inf, got nan"),
        ({"noise": "much"}, TypeError, "noise must be a number, got 'much'"),
        ({"random_state": -1}, ValueError, r"random_state must be in \[0, 2\*\*32\), got -1"),
        ({"random_state": "seed"}, TypeError, "random_state must be an int.*got str"),
        ({"shuffle": 1}, TypeError, "shuffle must be True or False, got 1"),
    ],
)
def test_make_moons_names_wrong_arguments(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_moons(**arguments)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------- spirals


@given(n=st.integers(1, 60), classes=st.integers(1, 7), turns=st.floats(0, 4))
def test_make_spirals_formula(n: int, classes: int, turns: float) -> None:
    x, y = make_spirals(n, n_classes=classes, turns=turns, shuffle=False)
    assert x.shape == (n, 2)
    assert np.all(np.diff(y) >= 0)
    sizes = np.bincount(y, minlength=classes)
    assert sizes.sum() == n
    assert np.ptp(sizes) <= 1
    for k in range(classes):
        t = np.arange(1, sizes[k] + 1) / max(sizes[k], 1)
        turned = t * np.exp(2j * np.pi * (turns * t + k / classes))
        np.testing.assert_allclose(x[y == k] @ [1, 1j], turned, rtol=0, atol=1e-14)


def test_make_spirals_shuffles_and_blurs_reproducibly() -> None:
    clean, labels = make_spirals(90, random_state=3, n_classes=3)
    noisy, same_labels = make_spirals(90, 0.05, 3, n_classes=3)
    np.testing.assert_array_equal(labels, same_labels)
    assert labels[:30].tolist() != [0] * 30
    # 180 draws: the sample's standard deviation is within 5 of its own standard errors
    assert abs(np.std(noisy - clean) - 0.05) < 5 * 0.05 / np.sqrt(2 * 180)


def test_make_spirals_names_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="n_classes must be at least 1, got 0"):
        make_spirals(10, n_classes=0)
    with pytest.raises(TypeError, match=r"n_samples must be an integer, got \(5, 5\)"):
        make_spirals((5, 5))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="turns must be at least 0 and below inf, got inf"):
        make_spirals(10, turns=float("inf"))
    with pytest.raises(TypeError, match="turns must be a number, got 'one'"):
        make_spirals(10, turns="one")  # type: ignore[arg-type]


# ----------------------------------------------------------------------------------------- digits


def test_load_digits_is_the_uci_data() -> None:
    x, y = load_digits()
    assert (x.shape, x.dtype, y.shape, y.dtype) == ((1797, 64), np.float32, (1797,), np.int64)
    assert (x.min(), x.max()) == (0, 16)
    np.testing.assert_array_equal(
        np.bincount(y), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    )
    # of sklearn.datasets.load_digits, as uint8
    assert hashlib.sha256(
        x.astype(np.uint8).tobytes() + y.astype(np.uint8).tobytes()
    ).hexdigest() == ("87ff0c9e40dc7e2c0e34e7257799c2e3f3aec1a016363bb11cad869ec428a826")


def test_load_digits_gives_fresh_arrays() -> None:
    x, y = load_digits()
    x[:], y[:] = -1, -1
    assert load_digits()[0].min() == 0
    assert load_digits()[1].min() == 0


def test_digits_file_is_small_and_carries_its_licence() -> None:
    folder = resources.files("picaflor.datasets")
    assert len(folder.joinpath("digits.npz").read_bytes()) < 100_000
    assert "CC BY 4.0" in folder.joinpath("digits.md").read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------------- IDX


def idx_bytes(array: np.ndarray, code: int) -> bytes:
    big_endian = array.astype(array.dtype.newbyteorder(">"))
    return (
        struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape) + big_endian.tobytes()
    )


IDX_TYPES = [(0x08, "u1"), (0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]


@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3), (2, 0, 3), (2, 3, 4)])
@pytest.mark.parametrize(("code", "dtype"), IDX_TYPES)
@pytest.mark.parametrize("compressed", [False, True])
def test_read_idx_reads_every_type(
    tmp_path: Path, code: int, dtype: str, shape: tuple[int, ...], compressed: bool
) -> None:
    values = np.random.default_rng(0).integers(-100, 100, shape)
    expected = np.asarray(values, dtype="i8").astype(dtype)
    data = idx_bytes(expected, code)
    path = tmp_path / "a.gz"  # the name says nothing about the content
    path.write_bytes(gzip.compress(data) if compressed else data)
    actual = read_idx(path)
    np.testing.assert_array_equal(actual, expected, strict=True)
    assert actual.dtype.isnative
    assert actual.flags.writeable


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not an IDX file.*got an empty file"),
        (b"\0\0\x08", "not an IDX file.*got 00 00 08"),
        (b"\0\0\x0a\x01\0\0\0\0", "not an IDX file.*got 00 00 0a 01"),
        (b"P5 28 28", "not an IDX file.*got 50 35 20 32"),
        (b"\0\0\x08\x03\0\0\0\x02", "truncated: the header of 3 dimensions takes 16 bytes, got 8"),
        (b"\0\0\x08\x01\0\0\0\x03ab", r"truncated.*uint8 values of shape \(3,\), 11 bytes.*got 10"),
        (b"\0\0\x0b\x01\0\0\0\x01abc", r"bytes left over.*int16 values of shape \(1,\).*got 11"),
        (b"\0\0\x0e\x03" + b"\xff" * 12, r"truncated.*float64.*4294967295.*got 16"),
        (b"\0\0\x08\xff" + b"\0\0\0\x01" * 255 + b"a", "255 dimensions, which no array can"),
        (b"\x1f\x8b\x08\0 not gzip at all", "damaged gzip file"),
        (b"\x1f\x8b", "damaged gzip file"),
    ],
)
def test_read_idx_says_what_is_wrong(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "broken"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@given(cut=st.integers(0, 10**6), flip=st.integers(0, 255), where=st.integers(0, 10**6))
def test_read_idx_of_damaged_gzip_is_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int, where: int
) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    whole = bytearray(gzip.compress(idx_bytes(array, 0x08), mtime=0))
    damaged = whole[: cut % len(whole)]
    if damaged:
        damaged[where % len(damaged)] ^= flip
    path = tmp_path_factory.mktemp("idx") / "damaged"
    path.write_bytes(bytes(damaged))
    with pytest.raises(ValueError, match=r"is not an IDX file|is truncated|is a damaged gzip file"):
        read_idx(path)


@pytest.mark.parametrize("padding", [0, 1, 65_536, 200_000])
def test_read_idx_accepts_zeros_between_gzip_members_and_after_them(
    tmp_path: Path, padding: int
) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    data, zeros = idx_bytes(array, 0x08), bytes(padding)
    path = tmp_path / "padded"
    path.write_bytes(gzip.compress(data[:30]) + zeros + gzip.compress(data[30:]) + zeros)
    np.testing.assert_array_equal(read_idx(path), array, strict=True)
    path.write_bytes(gzip.compress(data) + zeros + b"x")
    with pytest.raises(ValueError, match="is a damaged gzip file"):
        read_idx(path)


def test_read_idx_of_a_plain_file_makes_no_copy(tmp_path: Path) -> None:
    array = np.zeros((4000, 1000), dtype=np.uint8)
    path = tmp_path / "plain"
    path.write_bytes(idx_bytes(array, 0x08))
    tracemalloc.start()
    try:
        read_idx(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 1.5 * array.nbytes


def test_read_idx_of_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nowhere")


# ------------------------------------------------------- a tiny data set of MNIST's form, searched

TINY = {
    name: idx_bytes(np.arange(np.prod(shape)).astype(np.uint8).reshape(shape), 0x08)
    for name, shape in zip(_images.FILE_NAMES, [(6, 28, 28), (6,), (2, 28, 28), (2,)], strict=True)
}


def write_tiny(folder: Path, compressed: bool = True) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in TINY.items():
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(data))
        else:
            (folder / name).write_bytes(data)


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> _images.ImageSet:
    """A data set of eight images; nothing of this machine is looked at, and there is no network."""
    for variable in ("PICAFLOR_DATA", "PICAFLOR_DATA_URL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setenv("PROGRAMDATA", str(tmp_path / "system"))
    monkeypatch.setattr(_images, "system_folders", lambda: [tmp_path / "system"])
    sums = tuple(hashlib.sha256(data).hexdigest() for data in TINY.values())
    # port 9 is "discard": nobody listens on a loopback's
    return _images.ImageSet("tiny", ("http://127.0.0.1:9/tiny",), sums)  # type: ignore[arg-type]


def assert_tiny(splits: tuple[_images.Split, _images.Split]) -> None:
    (x_train, y_train), (x_test, y_test) = splits
    assert [a.shape for a in (x_train, y_train, x_test, y_test)] == [
        (6, 28, 28),
        (6,),
        (2, 28, 28),
        (2,),
    ]
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert y_train.tolist() == [0, 1, 2, 3, 4, 5]
    assert x_test.flags.writeable


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    "place", ["env", "env/tiny", "cache", "system/tiny", "system/datasets/tiny"]
)
def test_search_finds_the_files(
    tiny: _images.ImageSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    compressed: bool,
) -> None:
    folder = tmp_path / place
    if place == "cache":
        cache = _images.cache_folder()
        assert cache is not None
        folder = cache / "tiny"
    elif place.startswith("env"):
        monkeypatch.setenv("PICAFLOR_DATA", str(tmp_path / "env"))
    write_tiny(folder, compressed)
    assert_tiny(tiny.load(None, None, True))


def test_given_folder_is_the_only_place(tiny: _images.ImageSet, tmp_path: Path) -> None:
    write_tiny(tmp_path / "system" / "tiny")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"no file train-images-idx3-ubyte or .*\.gz in"):
        tiny.load(tmp_path / "empty", None, True)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        tiny.load(tmp_path / "nowhere", None, True)
    with pytest.raises(ValueError, match="path and url can not both be given"):
        tiny.load(tmp_path / "system" / "tiny", "http://127.0.0.1:9", True)
    assert_tiny(tiny.load(str(tmp_path / "system" / "tiny"), None, True))


def test_damaged_content_is_found_out(tiny: _images.ImageSet, tmp_path: Path) -> None:
    write_tiny(tmp_path, compressed=False)
    labels = tmp_path / "t10k-labels-idx1-ubyte"
    labels.write_bytes(labels.read_bytes()[:-1] + b"\x07")
    with pytest.raises(ValueError, match=r"is not the tiny file: expected SHA-256 .*, got"):
        tiny.load(tmp_path, None, True)
    assert tiny.load(tmp_path, None, False)[1][1].tolist() == [0, 7]
    labels.write_bytes(idx_bytes(np.zeros(3, np.uint8), 0x08))
    with pytest.raises(ValueError, match="must have one label per image, 2, got 3"):
        tiny.load(tmp_path, None, False)
    labels.write_bytes(idx_bytes(np.zeros((2, 1), np.int32), 0x0C))
    with pytest.raises(ValueError, match=r"uint8 array of ndim 1, got int32 of shape \(2, 1\)"):
        tiny.load(tmp_path, None, False)


def test_another_data_set_under_the_same_names_is_passed_over(
    tiny: _images.ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # PICAFLOR_DATA names a folder of MNIST itself while Fashion-MNIST is asked for
    write_tiny(tmp_path / "env")
    (tmp_path / "env" / "t10k-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.ones(2, np.uint8), 8))
    monkeypatch.setenv("PICAFLOR_DATA", str(tmp_path / "env"))
    write_tiny(tmp_path / "system" / "tiny")
    assert_tiny(tiny.load(None, None, True))


def test_offline_error_names_every_place(
    tiny: _images.ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PICAFLOR_DATA", str(tmp_path / "env"))
    with pytest.raises(FileNotFoundError) as caught:
        tiny.load(None, None, True)
    message = str(caught.value)
    assert "\n" not in message
    cache = _images.cache_folder()
    for place in (tmp_path / "env" / "tiny", tmp_path / "env", cache, tmp_path / "system" / "tiny"):
        assert str(place) in message
    assert "http://127.0.0.1:9/tiny" in message
    assert "PICAFLOR_DATA" in message


# --------------------------------------------------------------------------------------- download


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server on the loopback, and the folder it serves."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(QuietHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        thread = threading.Thread(target=web.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}", folder
        web.shutdown()
        thread.join()


def test_download_fills_the_cache_once(
    tiny: _images.ImageSet, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = server
    write_tiny(folder / "tiny")
    monkeypatch.setenv("PICAFLOR_DATA_URL", url + "/")
    assert_tiny(tiny.load(None, None, True))
    cache = _images.cache_folder()
    assert cache is not None
    assert sorted(p.name for p in (cache / "tiny").iterdir()) == sorted(f"{n}.gz" for n in TINY)
    monkeypatch.delenv("PICAFLOR_DATA_URL")
    assert_tiny(tiny.load(None, None, True))  # without network


def test_download_from_a_given_address(tiny: _images.ImageSet, server: tuple[str, Path]) -> None:
    url, folder = server
    write_tiny(folder)
    assert_tiny(tiny.load(None, url, True))
    with pytest.raises(FileNotFoundError, match="404"):
        tiny.load(None, url + "/elsewhere", True)


def test_download_takes_the_next_mirror(
    tiny: _images.ImageSet, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = server
    write_tiny(folder)
    monkeypatch.setattr(
        _images.ImageSet, "_addresses", lambda self, given: ("http://127.0.0.1:9", url)
    )
    assert_tiny(tiny.load(None, None, True))


@pytest.mark.parametrize("damage", ["truncate", "other", "garbage"])
def test_wrong_download_is_neither_used_nor_kept(
    tiny: _images.ImageSet, server: tuple[str, Path], damage: str
) -> None:
    url, folder = server
    write_tiny(folder)
    path = folder / "t10k-images-idx3-ubyte.gz"
    good = path.read_bytes()
    other = gzip.compress(idx_bytes(np.zeros((2, 28, 28), np.uint8), 0x08))
    path.write_bytes({"truncate": good[:-9], "other": other, "garbage": b"<html>"}[damage])
    expected = {"truncate": "damaged gzip", "other": "SHA-256", "garbage": "not an IDX file"}[
        damage
    ]
    with pytest.raises(FileNotFoundError, match=expected):
        tiny.load(None, url, True)
    cache = _images.cache_folder()
    assert cache is not None
    assert not cache.exists()


def test_damaged_cache_is_replaced(tiny: _images.ImageSet, server: tuple[str, Path]) -> None:
    url, folder = server
    write_tiny(folder)
    cache = _images.cache_folder()
    assert cache is not None
    write_tiny(cache / "tiny")
    victim = cache / "tiny" / "train-images-idx3-ubyte.gz"
    victim.write_bytes(b"")
    assert_tiny(tiny.load(None, url, True))
    assert victim.stat().st_size > 0


def test_cache_that_can_not_be_written_is_a_warning(
    tiny: _images.ImageSet, server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder = server
    write_tiny(folder)
    (folder / "file").write_text("")
    monkeypatch.setattr(_images, "cache_folder", lambda: folder / "file" / "cache")
    with pytest.warns(UserWarning, match="can not be kept"):
        assert_tiny(tiny.load(None, url, True))


def test_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: str, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_images.os, "replace", fail)
    with pytest.raises(KeyboardInterrupt):
        _images.write_atomically(tmp_path / "a" / "file", b"data")
    assert list((tmp_path / "a").iterdir()) == []


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for the other systems")
def test_xdg_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative/is/ignored")
    assert _images.cache_folder() == tmp_path / ".cache" / "picaflor"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "c"))
    assert _images.cache_folder() == tmp_path / "c" / "picaflor"
    monkeypatch.setenv("XDG_DATA_DIRS", f"{tmp_path}/a:relative:{tmp_path}/b")
    assert _images.system_folders() == [tmp_path / "a", tmp_path / "b"]
    monkeypatch.setenv("XDG_DATA_DIRS", "")
    assert _images.system_folders() == [Path("/usr/local/share"), Path("/usr/share")]


# ---------------------------------------------------------------------------------- the real files


@pytest.mark.skipif(
    "not __import__('os').environ.get('PICAFLOR_DATA')", reason="needs PICAFLOR_DATA"
)
@pytest.mark.parametrize(
    ("module", "first_labels"),
    [(mnist, [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]), (fashion_mnist, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5])],
)
def test_canonical_files(module: object, first_labels: list[int]) -> None:
    (x_train, y_train), (x_test, y_test) = module.load_data()  # type: ignore[attr-defined]
    assert (x_train.shape, y_train.shape) == ((60000, 28, 28), (60000,))
    assert (x_test.shape, y_test.shape) == ((10000, 28, 28), (10000,))
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert y_train[:10].tolist() == first_labels
    assert np.bincount(y_test).size == 10
    assert x_train.max() == 255
