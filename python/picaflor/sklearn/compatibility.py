"""What differs between scikit-learn 1.4 and later ones, and between versions of SciPy."""

from __future__ import annotations

from typing import Any

import scipy

try:
    from sklearn.utils.validation import validate_data
except ImportError:  # scikit-learn < 1.6: a method of the estimator

    def validate_data(estimator: Any, *args: Any, **options: Any) -> Any:
        """Check inputs, and set or check the number and names of the features."""
        return estimator._validate_data(*args, **options)


__all__ = ["lbfgs_print_options", "validate_data"]


def lbfgs_print_options(verbose: bool) -> dict[str, int]:
    """Return the options that make L-BFGS-B print; from SciPy 1.15 on it has none."""
    major, minor = (int(part) for part in scipy.__version__.split(".")[:2])
    if (major, minor) >= (1, 15):
        return {}
    return {"iprint": 1 if verbose else -1}
