"""The thread team: in C++, with ThreadSanitizer where there is one, and through Python."""

import os
import pathlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import picaflor as pf
from compiled import RUNTIME, compile_and_run
from picaflor import _core


@pytest.mark.slow
def test_team_runs_parks_nests_and_survives_fork(tmp_path: pathlib.Path) -> None:
    compile_and_run("threads", tmp_path, ["-O2"], RUNTIME)


@pytest.mark.slow
def test_team_has_no_data_race(tmp_path: pathlib.Path) -> None:
    flags = ["-O1", "-g", "-fsanitize=thread"]
    compile_and_run("threads", tmp_path, flags, RUNTIME, ["--no-fork"])


def python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {
        k: v for k, v in os.environ.items() if k not in ("PICAFLOR_NUM_THREADS", "OMP_NUM_THREADS")
    }
    return subprocess.run(
        [sys.executable, "-c", code],
        env=env | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


PRINT_THREADS = "from picaflor import _core; print(_core.get_num_threads())"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PICAFLOR_NUM_THREADS": "3", "OMP_NUM_THREADS": "5"}, 3),
        ({"OMP_NUM_THREADS": "5"}, 5),
        ({"OMP_NUM_THREADS": "4,2"}, 4),
        ({"PICAFLOR_NUM_THREADS": "", "OMP_NUM_THREADS": "6"}, 6),
    ],
)
def test_default_number_of_threads_follows_the_environment(
    environment: dict[str, str], expected: int
) -> None:
    assert python(PRINT_THREADS, **environment).stdout.strip() == str(expected)


def test_default_number_of_threads_is_the_available_cpus() -> None:
    assert python(PRINT_THREADS).stdout.strip() == str(_core.available_cpus())
    # Broken on purpose, OpenMP's variable is OpenMP's business.
    assert python(PRINT_THREADS, OMP_NUM_THREADS="x").stdout.strip() == str(_core.available_cpus())


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs sched_setaffinity")
def test_default_number_of_threads_follows_affinity() -> None:
    pin = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    assert python(pin + PRINT_THREADS).stdout.strip() == "1"


@pytest.mark.parametrize("value", ["0", "-2", "two", "2.5", "4,2", "257"])
def test_bad_environment_variable_is_an_import_error(value: str) -> None:
    run = python("import picaflor", PICAFLOR_NUM_THREADS=value)
    assert run.returncode == 1
    expected = f"ImportError: PICAFLOR_NUM_THREADS must be a number from 1 to 256, got {value}"
    assert run.stderr.strip().endswith(expected)


def trained(threads: int, seed: int = 3) -> list[bytes]:
    """Bytes of the weights after one epoch of a network large enough for several threads."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(520, 300)).astype(np.float32)
    y = rng.integers(0, 10, 520)
    model = pf.Sequential(
        [
            pf.layers.Dense(257, activation="relu"),
            pf.layers.Dropout(0.2),
            pf.layers.Dense(130, activation="tanh"),
            pf.layers.Dense(10, activation="softmax"),
        ],
        seed=seed,
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    with pf.use_threads(threads):
        model.fit(x, y, batch_size=130, epochs=1, verbose=0)
        predicted = model.predict(x[:77], verbose=0)
    return [*(w.tobytes() for w in model.get_weights()), predicted.tobytes()]


def test_number_of_threads_does_not_change_a_bit() -> None:
    alone = trained(1)
    for threads in (2, 3, 5):
        assert trained(threads) == alone


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_number_of_threads_does_not_change_a_bit_of_minibatches_of_one_row(
    optimizer: str, outputs: int
) -> None:
    # one row and few outputs: the products along memory, cut for threads
    rng = np.random.default_rng(5)
    x = rng.normal(size=(7, 40)).astype(np.float32)
    y = rng.normal(size=(7, outputs)).astype(np.float32)

    def weights(threads: int) -> list[bytes]:
        stack = [pf.layers.Dense(m, activation="relu") for m in (1000, 700)]
        model = pf.Sequential([*stack, pf.layers.Dense(outputs)], seed=0)
        model.compile(optimizer=optimizer, loss="mse")
        with pf.use_threads(threads):
            model.fit(x, y, batch_size=1, epochs=2, verbose=0)
            predicted = model.predict(x, verbose=0)
        return [*(w.tobytes() for w in model.get_weights()), predicted.tobytes()]

    alone = weights(1)
    for threads in (2, 3):
        assert weights(threads) == alone


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy"])
def test_number_of_threads_does_not_change_a_bit_of_the_loss_of_wide_outputs(loss: str) -> None:
    x = np.random.default_rng(6).random((200, 700)).astype(np.float32)

    def history(threads: int) -> list[float]:
        stack = [pf.layers.Dense(20, "relu"), pf.layers.Dense(700, "sigmoid")]
        model = pf.Sequential([pf.Input((700,)), *stack], seed=0)
        model.compile(optimizer="adam", loss=loss)
        with pf.use_threads(threads):
            return model.fit(x, x, batch_size=200, epochs=4, verbose=0).history["loss"]

    assert len({tuple(history(threads)) for threads in (1, 2, 3)}) == 1


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_rows_gathered_while_threads_were_idle_are_the_right_ones(
    dtype: str, shuffle: bool
) -> None:
    rng = np.random.default_rng(8)
    data = [rng.integers(0, 5, (n, 300)).astype(dtype) for n in (400, 333)]

    def weights(threads: int) -> list[bytes]:
        layers = [pf.layers.Dense(256, activation="relu"), pf.layers.Dense(10)]
        model = pf.Sequential(layers, seed=1)
        model.compile(optimizer="sgd", loss="mse")
        with pf.use_threads(threads):
            for batch_size in (64, 100, 700):  # the last minibatch is shorter, or the only one
                for x in data:
                    y = x[:, :10] / 5
                    model.fit(x, y, batch_size=batch_size, epochs=2, shuffle=shuffle, verbose=0)
                    model.evaluate(x, y, batch_size=batch_size, verbose=0)
        return [w.tobytes() for w in model.get_weights()]

    alone = weights(1)
    for threads in (2, 3):
        assert weights(threads) == alone


def test_models_are_trained_from_several_python_threads_at_once() -> None:
    expected = {seed: trained(1, seed) for seed in range(4)}
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(expected, pool.map(lambda seed: trained(2, seed), expected), strict=True))
    assert found == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_child_of_a_fork_trains_as_its_parent() -> None:
    code = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from test_threads import trained
expected = trained(2)   # starts the team
child = os.fork()
signal.alarm(30)        # whoever hangs is killed, and fails
if child == 0:
    os._exit(0 if trained(2) == expected else 1)
assert os.waitpid(child, 0)[1] == 0
assert trained(2) == expected
"""
    tests = str(pathlib.Path(__file__).parent)
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code, tests],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stderr
