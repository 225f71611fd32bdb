"""Optimizers on plain arrays, against picaflor.reference and by hand."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from picaflor import optimizers
from picaflor.optimizers import schedules
from picaflor.reference.optimizers import apply_rule
from strategies import LAYOUTS

CASES = {
    "sgd": lambda **k: optimizers.SGD(0.05, **k),
    "momentum": lambda **k: optimizers.SGD(0.05, momentum=0.9, **k),
    "nesterov": lambda **k: optimizers.SGD(0.05, momentum=0.9, nesterov=True, **k),
    "adam": lambda **k: optimizers.Adam(0.05, **k),
    "amsgrad": lambda **k: optimizers.Adam(0.05, beta_2=0.9, amsgrad=True, **k),
    "adamw": lambda **k: optimizers.AdamW(0.05, **k),
    "rmsprop": lambda **k: optimizers.RMSprop(0.05, **k),
    "rmsprop_momentum": lambda **k: optimizers.RMSprop(0.05, momentum=0.5, **k),
    "rmsprop_centered": lambda **k: optimizers.RMSprop(0.05, centered=True, **k),
    "rmsprop_both": lambda **k: optimizers.RMSprop(0.05, momentum=0.5, centered=True, **k),
    "adagrad": lambda **k: optimizers.Adagrad(0.05, **k),
    "adadelta": lambda **k: optimizers.Adadelta(1.0, **k),
    "adamax": lambda **k: optimizers.Adamax(0.05, **k),
    "nadam": lambda **k: optimizers.Nadam(0.05, **k),
    "lion": lambda **k: optimizers.Lion(0.05, **k),
}
CLIPS = {
    "plain": {},
    "clipvalue": {"clipvalue": 0.4},
    "clipnorm": {"clipnorm": 0.7},
    "global_clipnorm": {"global_clipnorm": 0.9},
    "decay": {"weight_decay": 0.3},
}
STEPS = 50


def problem(rng, dtype):
    """Three variables, one shorter than a vector register, and gradients of every step."""
    variables = [rng.normal(size=shape).astype(dtype) for shape in [(7, 5), (33,), ()]]
    gradients = [
        [rng.normal(size=v.shape).astype(dtype) * dtype(10.0) ** (step % 3 - 1) for v in variables]
        for step in range(STEPS)
    ]
    return variables, gradients


def reference_path(optimizer, variables, gradients):
    values = [v.astype(np.float64) for v in variables]
    states = [{} for _ in values]
    for t, grads in enumerate(gradients, start=1):
        grads = [g.astype(np.float64) for g in grads]
        values = apply_rule(optimizer._rule(), optimizer.learning_rate, t, values, grads, states)
        yield values


def rounding(steps, dtype):
    """Every step rounds w once, and its own length, here at most about 1, a handful of times."""
    return 4 * steps * np.finfo(dtype).eps


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("case", CASES)
def test_fifty_steps_match_the_reference(case, clip, dtype, rng):
    if case == "adamw" and clip == "decay":
        clip = "plain"  # it has decay of its own
    optimizer = CASES[case](**CLIPS[clip])
    variables, gradients = problem(rng, dtype)
    for step, expected in enumerate(reference_path(optimizer, variables, gradients)):
        optimizer.apply(gradients[step], variables)
        bound = rounding(step + 1, dtype)
        for got, want in zip(variables, expected, strict=True):
            assert got.dtype == dtype
            assert np.all(np.abs(got - want) <= bound * (1 + np.abs(want))), (step, got, want)
    assert optimizer.iterations == STEPS


@pytest.mark.parametrize("case", CASES)
def test_bound_of_fifty_steps_tells_rules_apart(case, rng):
    """The float32 bound above is below the effect of one forgotten or doubled step."""
    variables, gradients = problem(rng, np.float64)
    optimizer = CASES[case]()
    paths = list(reference_path(optimizer, variables, gradients))
    moved = np.abs(paths[-1][1] - paths[-2][1]).max()
    assert moved > 5 * rounding(STEPS, np.float32) * (1 + np.abs(paths[-1][1]).max())


def first_steps(optimizer, gradients, w=1.0):
    value = np.array([w])
    path = []
    for g in gradients:
        optimizer.apply([np.array([g])], [value])
        path.append(value[0])
    return path


def test_sgd_by_hand():
    # lr 0.1, g = 2, -1:  1 - 0.2 = 0.8,  0.8 + 0.1 = 0.9
    assert first_steps(optimizers.SGD(0.1), [2.0, -1.0]) == pytest.approx([0.8, 0.9], abs=1e-15)
    # momentum 0.5:  v = -0.2, w = 0.8;  v = -0.1 + 0.1 = 0, w = 0.8
    assert first_steps(optimizers.SGD(0.1, momentum=0.5), [2.0, -1.0]) == pytest.approx(
        [0.8, 0.8], abs=1e-15
    )
    # Nesterov:  v = -0.2, w += 0.5 (-0.2) - 0.2 = 0.7;  v = 0, w += 0 + 0.1 = 0.8
    assert first_steps(
        optimizers.SGD(0.1, momentum=0.5, nesterov=True), [2.0, -1.0]
    ) == pytest.approx([0.7, 0.8], abs=1e-15)


def test_adam_by_hand():
    # b1 = b2 = 0.5, epsilon 0, lr 0.1.
    # t = 1, g = 2:   m = 1, v = 2, sqrt(1 - 0.5) / (1 - 0.5) = sqrt(2);  step 0.1 sqrt(2) / sqrt(2)
    # t = 2, g = -2:  m = 0.5 - 1 = -0.5, v = 1 + 2 = 3, sqrt(0.75) / 0.75 = 2 / sqrt(3);
    #                 step 0.1 * 2 / sqrt(3) * -0.5 / sqrt(3) = -0.1 / 3
    adam = optimizers.Adam(0.1, beta_1=0.5, beta_2=0.5, epsilon=0.0)
    assert first_steps(adam, [2.0, -2.0]) == pytest.approx([0.9, 0.9 + 0.1 / 3], abs=1e-14)


def test_amsgrad_keeps_the_largest_mean_square():
    # as above with g = 2, 0:  v = 2, then 1;  the second step divides by sqrt(2), not by 1
    # m = 1, then 0.5;  step 0.1 * 2 / sqrt(3) * 0.5 / sqrt(2) = 0.1 / sqrt(6)
    adam = optimizers.Adam(0.1, beta_1=0.5, beta_2=0.5, epsilon=0.0, amsgrad=True)
    assert first_steps(adam, [2.0, 0.0])[1] == pytest.approx(0.9 - 0.1 / np.sqrt(6), abs=1e-14)


def test_epsilon_stands_where_keras_puts_it():
    # With g = 1 and epsilon = 1, first step:
    # Adam       m = 0.1, v = 0.001:  0.1 sqrt(0.001) / 0.1 * 0.1 / (sqrt(0.001) + 1)
    root = np.sqrt(0.001)
    want = 1 - 0.1 * root / 0.1 * 0.1 / (root + 1)
    assert first_steps(optimizers.Adam(0.1, epsilon=1.0), [1.0])[0] == pytest.approx(
        want, abs=1e-14
    )
    # RMSprop    v = 0.1:  0.1 / sqrt(0.1 + 1);   Adagrad  a = 1.1:  0.1 / sqrt(1.1 + 1)
    want = 1 - 0.1 / np.sqrt(1.1)
    assert first_steps(optimizers.RMSprop(0.1, epsilon=1.0), [1.0])[0] == pytest.approx(want)
    want = 1 - 0.1 / np.sqrt(2.1)
    assert first_steps(optimizers.Adagrad(0.1, epsilon=1.0), [1.0])[0] == pytest.approx(want)
    # Adamax     u = 1, m = 0.1:  0.1 / 0.1 * 0.1 / (1 + 1)
    assert first_steps(optimizers.Adamax(0.1, epsilon=1.0), [1.0])[0] == pytest.approx(0.95)
    # Nadam      sqrt(v / 0.001) = 1:  0.1 m' / (1 + 1)
    u = [0.9 * (1 - 0.5 * 0.96**t) for t in (1, 2)]
    ahead = u[1] * 0.1 / (1 - u[0] * u[1]) + (1 - u[0]) / (1 - u[0])
    want = 1 - 0.1 * ahead / 2
    assert first_steps(optimizers.Nadam(0.1, epsilon=1.0), [1.0])[0] == pytest.approx(want)


def test_nadam_late_in_a_training_matches_the_running_product():
    # the product of the momentum schedule is worked out anew at every step, past 1000 in one power
    beta = 0.99999
    optimizer = optimizers.Nadam(0.1, beta_1=beta)
    product = np.prod([beta * (1 - 0.5 * 0.96**t) for t in range(1, 5002)])
    optimizer.iterations = 5000
    here, after = (beta * (1 - 0.5 * 0.96**t) for t in (5001, 5002))
    ahead = after * (1 - beta) / (1 - product * after) + (1 - here) / (1 - product)
    root = np.sqrt(0.001 / (1 - 0.999**5001))
    want = 1 - 0.1 * ahead / (root + 1e-7)
    assert first_steps(optimizer, [1.0])[0] == pytest.approx(want, abs=1e-12)


def test_lion_takes_the_sign_of_zero_as_zero():
    w = np.array([1.0, 1.0, 1.0])
    optimizers.Lion(0.25).apply([np.array([0.0, 3.0, -1e-300])], [w])
    assert w.tolist() == [1.0, 0.75, 1.25]


@pytest.mark.parametrize("case", CASES)
def test_zeros_stay_zero(case, dtype):
    """Padding of the engine's buffers: w, g and state 0 must not move, even without epsilon."""
    optimizer = CASES[case](clipvalue=1.0)
    if hasattr(optimizer, "epsilon"):
        optimizer.epsilon = 0.0
    if case == "adagrad":
        optimizer.initial_accumulator_value = 0.0
    w = np.zeros(19, dtype)
    for _ in range(3):
        optimizer.apply([np.zeros(19, dtype)], [w])
    assert np.array_equal(w, np.zeros(19))
    assert all(np.array_equal(s, np.zeros(19)) for s in optimizer.variables)


