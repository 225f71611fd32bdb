"""Models as files."""

import json
import pathlib
import sys

import numpy as np
import pytest

import picaflor as pf
from picaflor import layers

safetensors = pytest.importorskip("safetensors")


def trained(rng: np.random.Generator) -> tuple[pf.Sequential, np.ndarray, np.ndarray]:
    x, y = rng.normal(3, 2, size=(40, 4)), rng.integers(0, 3, 40)
    normalization = layers.Normalization()
    normalization.adapt(x)
    model = pf.Sequential(
        [
            pf.Input((4,)),
            normalization,
            layers.Dense(8, "elu", kernel_regularizer="l2"),
            layers.Dropout(0.2),
            layers.Dense(3, "softmax"),
        ],
        seed=2,
        name="saved",
    )
    schedule = pf.optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    model.compile(
        pf.optimizers.Adam(schedule, amsgrad=True),
        pf.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
        weighted_metrics=[pf.metrics.SparseCategoricalAccuracy(name="exact")],
    )
    model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    return model, x, y


def test_loaded_model_predicts_the_same_bits_and_trains_on(
    rng: np.random.Generator, tmp_path: pathlib.Path
) -> None:
    model, x, y = trained(rng)
    model.save(tmp_path / "m.safetensors")
    again = pf.models.load_model(tmp_path / "m.safetensors")
    assert again.get_config() == model.get_config()
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    a = model.fit(x, y, batch_size=8, epochs=2, verbose=0)
    b = again.fit(x, y, batch_size=8, epochs=2, verbose=0)
    assert a.history == b.history
    for u, v in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(u, v)
    assert again.optimizer.iterations == model.optimizer.iterations == 20


def test_compile_false_leaves_the_model_uncompiled(
    rng: np.random.Generator, tmp_path: pathlib.Path
) -> None:
    model, x, _ = trained(rng)
    model.save(tmp_path / "m.safetensors")
    again = pf.models.load_model(tmp_path / "m.safetensors", compile=False)
    assert not again.compiled
    np.testing.assert_array_equal(again(x), model(x))


@pytest.mark.parametrize("compiled", [False, True])
def test_untrained_models_can_be_saved(tmp_path: pathlib.Path, compiled: bool) -> None:
    model = pf.Sequential([pf.Input((2,)), layers.Dense(1)], dtype="float64", seed=0)
    if compiled:
        model.compile("adam", "mse")
    model.save(tmp_path / "m.safetensors")
    again = pf.models.load_model(tmp_path / "m.safetensors")
    assert again.compiled is compiled
    assert again.dtype == "float64"
    np.testing.assert_array_equal(again([[1, 2]]), model([[1, 2]]))


def test_a_place_that_cannot_be_written_is_named(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)])
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(OSError, match="folder") as caught:
        model.save(folder)
    assert caught.value.filename == str(folder)
    name = str(tmp_path / ("long" * 100))
    with pytest.raises(OSError, match="long") as caught:
        model.save_weights(name)
    assert caught.value.filename == name

    def full(tensors: object, path: str, metadata: object) -> None:
        raise safetensors.SafetensorError("no space left")

    monkeypatch.setattr("safetensors.numpy.save_file", full)
    with pytest.raises(OSError, match=r"m\.safetensors' could not be written: no space left"):
        model.save(tmp_path / "m.safetensors")
    assert list(tmp_path.iterdir()) == [folder]  # no draft is left


def test_file_is_plain_safetensors(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    model, _, _ = trained(rng)
    path = tmp_path / "m.safetensors"
    model.save(path)
    raw = path.read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    description = json.loads(header["__metadata__"]["picaflor"])
    assert description["model"]["name"] == "saved"
    assert header["dense/kernel"]["shape"] == [4, 8]
    assert "optimizer/0/dense_1/bias" in header
    assert list(tmp_path.iterdir()) == [path]  # no draft is left


def test_weights_alone(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    model, x, _ = trained(rng)
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    fresh = pf.Sequential.from_config({**model.get_config(), "seed": 77})
    assert not np.array_equal(fresh(x), model(x))
    fresh.load_weights(path)
    np.testing.assert_array_equal(fresh(x), model(x))
    with pytest.raises(ValueError, match="weights only: use load_weights"):
        pf.models.load_model(path)
    model.save(path)
    fresh.load_weights(path)  # those of a whole model will do


def test_weights_of_another_model_change_nothing(
    rng: np.random.Generator, tmp_path: pathlib.Path
) -> None:
    model, _, _ = trained(rng)
    path = tmp_path / "w.safetensors"
    model.save_weights(path)
    other = pf.Sequential([pf.Input((4,)), layers.Dense(8), layers.Dense(2)])
    before = other.get_weights()
    with pytest.raises(ValueError, match="of another model"):
        other.load_weights(path)
    renamed = pf.Sequential([pf.Input((4,)), layers.Dense(9, name="dense")])
    with pytest.raises(ValueError, match="missing"):
        pf.Sequential([pf.Input((4,)), layers.Dense(9, name="other")]).load_weights(path)
    renamed.save_weights(path)
    smaller = pf.Sequential([pf.Input((4,)), layers.Dense(8, name="dense")])
    with pytest.raises(ValueError, match=r"dense/kernel must have shape \(4, 8\), got \(4, 9\)"):
        smaller.load_weights(path)
    for a, b in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_existing_file_is_kept_if_asked(rng: np.random.Generator, tmp_path: pathlib.Path) -> None:
    model, _, _ = trained(rng)
    path = tmp_path / "m.safetensors"
    path.write_text("mine")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(path, overwrite=False)
    assert path.read_text() == "mine"
    with pytest.raises(FileNotFoundError, match=r"there is no folder '.*nowhere' to write"):
        model.save(tmp_path / "nowhere" / "m.safetensors")


def test_files_that_cannot_be_read(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no file"):
        pf.models.load_model(tmp_path / "missing.safetensors")
    path = tmp_path / "junk.safetensors"
    path.write_bytes(b"not a model at all")
    with pytest.raises(ValueError, match="not a safetensors file"):
        pf.models.load_model(path)
    import safetensors.numpy

    safetensors.numpy.save_file({"a": np.ones(2)}, path)
    with pytest.raises(ValueError, match="was not written by picaflor"):
        pf.models.load_model(path)
    with pytest.raises(ValueError, match="not Keras's"):
        pf.models.load_model(tmp_path / "m.keras")


def test_missing_package_names_the_extra(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    model = pf.Sequential([pf.Input((2,)), layers.Dense(1)])
    with pytest.raises(ImportError, match=r'pip install "picaflor\[save\]"'):
        model.save(tmp_path / "m.safetensors")
    with pytest.raises(ImportError, match=r'pip install "picaflor\[save\]"'):
        pf.models.load_model(tmp_path / "m.safetensors")
