"""Callbacks: code that runs at the start and end of trainings, epochs and batches."""

from __future__ import annotations

from picaflor.callbacks.base import Callback, CallbackList
from picaflor.callbacks.checkpoint import CSVLogger, ModelCheckpoint
from picaflor.callbacks.control import LambdaCallback, LearningRateScheduler, TerminateOnNaN
from picaflor.callbacks.history import History
from picaflor.callbacks.monitor import EarlyStopping, ReduceLROnPlateau
from picaflor.callbacks.progress import ProgressBar

__all__ = [
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgressBar",
    "ReduceLROnPlateau",
    "TerminateOnNaN",
]
