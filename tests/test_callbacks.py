"""Callbacks: when the hooks run, what the logs hold, and each callback's own rule."""

import csv
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import picaflor as pf
from picaflor import callbacks

Data = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def data(rng: np.random.Generator) -> Data:
    x = rng.normal(size=(10, 3))
    return x, x @ [1.0, -2.0, 0.5]


def make_model(learning_rate: Any = 0.01) -> pf.Sequential:
    model = pf.Sequential([pf.Input((3,)), pf.layers.Dense(1)], seed=0)
    model.compile(pf.optimizers.SGD(learning_rate), "mean_squared_error", metrics=["mae"])
    return model


class Recorder(callbacks.Callback):
    """Notes every call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[str] = []

    def note(self, hook: str, *args: Any) -> None:
        self.calls.append(" ".join([hook, *map(str, args)]))


def _hook(name: str) -> Any:
    if "batch" in name or "epoch" in name:
        return lambda self, number, logs=None: self.note(name, number, *sorted(logs))
    return lambda self, logs=None: self.note(name, *sorted(logs))


for _name in vars(callbacks.Callback):
    if _name.startswith("on_") and _name not in ("on_batch_begin", "on_batch_end"):
        setattr(Recorder, _name, _hook(_name))


def test_hooks_run_in_keras_order(data: Data) -> None:
    recorder = Recorder()
    make_model().fit(*data, batch_size=4, verbose=0, validation_split=0.2, callbacks=[recorder])
    assert recorder.calls == [
        "on_train_begin",
        "on_epoch_begin 0",
        "on_train_batch_begin 0",
        "on_train_batch_end 0 loss mae",
        "on_train_batch_begin 1",
        "on_train_batch_end 1 loss mae",
        "on_test_begin",
        "on_test_batch_begin 0",
        "on_test_batch_end 0 loss mae",
        "on_test_end loss mae",
        "on_epoch_end 0 loss mae val_loss val_mae",
        "on_train_end loss mae val_loss val_mae",
    ]


def test_hooks_of_predict(data: Data) -> None:
    recorder = Recorder()
    model = make_model()
    y = model.predict(data[0], batch_size=6, callbacks=[recorder])
    assert recorder.calls == [
        "on_predict_begin",
        "on_predict_batch_begin 0",
        "on_predict_batch_end 0 outputs",
        "on_predict_batch_begin 1",
        "on_predict_batch_end 1 outputs",
        "on_predict_end",
    ]
    np.testing.assert_array_equal(y, model.predict(data[0]))


def test_batch_hooks_do_not_change_the_training(data: Data) -> None:
    plain, watched = make_model(), make_model()
    a = plain.fit(*data, batch_size=4, epochs=3, verbose=0)
    b = watched.fit(*data, batch_size=4, epochs=3, verbose=0, callbacks=[Recorder()])
    assert all(
        np.array_equal(u, v)
        for u, v in zip(plain.get_weights(), watched.get_weights(), strict=True)
    )
    for key, values in a.history.items():
        np.testing.assert_allclose(values, b.history[key], rtol=1e-12)


def test_batch_logs_are_running_means(data: Data) -> None:
    seen: list[float] = []
    model = make_model(learning_rate=0.0)
    watch = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(logs["loss"])
    )
    model.fit(*data, batch_size=4, verbose=0, shuffle=False, callbacks=[watch])
    errors = (model.predict(data[0])[:, 0] - data[1]) ** 2
    expected = [errors[:4].mean(), errors[:8].mean(), errors.mean()]
    np.testing.assert_allclose(seen, expected, rtol=1e-5)


def test_older_batch_hooks_are_called(data: Data) -> None:
    seen: list[str] = []
    old = callbacks.LambdaCallback(
        on_batch_begin=lambda batch, logs: seen.append(f"begin {batch}"),
        on_batch_end=lambda batch, logs: seen.append(f"end {batch}"),
    )
    make_model().fit(*data, batch_size=5, verbose=0, callbacks=[old])
    assert seen == ["begin 0", "end 0", "begin 1", "end 1"]


def test_history_sees_what_others_add(data: Data) -> None:
    add = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(mine=epoch * 10))
    model = make_model()
    history = model.fit(*data, epochs=2, verbose=0, callbacks=[add])
    assert history.history["mine"] == [0, 10]
    assert list(history.history) == ["loss", "mae", "mine"]
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 1}
    assert model.history is history


def test_own_history_is_used_and_grows(data: Data) -> None:
    model, history = make_model(), callbacks.History()
    assert model.fit(*data, verbose=0, callbacks=[history]) is history
    model.fit(*data, verbose=0, initial_epoch=1, epochs=3, callbacks=[history])
    assert len(history.history["loss"]) == 3
    assert history.epoch == [1, 2]


def test_stopping_in_a_batch_still_validates(data: Data) -> None:
    model = make_model()

    def stop(batch: int, logs: Any) -> None:
        model.stop_training = True

    recorder = Recorder()
    model.fit(
        *data,
        batch_size=2,
        epochs=5,
        verbose=0,
        validation_split=0.2,
        callbacks=[callbacks.LambdaCallback(on_train_batch_end=stop), recorder],
    )
    assert recorder.calls.count("on_epoch_begin 0") == 1
    assert "on_train_batch_begin 1" not in recorder.calls
    assert recorder.calls[-2:] == [
        "on_epoch_end 0 loss mae val_loss val_mae",
        "on_train_end loss mae val_loss val_mae",
    ]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ([3], "callbacks must be"),
        ([callbacks.History], "call the class"),
        ("EarlyStopping", "callbacks must be"),
    ],
)
def test_wrong_callbacks_are_refused(data: Data, wrong: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make_model().fit(*data, verbose=0, callbacks=wrong)


def test_lambda_callback_refuses_unknown_hooks() -> None:
    with pytest.raises(TypeError, match="Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)


# -------------------------------------------------------------------------- callbacks on a script
# A stand-in for the model: values of the watched entry, one per epoch, are played to the callback.


class FakeOptimizer:
    learning_rate = 1.0


class FakeModel:
    def __init__(self) -> None:
        self.optimizer = FakeOptimizer()
        self.stop_training = False
        self.epoch = -1
        self.restored: Any = None

    def _entries(self) -> list[Any]:
        return []

    def get_weights(self) -> list[int]:
        return [self.epoch]

    def set_weights(self, weights: list[int]) -> None:
        self.restored = weights[0]


def play(
    callback: callbacks.Callback, values: Sequence[float], key: str = "val_loss"
) -> tuple[int, FakeModel, list[dict[str, Any]]]:
    """Return the number of the last epoch, the model, and the logs after each epoch."""
    model = FakeModel()
    callback.set_model(model)
    callback.on_train_begin({})
    history = []
    for model.epoch, value in enumerate(values):
        logs = {key: value}
        callback.on_epoch_end(model.epoch, logs)
        history.append(logs)
        if model.stop_training:
            break
    callback.on_train_end({})
    return model.epoch, model, history


@pytest.mark.parametrize(
    ("options", "values", "last"),
    [
        ({}, [3, 2, 2.5, 1], 2),
        ({"patience": 1}, [3, 2, 2.5, 1, 1, 1], 2),
        ({"patience": 2}, [3, 2, 2.5, 2.4, 1], 3),
        ({"min_delta": 0.5}, [3, 2, 1.6, 1], 2),
        ({"mode": "max"}, [1, 2, 1.5, 3], 2),
        ({}, [3, 3], 1),
        # not in the first epoch, whatever the patience
        ({"baseline": 0.1}, [3, 2, 1], 2),
        # better than before but not than the baseline: the count goes on
        ({"baseline": 0.1, "patience": 2}, [3, 2, 2.5, 1], 2),
        ({"start_from_epoch": 3}, [1, 2, 3, 4, 5], 4),
    ],
)
def test_early_stopping(options: dict[str, Any], values: list[float], last: int) -> None:
    assert play(callbacks.EarlyStopping(**options), values)[0] == last


def test_early_stopping_restores_the_best_weights_also_at_a_regular_end() -> None:
    for patience in (1, 10):
        callback = callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        _, model, _ = play(callback, [3, 1, 2, 2])
        assert model.restored == 1
        assert callback.best_epoch == 1
    assert play(callbacks.EarlyStopping(), [3, 1, 2])[1].restored is None


def test_early_stopping_can_serve_two_trainings() -> None:
    callback = callbacks.EarlyStopping(patience=1)
    assert play(callback, [1, 2, 3])[0] == 1
    assert play(callback, [5, 4, 3])[0] == 2


def test_early_stopping_warns_where_the_value_is_missing() -> None:
    with pytest.warns(UserWarning, match=r"watches 'val_loss'.*Did you mean 'loss'"):
        play(callbacks.EarlyStopping(), [1, 2], key="loss")


def test_unknown_direction_is_an_error(data: Data) -> None:
    with pytest.raises(ValueError, match="pass mode='max' or mode='min'"):
        make_model().fit(*data, verbose=0, callbacks=[callbacks.EarlyStopping("speed")])


def test_direction_comes_from_the_metric(rng: np.random.Generator) -> None:
    model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=["accuracy", "mae"])
    stop = [callbacks.EarlyStopping(key, patience=9) for key in ("accuracy", "mae", "loss")]
    model.fit(rng.normal(size=(8, 2)), np.ones(8), verbose=0, callbacks=stop)
    assert [callback._sign for callback in stop] == [1, -1, -1]


@pytest.mark.parametrize(
    ("options", "values", "rates"),
    [
        ({"patience": 1}, [3, 2, 2, 1], [1, 1, 1, 0.1]),
        ({"patience": 2, "factor": 0.5}, [3, 3, 3, 3, 3], [1, 1, 1, 0.5, 0.5]),
        ({"patience": 1, "min_lr": 0.25}, [3, 3, 3, 3], [1, 1, 0.25, 0.25]),
        # the epoch after a reduction still cools down, then one more without improvement
        ({"patience": 1, "cooldown": 2}, [3, 3, 3, 3, 3], [1, 1, 0.1, 0.1, 0.01]),
        ({"patience": 1}, [3, 2.99995, 2.9], [1, 1, 0.1]),  # min_delta is 1e-4
    ],
)
def test_reduce_lr_on_plateau(
    options: dict[str, Any], values: list[float], rates: list[float]
) -> None:
    _, _, history = play(callbacks.ReduceLROnPlateau(**options), values)
    np.testing.assert_allclose([logs["learning_rate"] for logs in history], rates)


def test_reduce_lr_refuses_a_factor_of_one() -> None:
    with pytest.raises(ValueError, match="factor must be below 1"):
        callbacks.ReduceLROnPlateau(factor=1.0)


# -------------------------------------------------------------------------- the others, for real


def test_learning_rate_scheduler_sets_and_logs(data: Data) -> None:
    model = make_model()
    halve = callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch else rate)
    history = model.fit(*data, epochs=3, verbose=0, callbacks=[halve])
    assert history.history["learning_rate"] == [0.01, 0.005, 0.0025]
    model.fit(*data, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.5)])
    assert model.optimizer.learning_rate == 0.5


def test_learning_rate_scheduler_changes_the_training(data: Data) -> None:
    model = make_model()
    before = model.get_weights()
    model.fit(*data, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: 0.0)])
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_learning_rate_scheduler_wants_a_float(data: Data) -> None:
    with pytest.raises(ValueError, match="must return a float, got 'slow'"):
        make_model().fit(
            *data, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: "slow")]
        )


def test_terminate_on_nan_stops_after_the_batch(
    data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = data
    y = y.copy()
    y[5] = np.nan
    recorder = Recorder()
    with pytest.warns(RuntimeWarning, match="epoch 1, batch 2"):
        make_model().fit(
            x,
            y,
            batch_size=4,
            epochs=3,
            shuffle=False,
            verbose=0,
            callbacks=[callbacks.TerminateOnNaN(), recorder],
        )
    assert "on_train_batch_end 1 loss mae" in recorder.calls
    assert "on_train_batch_end 2 loss mae" not in recorder.calls
    assert "Batch 1" in capsys.readouterr().out


def test_terminate_on_nan_can_raise(data: Data) -> None:
    x, y = data
    with (
        pytest.warns(RuntimeWarning),
        pytest.raises(RuntimeError, match="Batch 0: the loss is nan"),
    ):
        make_model().fit(
            x, y * np.nan, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)]
        )


def read_csv(path: pathlib.Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_csv_logger_writes_sorted_columns(data: Data, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "log.csv"
    history = make_model().fit(
        *data, epochs=2, verbose=0, validation_split=0.2, callbacks=[callbacks.CSVLogger(path)]
    )
    rows = read_csv(path)
    assert list(rows[0]) == ["epoch", "loss", "mae", "val_loss", "val_mae"]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert [float(row["val_loss"]) for row in rows] == history.history["val_loss"]


def test_csv_logger_without_validation_writes_na_and_appends(
    data: Data, tmp_path: pathlib.Path
) -> None:
    path = tmp_path / "log.csv"
    model = make_model()
    for _ in range(2):
        model.fit(*data, verbose=0, callbacks=[callbacks.CSVLogger(path, append=True)])
    rows = read_csv(path)
    assert len(rows) == 2
    assert rows[0]["val_loss"] == rows[1]["val_mae"] == "NA"


def test_model_checkpoint_names_files_by_epoch_and_value(
    data: Data, tmp_path: pathlib.Path
) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "runs" / "{epoch:02d}-{loss:.3f}.safetensors"
    history = make_model().fit(
        *data, epochs=2, verbose=0, callbacks=[callbacks.ModelCheckpoint(path)]
    )
    names = sorted(p.name for p in (tmp_path / "runs").iterdir())
    expected = [f"{i + 1:02d}-{v:.3f}.safetensors" for i, v in enumerate(history.history["loss"])]
    assert names == expected


def test_model_checkpoint_counts_batches_across_epochs(data: Data, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "{epoch}-{batch}.safetensors"
    checkpoint = callbacks.ModelCheckpoint(path, save_freq=2, save_weights_only=True)
    make_model().fit(*data, batch_size=4, epochs=2, verbose=0, callbacks=[checkpoint])
    assert sorted(p.stem for p in tmp_path.iterdir()) == ["1-2", "2-1", "2-3"]


def test_model_checkpoint_keeps_the_best(data: Data, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("safetensors")
    path = tmp_path / "best.safetensors"
    rates = callbacks.LearningRateScheduler(lambda epoch: 0.01 if epoch < 2 else -0.5)
    best = callbacks.ModelCheckpoint(path, "loss", save_best_only=True, save_weights_only=True)
    model = make_model()
    model.fit(*data, epochs=4, verbose=0, callbacks=[rates, best])
    kept = make_model()
    kept.load_weights(path)
    values = model.history.history["loss"]
    assert best.best == min(values)
    assert kept.evaluate(*data)[0] < model.evaluate(*data)[0]


def test_model_checkpoint_says_which_field_is_missing(data: Data, tmp_path: pathlib.Path) -> None:
    checkpoint = callbacks.ModelCheckpoint(tmp_path / "{val_loss}.safetensors")
    with pytest.raises(KeyError, match=r"val_loss.*not in the logs"):
        make_model().fit(*data, verbose=0, callbacks=[checkpoint])


@pytest.mark.parametrize("freq", ["batch", 0])
def test_model_checkpoint_refuses_a_wrong_save_freq(freq: Any) -> None:
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("m.safetensors", save_freq=freq)


# -------------------------------------------------------------------------- printing


def test_one_line_an_epoch(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    make_model().fit(*data, epochs=2, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("Epoch 1/2 - ")
    assert [part.split(":")[0] for part in lines[0].split(" - ")[2:]] == [
        "loss",
        "mae",
        "val_loss",
        "val_mae",
    ]


def test_progress_bar_uses_tqdm(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    make_model().fit(*data, batch_size=4, epochs=2, verbose=1)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Epoch 2/2: 100%" in captured.err
    assert "3/3" in captured.err
    assert "mae: " in captured.err


def test_without_tqdm_there_is_a_line_an_epoch(
    data: Data, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "tqdm.auto", None)  # importing it raises ImportError
    make_model().fit(*data, epochs=2, verbose="auto")
    captured = capsys.readouterr()
    assert captured.out.count("Epoch") == 2
    assert captured.err == ""


def test_silence(data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    model = make_model()
    model.fit(*data, verbose=0)
    model.evaluate(*data)
    model.predict(data[0])
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
