"""What a fresh installation must be able to do with NumPy alone."""

import importlib.metadata
import pathlib

import numpy as np

import picaflor as pf

files = {pathlib.PurePosixPath(f).name for f in importlib.metadata.files("picaflor") or []}
assert {"LICENSE", "eigen.txt", "pybind11.txt", "py.typed", "_core.pyi"} <= files, files

pf.show_config()
x, y = pf.datasets.load_digits()
model = pf.Sequential(
    [pf.layers.Dense(32, activation="relu"), pf.layers.Dense(10, activation="softmax")], seed=1
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x[:1500] / 16, y[:1500], epochs=20, verbose=0)
loss, accuracy = model.evaluate(x[1500:] / 16, y[1500:], verbose=0)
assert history.history["loss"][-1] < 0.2, history.history["loss"]
assert accuracy > 0.85, accuracy
assert np.allclose(model.predict(x[:5] / 16, verbose=0).sum(axis=1), 1, atol=1e-5)
print(f"trained on digits: loss {loss:.3f}, accuracy {accuracy:.3f}")
