"""Fashion-MNIST: 70 000 pictures of clothing of 28 x 28 pixels."""

from __future__ import annotations

import os

from picaflor.datasets._images import ImageSet, Split

__all__ = ["CLASS_NAMES", "load_data"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_FASHION_MNIST = ImageSet(
    name="fashion-mnist",
    urls=(
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion",
    ),
    sha256=(
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)


def load_data(
    path: str | os.PathLike[str] | None = None, *, url: str | None = None, verify: bool = True
) -> tuple[Split, Split]:
    """Load the Fashion-MNIST pictures of clothing [1]_, a harder data set of MNIST's shape.

    The files have the same names as MNIST's and are looked for in the same places (see
    `picaflor.datasets.mnist.load_data`), in folders called ``fashion-mnist`` instead of ``mnist``.

    Parameters
    ----------
    path : path-like or None, default None
        Folder with the four files. ``None`` searches as above.
    url : str or None, default None
        Address of a folder to download the files from. ``None`` takes
        ``$PICAFLOR_DATA_URL/fashion-mnist`` if that variable is set, else the public mirrors.
    verify : bool, default True
        Whether the uncompressed content must have the SHA-256 checksums of the original files.

    Returns
    -------
    (x_train, y_train), (x_test, y_test)
        As from ``keras.datasets.fashion_mnist.load_data``: images of uint8, shapes
        ``(60000, 28, 28)`` and ``(10000, 28, 28)``; labels of uint8, shapes ``(60000,)`` and
        ``(10000,)``, indices into `CLASS_NAMES`.

    Raises
    ------
    FileNotFoundError
        If the files are in none of the places and can not be downloaded; the message names them.
    ValueError
        If the files in `path` are damaged, or are not those of Fashion-MNIST.

    References
    ----------
    .. [1] H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking
       Machine Learning Algorithms", arXiv:1708.07747, 2017.
    """
    return _FASHION_MNIST.load(path, url, verify)
