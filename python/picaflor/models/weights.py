"""The weights of a model: read, set, counted, saved; and its config."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from picaflor.layers import deserialize
from picaflor.layers.base import checked_weights
from picaflor.layers.shapes import Array
from picaflor.models.structure import Structure
from picaflor.models.summary import summary_text

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self


class Weights(Structure):
    """A structure whose weights can be looked at, replaced and saved."""

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained; setting it sets all layers."""
        return any(layer.trainable for layer in self._layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self._layers:
            layer.trainable = value

    @property
    def weights(self) -> list[Array]:
        """All weights, layer by layer: writable views of the model's buffer, not copies.

        They stay the model's weights until layers are added or removed.
        """
        return [value for layer in self._layers for value in layer.weights]

    @property
    def trainable_weights(self) -> list[Array]:
        """The weights that training changes, layer by layer; not copies."""
        return [value for layer in self._layers for value in layer.trainable_weights]

    @property
    def non_trainable_weights(self) -> list[Array]:
        """The weights that training leaves alone, layer by layer; not copies."""
        return [value for layer in self._layers for value in layer.non_trainable_weights]

    def get_weights(self) -> list[Array]:
        """Return copies of all weights, layer by layer.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((4,)), pf.layers.Dense(3)])
        >>> [w.shape for w in model.get_weights()]
        [(4, 3), (3,)]
        """
        return [value for layer in self._layers for value in layer.get_weights()]

    def set_weights(self, weights: Sequence[npt.ArrayLike]) -> None:
        """Copy arrays of the shapes that `get_weights` returns into the weights.

        Parameters
        ----------
        weights : sequence of array_like

        Raises
        ------
        ValueError
            If the model is not built, or number or shapes are wrong; then nothing is changed.
        """
        self._built_input()
        arrays = checked_weights(weights, self._layers, self.name)
        for layer in self._layers:
            count = len(layer._specs)
            if count:
                layer.set_weights(arrays[:count])
            del arrays[:count]

    def count_params(self) -> int:
        """Return the number of elements in all weights.

        Examples
        --------
        >>> import picaflor as pf
        >>> pf.Sequential([pf.Input((784,)), pf.layers.Dense(10)]).count_params()
        7850
        """
        self._built_input()
        return sum(layer.count_params() for layer in self._layers)

    def summary(
        self,
        line_length: int | None = None,
        print_fn: Callable[[str], Any] | None = None,
        show_trainable: bool = False,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of weights.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; as wide as its entries by default.
        print_fn : callable, optional
            Called once with the text instead of `print`.
        show_trainable : bool, default False
            Add a column that says which layers are trained.
        """
        if print_fn is not None and not callable(print_fn):
            raise TypeError(f"print_fn must be callable, got {print_fn!r}")
        (print_fn or print)(summary_text(self, line_length, show_trainable))

    # ------------------------------------------------------------------------------------ config

    def get_config(self) -> dict[str, Any]:
        """Return name, layers, dtype and seed as plain data, without weights."""
        layers = ([self._input] if self._input is not None else []) + self._layers
        return {
            "name": self.name,
            "dtype": self.dtype,
            "seed": self._seed,
            "layers": [
                {"class_name": type(layer).__name__, "config": layer.get_config()}
                for layer in layers
            ],
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Return a new model from what `get_config` returned, with fresh weights.

        Examples
        --------
        >>> import picaflor as pf
        >>> model = pf.Sequential([pf.Input((4,)), pf.layers.Dense(3)])
        >>> pf.Sequential.from_config(model.get_config()).output_shape
        (None, 3)
        """
        given: Any = config
        if not isinstance(given, Mapping) or "layers" not in given:
            raise ValueError(
                f"config must be what get_config returned, with 'layers', got {config!r}"
            )
        options = {key: value for key, value in config.items() if key != "layers"}
        return cls([deserialize(entry) for entry in config["layers"]], **options)

    # -------------------------------------------------------------------------------------- files

    def save(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write layers, weights, and what `compile` set, with the optimizer's state, to a file.

        Parameters
        ----------
        filepath : str or path
            A safetensors file whose header describes the model as JSON; never pickle.
        overwrite : bool, default True
            Whether an existing file is replaced; otherwise that is an error.

        Raises
        ------
        ImportError
            If the package safetensors is missing (extra ``picaflor[save]``).
        FileExistsError
            If there is a file and `overwrite` is False.

        See Also
        --------
        picaflor.models.load_model : The way back.
        """
        from picaflor.saving import save_model

        save_model(self, filepath, overwrite)

    def save_weights(self, filepath: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write the weights alone to a safetensors file.

        Parameters and errors are those of `save`.
        """
        from picaflor.saving import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: str | os.PathLike[str]) -> None:
        """Read weights that `save_weights` or `save` wrote, for layers of the same names.

        Parameters
        ----------
        filepath : str or path

        Raises
        ------
        ImportError
            If the package safetensors is missing (extra ``picaflor[save]``).
        ValueError
            If the model is not built, or names or shapes differ; then nothing is changed.
        """
        from picaflor.saving import load_weights

        load_weights(self, filepath)
