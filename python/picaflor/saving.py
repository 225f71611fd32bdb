"""Models as files: weights in the safetensors format, everything else as JSON in its header.

A file holds one array per weight, ``dense/kernel``, and one per weight and slot of the optimizer's
state, ``optimizer/0/dense/kernel``. Its metadata have the entry ``picaflor``, JSON text with the
config of the model, what `compile` set, and the state of the random generators. Nothing is ever
unpickled: loading a file runs no code of its author's.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from picaflor._checks import boolean, file_path
from picaflor._objects import serialize

if TYPE_CHECKING:
    import numpy.typing as npt

    from picaflor.models.sequential import Sequential

__all__ = ["load_model", "load_weights", "save_model", "save_weights"]

_KEY = "picaflor"
_VERSION = 1  # of what is under that key
Path = str | os.PathLike[str]


def save_model(model: Any, filepath: Path, overwrite: bool = True) -> None:
    """Write a model; see `Sequential.save`."""
    tensors = _named_weights(model)
    header: dict[str, Any] = {
        "model": model.get_config(),
        "metadata": model.metadata,
        "compile": None,
        "state": None,
    }
    compiled = model._compiled
    if compiled is not None:
        header["compile"] = compiled.get_config()
    network = model._network
    if network is not None:
        # What compile set after the last training has no state in the engine yet.
        trained = compiled is not None and model._optimizer_in_engine is compiled.optimizer
        slots = network.slots if trained else []
        header["state"] = {
            "rng": model._rng.bit_generator.state,
            "random_state": list(network.random_state),
            "iterations": network.iterations,
            "trained": trained,
            "slots": len(slots),
        }
        for k, slot in enumerate(slots):
            for name, value in zip(_parameter_names(model), slot, strict=True):
                tensors[f"optimizer/{k}/{name}"] = value
    _write(filepath, tensors, header, overwrite)


def load_model(filepath: Path, compile: bool = True) -> Sequential:
    """Read a model that `Sequential.save` wrote.

    Parameters
    ----------
    filepath : str or path
    compile : bool, default True
        Whether to restore loss, metrics and optimizer, its state included, so that training goes
        on as if it had not been interrupted.

    Returns
    -------
    Sequential

    Raises
    ------
    ImportError
        If the package safetensors is missing (extra ``picaflor[save]``).
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file holds no picaflor model.

    Examples
    --------
    >>> import os, tempfile
    >>> import picaflor as pf
    >>> model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)], seed=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "model.safetensors")
    ...     model.save(path)
    ...     again = pf.models.load_model(path)
    >>> bool((again.predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])).all())
    True
    """
    from picaflor.models.sequential import Sequential

    tensors, header = _read(filepath)
    if header.get("model") is None:
        raise ValueError(f"{os.fspath(filepath)!r} holds weights only: use load_weights")
    model = Sequential.from_config(header["model"])
    model.metadata = header.get("metadata", {})
    _set_named_weights(model, tensors, filepath)
    if compile and header["compile"] is not None:
        saved = header["compile"]
        model.compile(
            saved["optimizer"], saved["loss"], saved["metrics"], saved["weighted_metrics"]
        )
    state = header["state"]
    if state is not None:
        model._rng.bit_generator.state = state["rng"]
        names = _parameter_names(model)
        engine = {
            "random_state": tuple(state["random_state"]),
            "iterations": state["iterations"],
            "slots": [],
        }
        if compile and state["trained"]:
            engine["slots"] = [
                [tensors[f"optimizer/{k}/{name}"] for name in names] for k in range(state["slots"])
            ]
            model._optimizer_in_engine = model.optimizer
            model.optimizer.iterations = state["iterations"]
        model._restore(engine)
    return model


def save_weights(model: Any, filepath: Path, overwrite: bool = True) -> None:
    """Write the weights of a model; see `Sequential.save_weights`."""
    model._built_input()
    _write(filepath, _named_weights(model), {}, overwrite)


def load_weights(model: Any, filepath: Path) -> None:
    """Read weights into a model; see `Sequential.load_weights`."""
    model._built_input()
    tensors, _ = _read(filepath)
    _set_named_weights(model, tensors, filepath)


def _named_weights(model: Any) -> dict[str, npt.NDArray[Any]]:
    return {
        f"{layer.name}/{spec.name}": value
        for layer in model.layers
        for spec, value in zip(layer._specs, layer._values, strict=True)
    }


def _parameter_names(model: Any) -> list[str]:
    """Return the names of the engine's parameters, in its order."""
    return [f"{layer.name}/{layer._specs[i].name}" for layer, i in model._keys]


def _set_named_weights(model: Any, tensors: Mapping[str, npt.NDArray[Any]], filepath: Path) -> None:
    wanted = list(_named_weights(model))
    present = {name for name in tensors if not name.startswith("optimizer/")}
    if set(wanted) != present:
        missing, extra = sorted(set(wanted) - present), sorted(present - set(wanted))
        raise ValueError(
            f"the weights in {os.fspath(filepath)!r} are of another model: "
            f"missing {missing}, not wanted {extra}"
        )
    model.set_weights([tensors[name] for name in wanted])


# -------------------------------------------------------------------------------------- the format


def _write(
    filepath: Path, tensors: dict[str, npt.NDArray[Any]], header: Any, overwrite: bool
) -> None:
    import json  # models that are neither saved nor loaded go without

    save_file = _safetensors().save_file
    from safetensors import SafetensorError

    path = _checked_path(filepath)
    if not boolean(overwrite, "overwrite") and os.path.exists(path):
        raise FileExistsError(f"{path!r} exists; pass overwrite=True to replace it")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"there is no folder {folder!r} to write {path!r} into")
    text = json.dumps({"version": _VERSION, **serialize(header)})
    whole = {name: np.array(value, order="C") for name, value in tensors.items()}
    draft = f"{path}.part"  # an interruption leaves the old file as it was
    try:
        with open(draft, "wb"):  # says why it cannot be written, which safetensors does not
            pass
        save_file(whole, draft, metadata={_KEY: text})
        os.replace(draft, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
    except SafetensorError as error:  # the disk is full
        raise OSError(f"{path!r} could not be written: {error}") from error
    finally:
        if os.path.isfile(draft):
            os.remove(draft)


def _read(filepath: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    import json

    _safetensors()
    from safetensors import SafetensorError, safe_open

    path = _checked_path(filepath)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path!r}")
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"{path!r} is not a safetensors file: {error}") from None
    if _KEY not in metadata:
        raise ValueError(f"{path!r} was not written by picaflor")
    header = json.loads(metadata[_KEY])
    if header.get("version") != _VERSION:
        raise ValueError(
            f"{path!r} has version {header.get('version')} of picaflor's format, "
            f"this release reads version {_VERSION}"
        )
    return tensors, header


def _checked_path(filepath: Path) -> str:
    path = file_path(filepath, "filepath")
    if path.endswith((".keras", ".h5", ".hdf5")):
        raise ValueError(
            f"picaflor reads and writes safetensors files, not Keras's: {path!r}; "
            "name it .safetensors"
        )
    return path


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError(
            'saving and loading models needs safetensors: pip install "picaflor[save]"'
        ) from None
    return safetensors.numpy
