"""``picaflor train``."""

from __future__ import annotations

import argparse
import math
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

import picaflor as pf
from picaflor.cli import storage
from picaflor.cli.data import IMAGE_SETS, Meaning, Rows, load_training_data
from picaflor.cli.score import score

if TYPE_CHECKING:
    import numpy.typing as npt

OPTIMIZER_CLASSES = {
    "sgd": "SGD",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSprop",
    "adagrad": "Adagrad",
    "adadelta": "Adadelta",
    "adamax": "Adamax",
    "nadam": "Nadam",
    "lion": "Lion",
}


def run(arguments: argparse.Namespace) -> None:
    """Train a network as the arguments say, print its score, save it."""
    if arguments.early_stopping and not arguments.validation_split:
        arguments.usage("--early-stopping needs a --validation-split above 0")
    if arguments.save:
        storage.check_path(arguments.save)  # before the work, not after it
    if arguments.threads:
        pf.set_num_threads(arguments.threads)
    data = load_training_data(arguments)
    meaning = data.meaning
    train, validation = split(data.train, arguments.validation_split, arguments.seed)

    # a regression learns the standardised target; the saved model ends with the way back
    shift, scale = 0.0, 1.0
    if meaning.task == "regression":
        shift, scale = float(np.mean(train[1])), float(np.std(train[1])) or 1.0
    model = build(arguments, meaning, train[0])
    if not arguments.quiet:
        describe(arguments, meaning, train, validation, data.test, data.note, model)
    start = time.perf_counter()
    try:
        fit(model, arguments, _scaled(train, shift, scale), _scaled(validation, shift, scale))
    except KeyboardInterrupt:
        if arguments.save:
            finish(model, shift, scale)
            storage.save(model, meaning, arguments.save)
            print(f"saved what was learnt so far to {arguments.save}", file=sys.stderr)
        raise
    seconds = time.perf_counter() - start

    finish(model, shift, scale)
    name, (x, y) = next(
        (name, rows)
        for name, rows in (("test", data.test), ("validation", validation), ("training", train))
        if rows is not None
    )
    result = score(meaning, model.predict(x, verbose=0), y)
    print(f"{name} {result} ({len(x)} rows), trained in {seconds:.2f} s")
    if arguments.save:
        storage.save(model, meaning, arguments.save)
        if not arguments.quiet:
            print(f"saved to {arguments.save}")


def split(rows: Rows, share: float, seed: int) -> tuple[Rows, Rows | None]:
    """Draw validation rows at random; a table may be sorted by its target."""
    x, y = rows
    count = math.floor(share * len(x))
    if count == 0:
        return rows, None
    order = np.random.default_rng(seed).permutation(len(x))
    return (x[order[count:]], y[order[count:]]), (x[order[:count]], y[order[:count]])


def build(arguments: argparse.Namespace, meaning: Meaning, x: npt.NDArray[Any]) -> Any:
    """Return the compiled network for these inputs."""
    layers: list[Any] = [pf.Input((x.shape[1],)), _first_layer(arguments, meaning, x)]
    penalty = pf.regularizers.L2(arguments.l2) if arguments.l2 else None
    for units in arguments.hidden:
        layers.append(pf.layers.Dense(units, arguments.activation, kernel_regularizer=penalty))
        if arguments.dropout:
            layers.append(pf.layers.Dropout(arguments.dropout))
    classify = meaning.task == "classification"
    layers.append(
        pf.layers.Dense(
            len(meaning.classes) if classify else 1,
            "softmax" if classify else None,
            kernel_regularizer=penalty,
        )
    )
    model = pf.Sequential(layers, dtype=arguments.dtype, seed=arguments.seed)
    rate = {} if arguments.learning_rate is None else {"learning_rate": arguments.learning_rate}
    model.compile(
        optimizer=getattr(pf.optimizers, OPTIMIZER_CLASSES[arguments.optimizer])(**rate),
        loss="sparse_categorical_crossentropy" if classify else "mean_squared_error",
        metrics=["accuracy"] if classify else [],
    )
    return model


