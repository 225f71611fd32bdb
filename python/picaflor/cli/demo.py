"""``picaflor demo``: a network on handwritten digits, and the same training in NumPy."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

import numpy as np

import picaflor as pf
from picaflor.cli.data import image_set
from picaflor.reference.training import NumpyMLP

if TYPE_CHECKING:
    import numpy.typing as npt

HIDDEN, EPOCHS, BATCH, RATE = 128, 40, 32, 0.002
INK = " .:-=+*#%@"  # from paper to ink, for a picture in letters


def run(arguments: argparse.Namespace) -> None:
    """Train, show a few digits, race NumPy."""
    if arguments.threads:
        pf.set_num_threads(arguments.threads)
    (x, y), (x_test, y_test) = image_set("digits")
    x, x_test = x / 16, x_test / 16
    print(
        f"Handwritten digits (UCI): {len(x)} images to learn from, {len(x_test)} to be tested on."
    )
    print(f"Network 64-{HIDDEN}-10, ReLU, Adam, {EPOCHS} epochs in minibatches of {BATCH}.\n")

    model = make_model(arguments.seed)
    rival = NumpyMLP([64, HIDDEN, 10], optimizer="adam", learning_rate=RATE, seed=arguments.seed)
    rival.parameters = [w.copy() for w in model.get_weights()]

    seconds, history = timed(
        lambda: model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0).history
    )
    probabilities = model.predict(x_test, verbose=0)
    accuracy = float(np.mean(probabilities.argmax(axis=1) == y_test))
    print(f"test accuracy {100 * accuracy:.1f} %  (loss {history['loss'][-1]:.4f})\n")
    show(x_test, y_test, probabilities)

    rng = np.random.default_rng(arguments.seed)
    rival_seconds, _ = timed(
        lambda: [rival.train_epoch(x, y, rng.permutation(len(x)), BATCH) for _ in range(EPOCHS)]
    )
    rival_accuracy = float(np.mean(rival.predict(x_test).argmax(axis=1) == y_test))
    rows = EPOCHS * len(x)
    print("                      training   samples/s   test accuracy")
    for name, took, correct in (
        ("picaflor", seconds, accuracy),
        ("NumPy, by hand", rival_seconds, rival_accuracy),
    ):
        print(f"  {name:<17}{took:>9.2f} s {rows / took:>11,.0f} {100 * correct:>13.1f} %")
    print(f"\npicaflor trained {rival_seconds / seconds:.1f} times as fast as NumPy here.")


def make_model(seed: int) -> Any:
    """Return the compiled network of the demonstration."""
    model = pf.Sequential(
        [
            pf.Input((64,)),
            pf.layers.Dense(HIDDEN, "relu"),
            pf.layers.Dense(10, "softmax"),
        ],
        seed=seed,
    )
    model.compile(
        optimizer=pf.optimizers.Adam(RATE),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def timed(work: Any) -> tuple[float, Any]:
    """Return how long the work took, in seconds, and what it gave."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def show(
    images: npt.NDArray[Any], labels: npt.NDArray[Any], probabilities: npt.NDArray[Any]
) -> None:
    """Print the four least certain digits as pictures made of letters."""
    doubtful = np.argsort(probabilities.max(axis=1))[:4]
    pictures = [
        ["".join(2 * INK[int(9 * value)] for value in row) for row in images[i].reshape(8, 8)]
        for i in doubtful
    ]
    captions = [
        f"{labels[i]} read as {probabilities[i].argmax()}, {100 * probabilities[i].max():.0f} %"
        for i in doubtful
    ]
    print("the four it was least sure of:")
    for line in zip(*pictures, strict=True):
        print("  " + "    ".join(line))
    print("  " + "    ".join(f"{caption:<16}" for caption in captions) + "\n")
