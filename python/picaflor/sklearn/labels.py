"""From class labels to scikit-learn's binarizer of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.preprocessing import LabelBinarizer


def fitted_binarizer(y: Any) -> LabelBinarizer:
    """Return ``LabelBinarizer().fit(y)``, quickly for a plain array of labels that was checked.

    It checks them three times over, which takes as long as an epoch on 1000 samples. What may
    deserve a word from it (few samples, numbers that look like measurements) is left to it.
    """
    if type(y) is np.ndarray and y.ndim == 1 and y.dtype.kind in "biuU":
        classes = np.unique(y)
        if 2 * len(classes) < len(y):
            binarizer = LabelBinarizer()
            binarizer.y_type_ = "multiclass" if len(classes) > 2 else "binary"
            binarizer.sparse_input_ = False
            binarizer.classes_ = classes
            return binarizer
    return LabelBinarizer().fit(y)