@pytest.mark.parametrize("case", CASES)
def test_nan_gradients_are_not_hidden(case):
    w = np.ones(11)
    g = np.ones(11)
    g[[0, 10]] = np.nan
    optimizer = CASES[case](clipvalue=0.5)
    optimizer.apply([g], [w])
    if case == "lion":  # the sign of NaN is NaN too
        assert np.isnan(optimizer.variables[0][[0, 10]]).all()
    assert np.isnan(w[[0, 10]]).all()
    assert np.isfinite(w[1:10]).all()


@pytest.mark.parametrize("case", CASES)
@given(n=st.integers(1, 70), cut=st.integers(0, 70), seed=st.integers(0, 2**32 - 1))
def test_any_split_gives_the_same_bits(case, n, cut, seed):
    rng = np.random.default_rng(seed)
    for dtype in (np.float32, np.float64):
        whole = rng.normal(size=n).astype(dtype)
        parts = [whole[:cut].copy(), whole[cut:].copy()]
        one, two = CASES[case](weight_decay=0.1), CASES[case](weight_decay=0.1)
        for _ in range(3):
            g = rng.normal(size=n).astype(dtype)
            one.apply([g], [whole])
            two.apply([g[:cut], g[cut:]], parts)
        assert np.array_equal(whole, np.concatenate(parts))


