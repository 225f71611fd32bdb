"""From class labels to scikit-learn's binarizer of them, and whether others fit it."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import type_of_target

from picaflor.sklearn.inputs import Array

_SEVERAL = "multilabel-indicator"


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


def known_labels(y: Any, binarizer: LabelBinarizer, classes: Array, name: str) -> Any:
    """Return labels as an array of the type of `classes`, all of which are among them.

    Several labels each stay an indicator matrix, sparse where it was.

    Raises
    ------
    ValueError
        If a label is not in `classes`: the binarizer makes a row of zeros of it, which costs
        nothing in the cross-entropy; or if the shape is another one than in training.
    """
    if binarizer.y_type_.startswith("multilabel"):
        shape = np.shape(y)  # of a sparse matrix too
        if len(shape) != 2 or shape[1] != len(classes) or type_of_target(y) != _SEVERAL:
            raise ValueError(
                f"{name} must be an indicator matrix of shape (n, {len(classes)}), got "
                f"shape {shape}, {type_of_target(y)}"
            )
        return y if sparse.issparse(y) else np.asarray(y)
    labels = np.asarray(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {labels.shape}")
    found = np.unique(labels) if labels.dtype.kind in "biufU" else labels
    known = set(classes.tolist())
    unknown = [label for label in dict.fromkeys(found.tolist()) if label not in known]
    if unknown:
        raise ValueError(f"{name} has labels {unknown} that are not in classes_, {classes}")
    return labels.astype(classes.dtype, copy=False)
