"""Fast, small, dense neural networks on the CPU.

Modules and names are imported when they are first used, so that ``import picaflor`` costs a few
milliseconds beyond NumPy's own import, whatever the package grows to.
"""

import importlib
from typing import TYPE_CHECKING, Any

from picaflor._config import get_num_threads, set_num_threads, show_config, use_threads
from picaflor._core import __version__

if TYPE_CHECKING:
    from picaflor import activations as activations
    from picaflor import callbacks as callbacks
    from picaflor import constraints as constraints
    from picaflor import datasets as datasets
    from picaflor import functional as functional
    from picaflor import initializers as initializers
    from picaflor import layers as layers
    from picaflor import losses as losses
    from picaflor import metrics as metrics
    from picaflor import models as models
    from picaflor import optimizers as optimizers
    from picaflor import plotting as plotting
    from picaflor import reference as reference
    from picaflor import regularizers as regularizers
    from picaflor import sklearn as sklearn
    from picaflor import utils as utils
    from picaflor._gradcheck import gradcheck as gradcheck
    from picaflor._minimize import minimize as minimize
    from picaflor._minimize import numerical_gradient as numerical_gradient
    from picaflor.layers import Input as Input
    from picaflor.models import Sequential as Sequential

# Imported on first use: modules of this package, and names with the module they are found in.
_MODULES = frozenset(
    {
        "activations",
        "callbacks",
        "constraints",
        "datasets",
        "functional",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "models",
        "optimizers",
        "plotting",
        "reference",
        "regularizers",
        "sklearn",
        "utils",
    }
)
_NAMES = {
    "Input": "layers",
    "Sequential": "models",
    "gradcheck": "_gradcheck",
    "minimize": "_minimize",
    "numerical_gradient": "_minimize",
}

__all__ = [
    "Input",
    "Sequential",
    "__version__",
    "activations",
    "callbacks",
    "constraints",
    "datasets",
    "functional",
    "get_num_threads",
    "gradcheck",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "minimize",
    "models",
    "numerical_gradient",
    "optimizers",
    "plotting",
    "reference",
    "regularizers",
    "set_num_threads",
    "show_config",
    "sklearn",
    "use_threads",
    "utils",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"picaflor.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"picaflor.{_NAMES[name]}"), name)
        globals()[name] = value  # the next look-up is an ordinary one
        return value
    raise AttributeError(f"module 'picaflor' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