def test_threads_give_the_same_bits(rng):
    import picaflor as pf

    g = rng.normal(size=300_001)
    start = rng.normal(size=300_001)
    results = []
    before = pf.get_num_threads()
    for threads in (1, 2, 3):
        pf.set_num_threads(threads)
        w, optimizer = start.copy(), optimizers.Adam()
        for _ in range(2):
            optimizer.apply([g], [w])
        results.append(w)
    pf.set_num_threads(before)
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])


@pytest.mark.parametrize(
    "layout", [name for name in LAYOUTS if name not in ("read_only", "misaligned")]
)
def test_any_layout_is_updated_in_place(layout, dtype, rng):
    start = rng.normal(size=(6, 9)).astype(dtype)
    g = rng.normal(size=(6, 9)).astype(dtype)
    plain, other = start.copy(), LAYOUTS[layout](start.copy())
    optimizers.Adam(0.1).apply([g], [plain])
    optimizers.Adam(0.1).apply([LAYOUTS[layout](g)], [other])
    assert not np.array_equal(plain, start)
    assert np.array_equal(plain, other)


def test_gradients_of_other_dtypes_are_taken_in_the_variables_dtype():
    w = np.ones(3, np.float32)
    optimizers.SGD(1.0).apply([[1, 2, 3]], [w])
    assert w.dtype == np.float32
    assert w.tolist() == [0.0, -1.0, -2.0]


