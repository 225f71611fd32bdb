"""The IDX file format of MNIST: a four-byte magic number, the sizes, the values, all big-endian."""

from __future__ import annotations

import math
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["read_idx"]

# the third byte of the magic number names the type of the values
IDX_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
GZIP_MAGIC = b"\x1f\x8b"
PIECE = 1 << 16  # compressed bytes taken at a time: what they become is copied while it is in cache


def read_idx(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Read an array from an IDX file, plain or compressed with gzip.

    The format is that of the MNIST files [1]_: two zero bytes, one byte for the type of the values,
    one byte for the number of dimensions, one big-endian 32-bit size for each dimension, and the
    values in row-major order, big-endian too. Compression is told from the content, not the name.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    ndarray
        A writable array in native byte order: uint8, int8, int16, int32, float32 or float64.

    Raises
    ------
    OSError
        If the file can not be read.
    ValueError
        If it is not an IDX file, is damaged, or holds fewer or more bytes than its header says.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", section
       "File formats for the MNIST database".

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from picaflor.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "three.idx")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]))
    ...     read_idx(path)
    array([7, 8, 9], dtype=uint8)
    """
    return parse_idx(decompress(read_bytes(Path(path)), path), path)


def read_bytes(path: Path) -> bytearray:
    """Read a file; an array on what is returned is writable, so that no copy is made of it."""
    with path.open("rb") as file:
        data = bytearray(os.fstat(file.fileno()).st_size)
        del data[file.readinto(data) :]
        data += file.read()  # of what has no size, such as a pipe
    return data


def decompress(data: bytes | bytearray, name: object) -> bytearray:
    """Undo gzip if the bytes start with its magic number; `name` is for the message."""
    if not data.startswith(GZIP_MAGIC):
        return data if isinstance(data, bytearray) else bytearray(data)
    out = bytearray()  # grows in place
    try:
        member = None  # a gzip file is one member or several, one after another
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            while piece:
                if member is None:
                    piece = piece.lstrip(b"\0")  # zeros may come between members and after them
                    if not piece:
                        break
                    member = zlib.decompressobj(wbits=zlib.MAX_WBITS + 16)
                out += member.decompress(piece)
                piece = member.unused_data
                if member.eof:
                    member = None
        if member is not None:
            raise EOFError("it ends in the middle")
    except (EOFError, zlib.error) as error:
        raise ValueError(f"{name} is a damaged gzip file: {error}") from error
    return out


def parse_idx(data: bytearray, name: object) -> npt.NDArray[Any]:
    """Turn the bytes of an uncompressed IDX file into an array on them, writable.

    `name` is for the messages.
    """
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in IDX_DTYPES:
        raise ValueError(
            f"{name} is not an IDX file: it must start with two zero bytes and a type of "
            f"{', '.join(f'{code:02x}' for code in IDX_DTYPES)}, got "
            f"{data[:4].hex(' ') or 'an empty file'}"
        )
    dtype, ndim = np.dtype(IDX_DTYPES[data[2]]), data[3]
    start = 4 + 4 * ndim
    if len(data) < start:
        raise ValueError(
            f"{name} is truncated: the header of {ndim} dimensions takes {start} bytes, "
            f"got {len(data)}"
        )
    shape = tuple(np.frombuffer(data, ">u4", ndim, 4).tolist())
    expected = start + math.prod(shape) * dtype.itemsize  # Python's int: no size overflows
    if len(data) != expected:
        what = "is truncated" if len(data) < expected else "has bytes left over"
        raise ValueError(
            f"{name} {what}: its header says {dtype.newbyteorder('=')} values of shape {shape}, "
            f"{expected} bytes in all, got {len(data)}"
        )
    try:
        values = np.frombuffer(data, dtype, offset=start).reshape(shape)
    except ValueError as error:
        raise ValueError(
            f"{name} has a header of {ndim} dimensions, which no array can have: {error}"
        ) from None
    return values.astype(dtype.newbyteorder("="), copy=False)