def _first_layer(arguments: argparse.Namespace, meaning: Meaning, x: npt.NDArray[Any]) -> Any:
    if meaning.data in IMAGE_SETS:
        return pf.layers.Rescaling(1 / 16 if meaning.data == "digits" else 1 / 255)
    mean, variance = x.mean(axis=0), x.var(axis=0)
    place = 0
    for column in meaning.columns:
        here = slice(place, place + column.width)
        place += column.width
        if column.categories is not None:
            mean[here], variance[here] = 0, 1  # zeros and ones are well as they are
        elif arguments.dtype == "float32" and np.abs(mean[here])[0] > 1e4 * x[:, here].std() > 0:
            warnings.warn(
                f"column {column.name!r} varies by less than 1/10000 of its size, which float32 "
                "resolves badly: use --dtype float64, or subtract a constant from the column",
                stacklevel=1,
            )
    return pf.layers.Normalization(mean=mean, variance=variance)


def describe(
    arguments: argparse.Namespace,
    meaning: Meaning,
    train: Rows,
    validation: Rows | None,
    test: Rows | None,
    note: str,
    model: Any,
) -> None:
    """Say what is trained on what."""
    parts = [f"{len(train[0])} rows to train on"]
    if validation is not None:
        parts.append(f"{len(validation[0])} to validate")
    if test is not None:
        parts.append(f"{len(test[0])} to test")
    what = f"{len(meaning.classes)} classes" if meaning.classes else "regression"
    print(f"{arguments.data}: {', '.join(parts)}; {train[0].shape[1]} inputs, {what}")
    if note:
        print(note)
    sizes = [train[0].shape[1], *arguments.hidden, len(meaning.classes) or 1]
    rate = float(model.optimizer.learning_rate)
    print(
        f"network {'-'.join(map(str, sizes))}, {arguments.activation}, {model.count_params()} "
        f"parameters; {arguments.optimizer}, learning rate {rate:g}, batch {arguments.batch_size}"
    )
    if arguments.verbose:
        model.summary()
    sys.stdout.flush()


class EpochLines(pf.callbacks.Callback):
    """Print a line for every epoch, or for ten of them and the first."""

    def __init__(self, epochs: int, every: bool) -> None:
        super().__init__()
        self.epochs, self.every = epochs, every

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print where the training stands."""
        done, tenth = epoch + 1, max(1, self.epochs // 10)
        if self.every or done == 1 or done % tenth == 0 or done == self.epochs:
            values = "  ".join(f"{key} {value:.4f}" for key, value in (logs or {}).items())
            print(f"epoch {done:>{len(str(self.epochs))}}/{self.epochs}  {values}", flush=True)


def fit(model: Any, arguments: argparse.Namespace, train: Rows, validation: Rows | None) -> None:
    """Run the training; raise ValueError where the loss is no number any more."""
    callbacks: list[Any] = [pf.callbacks.TerminateOnNaN()]
    if not arguments.quiet:
        callbacks.append(EpochLines(arguments.epochs, arguments.verbose))
    if arguments.early_stopping:
        callbacks.append(
            pf.callbacks.EarlyStopping(patience=arguments.early_stopping, restore_best_weights=True)
        )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the loss is NaN or infinite")  # it is told below
        history = model.fit(
            *train,
            batch_size=arguments.batch_size,
            epochs=arguments.epochs,
            validation_data=validation,
            callbacks=callbacks,
            verbose=0,
        )
    losses = history.history["loss"]
    wrong = [k for k, loss in enumerate(losses, 1) if not math.isfinite(loss)]
    if wrong:
        raise ValueError(
            f"the training diverged: the loss is {losses[wrong[0] - 1]} in epoch {wrong[0]}; try a "
            "smaller --learning-rate"
        )


def finish(model: Any, shift: float, scale: float) -> None:
    """Put the way back from a standardised target on top of the model."""
    if (shift, scale) != (0.0, 1.0):
        model.add(pf.layers.Rescaling(scale, offset=shift))


def _scaled(rows: Any, shift: float, scale: float) -> Any:
    if rows is None or (shift, scale) == (0.0, 1.0):
        return rows
    return rows[0], (rows[1] - shift) / scale