def test_gradient_may_be_the_variable_or_overlap_it():
    w = np.arange(10.0)
    optimizers.SGD(0.5).apply([w], [w])
    assert w.tolist() == (np.arange(10.0) / 2).tolist()
    memory = np.arange(12.0)
    optimizers.SGD(1.0).apply([memory[:10]], [memory[2:]])
    assert memory.tolist() == [0.0, 1.0] + [2.0] * 10


def test_clipping_by_value_by_norm_and_jointly():
    def step(**clip):
        a, b = np.zeros(2), np.zeros(1)
        optimizers.SGD(1.0, **clip).apply([np.array([3.0, -4.0]), np.array([12.0])], [a, b])
        return [*-a, *-b]

    assert step() == [3.0, -4.0, 12.0]
    assert step(clipvalue=3.5) == [3.0, -3.5, 3.5]
    assert step(clipnorm=1.0) == pytest.approx([0.6, -0.8, 1.0])  # norms 5 and 12
    assert step(clipnorm=10.0) == pytest.approx([3.0, -4.0, 10.0])
    assert step(global_clipnorm=1.0) == pytest.approx([3 / 13, -4 / 13, 12 / 13])
    assert step(global_clipnorm=13.5) == [3.0, -4.0, 12.0]


def test_joint_norm_runs_over_both_dtypes():
    a, b = np.zeros(1, np.float32), np.zeros(1, np.float64)
    optimizers.SGD(1.0, global_clipnorm=1.0).apply([np.array([3.0]), np.array([4.0])], [a, b])
    assert [-a[0], -b[0]] == pytest.approx([0.6, 0.8], rel=1e-7)


def test_decay_comes_before_the_update():
    # w = 2 - 2 * 0.5 * 0.1 = 1.9, then - 0.1 * 1
    w = np.array([2.0])
    optimizers.SGD(0.1, weight_decay=0.5).apply([np.array([1.0])], [w])
    assert w[0] == pytest.approx(1.8, abs=1e-15)


def test_only_one_clipping_argument_may_be_set():
    with pytest.raises(ValueError, match=r"only one of clipnorm.*clipnorm=1.0 and clipvalue=2.0"):
        optimizers.Adam(clipnorm=1.0, clipvalue=2.0)


def test_none_gradients_leave_their_variable_alone():
    a, b = np.ones(2), np.ones(3)
    optimizer = optimizers.SGD(0.5, momentum=0.9)
    optimizer.apply([None, np.ones(3)], [a, b])
    assert a.tolist() == [1.0, 1.0]
    assert b.tolist() == [0.5, 0.5, 0.5]
    optimizer.apply([np.ones(2), np.ones(3)], [a, b])  # its state is its own
    assert a.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match="at least one gradient that is not None"):
        optimizer.apply([None, None], [a, b])


def test_apply_gradients_takes_pairs():
    a, b = np.ones(2), np.ones(3)
    optimizers.SGD(0.5).apply_gradients(zip([np.ones(2), np.ones(3)], [a, b], strict=True))
    assert a.tolist() == [0.5, 0.5]
    assert b.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize(
    ("grads", "variables", "error", "message"),
    [
        ([np.ones(2)], [np.ones(3)], ValueError, r"grads\[0\] must have shape \(3,\), got \(2,\)"),
        ([np.ones(2)], [], ValueError, "one entry per variable, got 1 gradients for 0"),
        ([np.ones(2)], [np.ones(2, int)], TypeError, r"variables\[0\] must have dtype float32 or"),
        ([np.ones(2)], [[1.0, 2.0]], TypeError, r"variables\[0\] must be an ndarray, got list"),
        ([np.array(["a", "b"])], [np.ones(2)], TypeError, r"grads\[0\] must hold real numbers"),
        ([np.ones(2, complex)], [np.ones(2)], TypeError, r"grads\[0\] must hold real numbers"),
        ([np.ones(2)], [LAYOUTS["read_only"](np.ones(2))], ValueError, "writeable"),
        ([np.ones(2)], [LAYOUTS["misaligned"](np.ones(2))], TypeError, "misaligned"),
    ],
)
def test_wrong_arrays_are_named(grads, variables, error, message):
    with pytest.raises(error, match=message):
        optimizers.Adam().apply(grads, variables)


def test_nothing_is_written_when_a_later_array_is_wrong():
    a, b = np.ones(2), np.ones(3)
    optimizer = optimizers.Adam()
    with pytest.raises(ValueError, match=r"grads\[1\] must have shape"):
        optimizer.apply([np.ones(2), np.ones(2)], [a, b])
    assert a.tolist() == [1.0, 1.0]
    assert optimizer.iterations == 0


