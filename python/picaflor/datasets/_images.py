"""Data sets that come as MNIST's four IDX files: where they may lie, how they are fetched."""

from __future__ import annotations

import gzip
import hashlib
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from picaflor.datasets.idx import decompress, parse_idx, read_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

Split: TypeAlias = "tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]"

FILE_NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
TIMEOUT = 30  # seconds without a byte before a download counts as failed


@dataclass(frozen=True)
class ImageSet:
    """Four files, known by the SHA-256 of what is in them, compressed or not."""

    name: str
    urls: tuple[str, ...]
    sha256: tuple[str, str, str, str]  # in the order of FILE_NAMES

    def load(
        self, path: str | os.PathLike[str] | None, url: str | None, verify: bool
    ) -> tuple[Split, Split]:
        """Look in every place, then download: see `picaflor.datasets.mnist.load_data`."""
        if path is not None:
            if url is not None:
                raise ValueError("path and url can not both be given: path is never downloaded to")
            return self._from_folder(Path(path), verify)
        looked = []
        if url is None:  # an address given by hand means: from there
            for folder in self._folders():
                if not folder.is_dir():
                    looked.append(str(folder))
                    continue
                try:
                    return self._from_folder(folder, verify)
                except (OSError, ValueError) as error:
                    # another data set under the same file names, or a damaged copy: look further
                    looked.append(f"{folder} ({_reason(error)})")
        return self._download(self._addresses(url), verify, looked)

    def _folders(self) -> list[Path]:
        folders = []
        if data := os.environ.get("PICAFLOR_DATA"):
            folders += [Path(data, self.name), Path(data)]
        if cache := cache_folder():
            folders.append(cache / self.name)
        for share in system_folders():
            folders += [share / "datasets" / self.name, share / self.name]
        return folders

    def _addresses(self, url: str | None) -> tuple[str, ...]:
        if url is not None:
            return (url,)
        if base := os.environ.get("PICAFLOR_DATA_URL"):
            return (f"{base.rstrip('/')}/{self.name}",)
        return self.urls

    def _from_folder(self, folder: Path, verify: bool) -> tuple[Split, Split]:
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder} is not a folder")
        paths = [find_file(folder, name) for name in FILE_NAMES]
        return self._arrays([(decompress(read_bytes(p), p), str(p)) for p in paths], verify)

    def _arrays(self, files: list[tuple[bytearray, str]], verify: bool) -> tuple[Split, Split]:
        """Check content, type and shape of the four files."""
        arrays: list[npt.NDArray[Any]] = []
        for (data, name), ndim, expected in zip(files, (3, 1, 3, 1), self.sha256, strict=True):
            array = parse_idx(data, name)
            if array.ndim != ndim or array.dtype != np.uint8:
                raise ValueError(
                    f"{name} must hold a uint8 array of ndim {ndim}, got {array.dtype} of shape "
                    f"{array.shape}"
                )
            if verify:
                check_sha256(data, expected, name, f"the {self.name} file")
            arrays.append(array)
        x_train, y_train, x_test, y_test = arrays
        for x, y, (_, name) in ((x_train, y_train, files[1]), (x_test, y_test, files[3])):
            if len(x) != len(y):
                raise ValueError(f"{name} must have one label per image, {len(x)}, got {len(y)}")
        return (x_train, y_train), (x_test, y_test)

    def _download(
        self, addresses: tuple[str, ...], verify: bool, looked: list[str]
    ) -> tuple[Split, Split]:
        failures = []
        for address in addresses:
            try:
                fetched = [fetch(f"{address.rstrip('/')}/{name}.gz") for name in FILE_NAMES]
                files = [(decompress(data, source), source) for data, source in fetched]
                splits = self._arrays(files, verify)
            except (OSError, ValueError) as error:
                failures.append(f"{address} ({_reason(error)})")
                continue
            if verify:  # only what is certain to be this data set is kept under its name
                self._keep([data for data, _ in fetched])
            return splits
        places = f"not in {', not in '.join(looked)}; " if looked else ""
        raise FileNotFoundError(
            f"{self.name} was not found: {places}can not be downloaded from "
            f"{', nor from '.join(failures)}. Put {', '.join(FILE_NAMES)} (or the same with .gz) "
            "into a folder, and give it as path or in the environment variable PICAFLOR_DATA"
        )

    def _keep(self, files: list[bytes]) -> None:
        folder = cache_folder()
        try:
            if folder is None:
                raise OSError("this user has no cache folder")
            for name, data in zip(FILE_NAMES, files, strict=True):
                write_atomically(folder / self.name / f"{name}.gz", data)
        except OSError as error:
            warnings.warn(
                f"{self.name} was downloaded but can not be kept in the cache: {_reason(error)}",
                UserWarning,
                stacklevel=5,
            )


def cache_folder() -> Path | None:
    """Return the folder for data that can be fetched again, or None if there is no home folder."""
    try:
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA")
            return Path(base or Path.home() / "AppData" / "Local", "picaflor")
        if sys.platform == "darwin":
            return Path.home() / "Library" / "Caches" / "picaflor"
        base = os.environ.get("XDG_CACHE_HOME", "")
        # a relative path is to be ignored, says the XDG Base Directory Specification
        return Path(base if os.path.isabs(base) else Path.home() / ".cache", "picaflor")
    except RuntimeError:
        return None


def system_folders() -> list[Path]:
    """Return the folders where the operating system keeps data that all users share."""
    if sys.platform == "win32":
        return [Path(os.environ.get("PROGRAMDATA", "C:/ProgramData"))]
    folders = (os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")
    if sys.platform == "darwin":
        folders += ["/opt/homebrew/share", "/Library/Application Support"]
    return [Path(folder) for folder in folders if os.path.isabs(folder)]


def find_file(folder: Path, name: str) -> Path:
    """Return the file of this name in the folder, plain or compressed."""
    for candidate in (folder / name, folder / f"{name}.gz"):
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(f"no file {name} or {name}.gz in {folder}")


def check_sha256(data: bytearray, expected: str, name: str, what: str) -> None:
    """Raise ValueError unless the bytes have this checksum."""
    got = hashlib.sha256(data).hexdigest()
    if got != expected:
        raise ValueError(f"{name} is not {what}: expected SHA-256 {expected}, got {got}")


def fetch(url: str) -> tuple[bytes, str]:
    """Return what lies at the address, compressed with gzip, and the address."""
    import urllib.request  # these take longer to import than all of picaflor
    from http.client import HTTPException

    request = urllib.request.Request(url, headers={"User-Agent": "picaflor"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            data: bytes = response.read()
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    return (data if data.startswith(b"\x1f\x8b") else gzip.compress(data)), url


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that another process sees all of it or nothing."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _reason(error: BaseException) -> str:
    """Say what went wrong in one line."""
    return " ".join(str(error).split()) or type(error).__name__
