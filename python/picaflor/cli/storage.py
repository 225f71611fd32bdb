"""Models on disk, with what their inputs and outputs mean."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import picaflor as pf
from picaflor.cli.data import Meaning

KEY = "picaflor.cli"  # in the metadata of the model


def check_path(path: str) -> None:
    """Raise if a model could not be saved here: before the training, not after it."""
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        raise FileNotFoundError(f"can not save to {path}: no folder {folder}")
    if Path(path).is_dir():
        raise IsADirectoryError(f"can not save to {path}: it is a folder")
    if importlib.util.find_spec("safetensors") is None:
        raise ImportError('--save needs safetensors: pip install "picaflor[save]"')


def save(model: Any, meaning: Meaning, path: str) -> None:
    """Write the model and what it means to one file."""
    model.metadata[KEY] = meaning.to_dict()
    model.save(path)


def load(path: str) -> tuple[Any, Meaning]:
    """Read what `save` wrote."""
    model = pf.models.load_model(path)
    if KEY not in model.metadata:
        raise ValueError(
            f"{path} was not written by `picaflor train`, and does not say what its inputs and "
            "outputs mean; use it from Python with picaflor.models.load_model"
        )
    return model, Meaning.from_dict(model.metadata[KEY])
