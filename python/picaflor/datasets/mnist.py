"""MNIST: 70 000 handwritten digits of 28 x 28 pixels."""

from __future__ import annotations

import os

from picaflor.datasets._images import ImageSet, Split

__all__ = ["load_data"]

_MNIST = ImageSet(
    name="mnist",
    urls=(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ),
    sha256=(
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


def load_data(
    path: str | os.PathLike[str] | None = None, *, url: str | None = None, verify: bool = True
) -> tuple[Split, Split]:
    """Load the MNIST handwritten digits [1]_.

    The four IDX files, plain or ending in ``.gz``, are looked for in these places, in this order:

    1. the folder `path`; when it is given, nowhere else;
    2. ``$PICAFLOR_DATA/mnist`` and ``$PICAFLOR_DATA``;
    3. the per-user cache: ``$XDG_CACHE_HOME/picaflor/mnist`` (``~/.cache`` where that is not set),
       ``~/Library/Caches/picaflor/mnist`` on macOS, ``%LOCALAPPDATA%/picaflor/mnist`` on Windows;
    4. the data folders of the operating system: ``datasets/mnist`` and ``mnist`` in each folder of
       ``$XDG_DATA_DIRS`` (``/usr/local/share`` and ``/usr/share`` where that is not set);
    5. the network: the files are downloaded, verified, and kept in the cache.

    Parameters
    ----------
    path : path-like or None, default None
        Folder with the four files. ``None`` searches as above.
    url : str or None, default None
        Address of a folder to download the files from. ``None`` takes ``$PICAFLOR_DATA_URL/mnist``
        if that variable is set, else the public mirrors.
    verify : bool, default True
        Whether the uncompressed content must have the SHA-256 checksums of the original files.
        ``False`` reads any set of four files of these names, such as a look-alike of MNIST.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        As from ``keras.datasets.mnist.load_data``: images of uint8, shapes ``(60000, 28, 28)`` and
        ``(10000, 28, 28)``, 0 (paper) to 255 (ink); labels of uint8, shapes ``(60000,)`` and
        ``(10000,)``.

    Raises
    ------
    FileNotFoundError
        If the files are in none of the places and can not be downloaded; the message names them.
    ValueError
        If the files in `path` are damaged, or are not those of MNIST.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
       recognition", Proc. IEEE 86 (11), 1998, pp. 2278-2324.
    """
    return _MNIST.load(path, url, verify)
