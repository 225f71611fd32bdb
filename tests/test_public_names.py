"""The names that the package promises, with their signatures."""

import inspect
from functools import reduce

import pytest

import picaflor as pf

# name -> the names of its arguments, with defaults where the promise has them; "..." leaves the
# rest open.
SIGNATURES = {
    "functional.dense_forward": "x, weight, bias=None, activation=None, out=None",
    "functional.dense_backward": "dy, x, weight, ...",
    "functional.softmax": "x, axis=-1, ...",
    "functional.log_softmax": "x, axis=-1, ...",
    "functional.softmax_backward": "dy, y, axis=-1, ...",
    "functional.log_softmax_backward": "dy, y, axis=-1, ...",
    "functional.softmax_cross_entropy": (
        "logits, targets, sample_weight=None, label_smoothing=0.0, reduction='mean'"
    ),
    "functional.sigmoid_cross_entropy": "logits, targets, ...",
    "functional.mean_squared_error": "pred, target, ...",
    "functional.mean_absolute_error": "pred, target, ...",
    "functional.huber": "pred, target, ...",
    "reference.loss_and_gradients": "model, x, y, sample_weight=None, ...",
    "Sequential.compile": "optimizer='rmsprop', loss=None, metrics=None, ...",
    "Sequential.evaluate": "x, y=None, batch_size=None, ...",
    "Sequential.predict": "x, batch_size=None, ...",
    "Sequential.train_on_batch": "x, y, sample_weight=None, ...",
    "Sequential.test_on_batch": "x, y, sample_weight=None, ...",
    "Sequential.predict_on_batch": "x",
    "Sequential.loss_and_gradients": "x, y, sample_weight=None, ...",
    "Sequential.save": "filepath, ...",
    "models.load_model": "filepath, ...",
    "layers.Dense": (
        "units, activation=None, use_bias=True, kernel_initializer='glorot_uniform', "
        "bias_initializer='zeros', kernel_regularizer=None, bias_regularizer=None, "
        "kernel_constraint=None, ..."
    ),
    "optimizers.SGD": "learning_rate=0.01, momentum=0.0, nesterov=False, ...",
    "optimizers.Adam": (
        "learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07, amsgrad=False, ..."
    ),
    "minimize": "fun, x0, grad=None, optimizer=None, tol=1e-08, max_iter=10000, ...",
    "numerical_gradient": "fun, x, ...",
    "gradcheck": "model, x, y, ...",
    "datasets.make_moons": "n_samples=100, ...",
    "datasets.make_spirals": "n_samples=..., ...",
    "datasets.mnist.load_data": "path=None, ...",
    "datasets.fashion_mnist.load_data": "path=None, ...",
    "set_num_threads": "n",
    "utils.set_random_seed": "seed",
    "utils.to_categorical": "x, ...",
}
ACTIVATIONS = (
    *("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus", "softsign", "silu"),
    *("gelu", "step"),
)
NAMES = [
    *("Input", "get_num_threads", "show_config", "datasets.load_digits", "layers.InputLayer"),
    *(f"functional.{name}" for name in ACTIVATIONS),
    *(f"reference.{name}" for name in ACTIVATIONS),
    *(f"functional.{name}_backward" for name in ACTIVATIONS),
    *(f"reference.{name}_backward" for name in ACTIVATIONS),
    *(
        f"Sequential.{name}"
        for name in (
            *("add", "pop", "layers", "build", "fit", "summary", "get_weights", "set_weights"),
            *("weights", "trainable_weights", "count_params", "get_config", "from_config"),
            *("save_weights", "load_weights", "__call__"),
        )
    ),
    *(
        f"layers.{name}"
        for name in (
            *("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "GaussianNoise"),
            *("BatchNormalization", "LayerNormalization", "Flatten", "Rescaling"),
            *("Normalization", "Input"),
        )
    ),
    *(
        f"optimizers.{name}"
        for name in (
            *("AdamW", "RMSprop", "Adagrad", "Adadelta", "Adamax", "Nadam", "Lion"),
            *("schedules.ExponentialDecay", "schedules.CosineDecay", "schedules.OneCycle"),
            *("schedules.PiecewiseConstantDecay", "schedules.PolynomialDecay"),
            *("schedules.InverseTimeDecay", "SGD.apply", "SGD.apply_gradients"),
        )
    ),
    *(
        f"plotting.{name}"
        for name in ("plot_history", "plot_decision_boundary", "plot_descent", "plot_network")
    ),
    *("activations.get", "initializers.get", "regularizers.get", "constraints.get"),
    *("losses.get", "metrics.get", "callbacks.Callback", "callbacks.EarlyStopping"),
]


def found(name):
    return reduce(getattr, name.split("."), pf)


@pytest.mark.parametrize("name", NAMES)
def test_promised_name_exists(name):
    value = found(name)
    assert callable(value) or isinstance(value, property)


@pytest.mark.parametrize("name", SIGNATURES)
def test_promised_signature(name):
    actual = [
        parameter.name
        if parameter.default is parameter.empty
        else f"{parameter.name}={parameter.default!r}"
        for parameter in inspect.signature(found(name)).parameters.values()
        if parameter.name != "self"
    ]
    promised = SIGNATURES[name].split(", ")
    if promised[-1] == "...":
        promised.pop()
        actual = actual[: len(promised)]
    assert len(actual) == len(promised)
    for here, there in zip(actual, promised, strict=True):
        if there.endswith("=..."):
            here, there = here.split("=")[0], there.split("=")[0]
        assert here == there


def test_signature_of_fit_is_keras_s():
    parameters = inspect.signature(pf.Sequential.fit).parameters
    defaults = {
        name: p.default
        for name, p in parameters.items()
        if p.default is not inspect.Parameter.empty
    }
    promised = {
        "epochs": 1,
        "verbose": "auto",
        "callbacks": None,
        "validation_split": 0.0,
        "validation_data": None,
        "shuffle": True,
        "class_weight": None,
        "sample_weight": None,
        "initial_epoch": 0,
        "steps_per_epoch": None,
    }
    assert list(parameters)[1:6] == ["x", "y", "batch_size", "epochs", "verbose"]
    assert promised.items() <= defaults.items()


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "Lion", "Nadam"])
def test_every_optimizer_takes_decay_and_clipping(name):
    parameters = inspect.signature(getattr(pf.optimizers, name)).parameters
    assert {"weight_decay", "clipnorm", "clipvalue", "global_clipnorm"} <= set(parameters)


def test_dtype_and_seed_of_a_model():
    parameters = inspect.signature(pf.Sequential).parameters
    assert parameters["dtype"].default == "float32"
    assert parameters["seed"].default is None


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_forward_of_every_activation_takes_out(name):
    forward = found(f"functional.{name}")
    assert inspect.signature(forward).parameters["out"].default is None