def test_state_belongs_to_positions():
    optimizer = optimizers.Adam()
    optimizer.apply([np.ones(2)], [np.ones(2)])
    with pytest.raises(
        ValueError, match=r"variables\[0\] must have shape \(2,\) and dtype float64"
    ):
        optimizer.apply([np.ones(3)], [np.ones(3)])
    with pytest.raises(ValueError, match="dtype float64 as in the first"):
        optimizer.apply([np.ones(2)], [np.ones(2, np.float32)])
    with pytest.raises(ValueError, match="must be the 1 of the first call, got 2"):
        optimizer.apply([np.ones(2)] * 2, [np.ones(2), np.ones(2)])


def test_variables_are_the_live_state():
    optimizer = optimizers.Adagrad(initial_accumulator_value=0.25)
    assert optimizer.variables == []
    w = np.ones(2)
    optimizer.build([w])
    assert [s.tolist() for s in optimizer.variables] == [[0.25, 0.25]]
    optimizer.apply([np.array([1.0, 2.0])], [w])
    assert optimizer.variables[0].tolist() == [1.25, 4.25]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])
def test_copies_go_on_from_the_same_state(case, clone, rng):
    w = rng.normal(size=9)
    optimizer = CASES[case]()
    optimizer.apply([rng.normal(size=9)], [w])
    twin, w_twin = clone(optimizer), w.copy()
    g = rng.normal(size=9)
    optimizer.apply([g], [w])
    twin.apply([g], [w_twin])
    assert np.array_equal(w, w_twin)
    assert twin.iterations == 2


@pytest.mark.parametrize("case", CASES)
def test_configuration_makes_an_equal_optimizer(case):
    optimizer = CASES[case](clipnorm=2.0)
    config = optimizers.serialize(optimizer)
    again = optimizers.get(config)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()
    assert again._rule() == optimizer._rule()


def test_a_configuration_of_keras_is_understood():
    config = {
        "module": "keras.optimizers",
        "class_name": "Adam",
        "config": {
            "name": "adam", "learning_rate": 0.25, "weight_decay": None, "clipnorm": None,
            "global_clipnorm": None, "clipvalue": None, "use_ema": False, "ema_momentum": 0.99,
            "ema_overwrite_frequency": None, "loss_scale_factor": None,
            "gradient_accumulation_steps": None, "beta_1": 0.5, "beta_2": 0.999,
            "epsilon": 1e-07, "amsgrad": False,
        },
        "registered_name": None,
    }  # fmt: skip
    optimizer = optimizers.deserialize(config)
    assert optimizer.learning_rate == 0.25
    assert optimizer.beta_1 == 0.5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("use_ema", True),
        ("ema_momentum", 0.5),
        ("loss_scale_factor", 2.0),
        ("gradient_accumulation_steps", 2),
        ("ema_overwrite_frequency", 3),
    ],
)
def test_what_keras_has_and_picaflor_has_not_is_refused(name, value):
    with pytest.raises(ValueError, match=f"{name}={value} is not supported"):
        optimizers.SGD(**{name: value})


def test_unknown_arguments_and_names_get_the_nearest_known():
    with pytest.raises(
        TypeError, match=r"SGD.* has no argument 'clip_norm'. Did you mean 'clipnorm'"
    ):
        optimizers.SGD(clip_norm=1.0)
    with pytest.raises(TypeError, match=r"'beta1'. Did you mean 'beta_1'"):
        optimizers.Adam(beta1=0.5)
    with pytest.raises(TypeError, match=r"'lr'. It is 'learning_rate'."):
        optimizers.Adam(lr=0.1)
    with pytest.raises(ValueError, match=r"Unknown optimizer: 'rmspop'. Did you mean 'rmsprop'"):
        optimizers.get("rmspop")
    with pytest.raises(TypeError, match=r"make an object of it: Adam\(\)"):
        optimizers.get(optimizers.Adam)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optimizers.Adam(beta_1=1.0), "beta_1 must be at least 0 and below 1, got 1.0"),
        (lambda: optimizers.Adam(beta_2=-0.1), "beta_2 must be at least 0 and below 1"),
        (lambda: optimizers.Adam(epsilon=-1.0), "epsilon must be at least 0"),
        (lambda: optimizers.SGD(momentum=1.5), r"momentum must be in \[0, 1\], got 1.5"),
        (lambda: optimizers.RMSprop(rho=float("nan")), "rho must be"),
        (lambda: optimizers.SGD(weight_decay=-1.0), "weight_decay must be at least 0"),
        (lambda: optimizers.AdamW(weight_decay=None), "weight_decay must be a number, got None"),
    ],
)
def test_hyperparameters_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_learning_rate_can_be_set_and_read():
    optimizer = optimizers.SGD(0.5)
    optimizer.learning_rate = 0.25
    w = np.ones(1)
    optimizer.apply([np.ones(1)], [w])
    assert w[0] == 0.75
    assert optimizer.learning_rate == 0.25
    with pytest.raises(TypeError, match="learning_rate must be a number, got 'fast'"):
        optimizer.learning_rate = "fast"


