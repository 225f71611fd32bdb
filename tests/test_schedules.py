"""Learning-rate schedules: Keras's formulas, by hand and as loops."""

import math
import pickle

import numpy as np
import pytest

import picaflor as pf
from picaflor.optimizers import schedules

EACH = [
    schedules.ExponentialDecay(0.1, 10, 0.5),
    schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True),
    schedules.InverseTimeDecay(0.1, 10, 0.5),
    schedules.InverseTimeDecay(0.1, 10, 0.5, staircase=True),
    schedules.PiecewiseConstantDecay([3, 7], [1.0, 0.5, 0.1]),
    schedules.PolynomialDecay(0.1, 10, 0.01, power=2.0),
    schedules.PolynomialDecay(0.1, 10, 0.01, cycle=True),
    schedules.CosineDecay(0.1, 10, alpha=0.1),
    schedules.CosineDecay(0.0, 10, warmup_target=0.1, warmup_steps=5),
    schedules.CosineDecayRestarts(0.1, 10, t_mul=1.5, m_mul=0.5, alpha=0.1),
    schedules.OneCycle(0.1, 20),
]
names = [f"{type(s).__name__}{i}" for i, s in enumerate(EACH)]


@pytest.mark.parametrize("schedule", EACH, ids=names)
def test_arrays_of_steps_and_single_steps_agree(schedule):
    steps = np.arange(3, 40)
    curve = schedule(steps)
    assert curve.shape == steps.shape
    assert isinstance(schedule(3), float)
    assert curve.tolist() == [schedule(int(step)) for step in steps]
    assert schedule._rates(3, 37).tolist() == curve.tolist()
    assert np.all(np.isfinite(curve))


@pytest.mark.parametrize("schedule", EACH, ids=names)
def test_configuration_and_pickle_make_an_equal_schedule(schedule):
    again = schedules.deserialize(schedules.serialize(schedule))
    assert again == schedule
    assert again(17) == schedule(17)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


def test_exponential_and_inverse_time_decay():
    assert schedules.ExponentialDecay(0.8, 4, 0.25)(2) == pytest.approx(0.4)
    assert schedules.ExponentialDecay(0.8, 4, 0.25, staircase=True)(7) == pytest.approx(0.2)
    assert schedules.InverseTimeDecay(0.8, 4, 2.0)(2) == pytest.approx(0.4)
    assert schedules.InverseTimeDecay(0.8, 4, 1.0, staircase=True)(7) == pytest.approx(0.4)


def test_piecewise_constant_changes_after_the_boundary():
    schedule = schedules.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1])
    assert schedule(np.arange(8)).tolist() == [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.1, 0.1]


def test_polynomial_decay_stops_or_cycles():
    stop = schedules.PolynomialDecay(1.0, 4, 0.0, power=2.0)
    assert stop(np.array([0, 2, 4, 9])).tolist() == [1.0, 0.25, 0.0, 0.0]
    # at step 6 the wave is 8 long: 1 - 6/8;  at step 4 it is still 4 long
    cycle = schedules.PolynomialDecay(1.0, 4, 0.0, cycle=True)
    assert cycle(np.array([0, 4, 6, 8])).tolist() == [1.0, 0.0, 0.25, 0.0]


def test_cosine_decay_with_warm_up():
    schedule = schedules.CosineDecay(0.1, 10, alpha=0.5, warmup_target=0.3, warmup_steps=4)
    assert schedule(2) == pytest.approx(0.2)
    assert schedule(4) == pytest.approx(0.3)
    assert schedule(9) == pytest.approx(0.3 * 0.75)  # half of the wave: (1 + 0.5) / 2
    assert schedule(14) == schedule(1000) == pytest.approx(0.15)


@pytest.mark.parametrize("t_mul", [1.0, 1.5, 2.0, 3.0])
def test_cosine_restarts_follow_a_plain_loop(t_mul):
    schedule = schedules.CosineDecayRestarts(0.1, 10, t_mul, m_mul=0.9, alpha=0.2)
    start, length, height = 0.0, 10.0, 1.0
    for step in range(3000):
        while step >= start + length:
            start, length, height = start + length, length * t_mul, height * 0.9
        wave = height * (1 + math.cos(math.pi * (step - start) / length)) / 2
        assert schedule(step) == pytest.approx(0.1 * (0.8 * wave + 0.2), rel=1e-9)


def test_one_cycle_climbs_and_falls():
    schedule = schedules.OneCycle(
        1.0, 101, warmup=0.25, initial_learning_rate=0.2, end_learning_rate=0.01
    )
    curve = schedule(np.arange(120))
    assert curve[0] == pytest.approx(0.2)
    assert curve.argmax() == 25
    assert curve[25] == pytest.approx(1.0)
    assert np.all(np.diff(curve[:26]) > 0)
    assert np.all(np.diff(curve[25:101]) < 0)
    assert curve[100:] == pytest.approx(0.01)
    # a quarter down the wave: 0.01 + 0.99 (1 + cos(pi / 4)) / 2 at three quarters
    assert schedule(25 + 75 / 4) == pytest.approx(0.01 + 0.99 * (1 + math.sqrt(0.5)) / 2)
    assert schedules.OneCycle(1.0, 1)(0) == pytest.approx(4e-6)
    assert schedules.OneCycle(1.0, 10, warmup=0.0)(0) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: schedules.ExponentialDecay(0.1, 0, 0.5), "decay_steps must be above 0, got 0"),
        (lambda: schedules.PiecewiseConstantDecay([1], [1.0]), "one entry more than boundaries"),
        (lambda: schedules.PiecewiseConstantDecay([2, 1], [1.0] * 3), "boundaries must increase"),
        (lambda: schedules.CosineDecay(0.1, 10, warmup_steps=3), "needs a warmup_target"),
        (lambda: schedules.CosineDecayRestarts(0.1, 10, t_mul=0.5), "t_mul must be at least 1"),
        (lambda: schedules.OneCycle(0.1, 10, warmup=1.0), "warmup must be at least 0 and below 1"),
        (
            lambda: schedules.deserialize({"class_name": "CosinDecay", "config": {}}),
            "Unknown schedule: 'CosinDecay'. Did you mean 'CosineDecay'",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_schedule_of_ones_own():
    class Halving(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.5**step

    assert Halving()._rates(1, 3).tolist() == [0.5, 0.25, 0.125]
    with pytest.raises(TypeError, match="Halving must define get_config"):
        schedules.serialize(Halving())
    with pytest.raises(TypeError, match="must define __call__"):
        schedules.LearningRateSchedule()(0)


@pytest.mark.parametrize("hooks", [False, True])
def test_rates_are_asked_for_once_a_step(monkeypatch, capsys, hooks):
    pytest.importorskip("tqdm")
    monkeypatch.setattr("picaflor.models.loop._REFRESH", 0.0)  # the bar looks in all the time
    x = np.random.default_rng(0).normal(size=(2000, 100))
    asked = []

    class Counted(schedules.LearningRateSchedule):
        def __call__(self, step):
            asked.append(step)
            return 0.01

    model = pf.Sequential([pf.Input((100,)), pf.layers.Dense(64), pf.layers.Dense(1)], seed=0)
    model.compile(pf.optimizers.SGD(Counted()), "mse")
    nothing = pf.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
    model.fit(x, x[:, :1], batch_size=10, epochs=2, verbose=1, callbacks=[nothing] * hooks)
    assert asked == list(range(400))
    assert "200/200" in capsys.readouterr().err