def test_hyperparameters_can_change_between_steps():
    optimizer = optimizers.SGD(1.0)
    w = np.array([0.0])
    optimizer.apply([np.array([5.0])], [w])
    optimizer.clipvalue = 1.0
    optimizer.apply([np.array([5.0])], [w])
    assert w[0] == -6.0


def test_a_schedule_is_followed_from_step_zero():
    schedule = schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])
    optimizer = optimizers.SGD(schedule)
    w = np.zeros(1)
    path = []
    for _ in range(4):
        optimizer.apply([np.ones(1)], [w])
        path.append(-w[0])
    assert path == [1.0, 1.5, 1.75, 2.0]
    assert optimizer._rates(1, 3).tolist() == [0.5, 0.25, 0.25]
    with pytest.raises(
        TypeError, match="cannot be set to a number, because this optimizer follows"
    ):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.ExponentialDecay(8.0, 4, 0.5)
    assert optimizer.learning_rate == 4.0  # after four steps


def test_a_function_may_give_the_learning_rate():
    rates = iter([1.0, 0.5])
    optimizer = optimizers.SGD(lambda: next(rates))
    w = np.zeros(1)
    for _ in range(2):
        optimizer.apply([np.ones(1)], [w])
    assert w[0] == -1.5
    with pytest.raises(ValueError, match="no configuration"):
        optimizer.get_config()


def test_a_changed_number_of_slots_needs_a_new_optimizer():
    optimizer = optimizers.SGD(0.1)
    w = np.ones(2)
    optimizer.apply([np.ones(2)], [w])
    optimizer.momentum = 0.9
    with pytest.raises(ValueError, match=r"slots\[0\] must have 1 arrays, got 0"):
        optimizer.apply([np.ones(2)], [w])


def test_empty_variables_are_fine():
    w = np.ones((0, 3))
    optimizers.Adam().apply([np.ones((0, 3))], [w])
    assert w.shape == (0, 3)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_variables_and_their_slots_lie_apart_within_pages(dtype: str) -> None:
    variable = np.ones(7 * 714 + 3, dtype)[3:].reshape(7, 714)[:, :700]
    optimizer = optimizers.Adam(amsgrad=True)
    optimizer.build([variable])
    arrays = [variable, *optimizer.variables]
    assert len(arrays) == 4
    places = [array.__array_interface__["data"][0] for array in arrays]
    assert all(place % 64 == 0 for place in places[1:])
    for first, second in itertools.combinations(places, 2):
        assert 900 < (first - second) % 4096 < 4096 - 900
    for slot in arrays[1:]:
        np.testing.assert_array_equal(slot, np.zeros((7, 700), dtype), strict=True)


def test_moments_of_dead_weights_become_zero_not_subnormal() -> None:
    optimizer = optimizers.Adam(1e-3)
    w = np.ones(40, np.float32)
    optimizer.apply([np.full_like(w, 1e-3)], [w])
    for _ in range(1000):  # 0.9^1000 1e-4 is far below the smallest normal number
        optimizer.apply([np.zeros_like(w)], [w])
    assert (optimizer.variables[0] == 0).all()
    assert (optimizer.variables[1] > 0).all()


def test_arithmetic_of_the_caller_is_left_as_it_was() -> None:
    optimizer = optimizers.Adam(1e-3)
    optimizer.apply([np.ones(40, np.float32)], [np.ones(40, np.float32)])
    assert (np.full(3, 1e-40, np.float32) * np.float32(0.5) > 0).all()
