"""The gradient of a two-layer network, found in three ways that agree.

    h = sigmoid(x W1 + b1),    y = sigmoid(h W2 + b2)

1. By hand: the chain rule written out in NumPy, for the squared error and for the cross-entropy.
2. Numerically: (L(w + e) - L(w - e)) / 2e for every weight, which knows no calculus at all.
3. By backpropagation: what picaflor computes when it trains.

    python examples/backpropagation.py
"""

import numpy as np

import picaflor as pf

rng = np.random.default_rng(0)
x = rng.normal(size=(6, 2))
t = (x[:, :1] * x[:, 1:] > 0).astype(np.float64)  # are the signs equal? No line separates that.
n = len(x)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward(weights):
    w1, b1, w2, b2 = weights
    h = sigmoid(x @ w1 + b1)
    return h, sigmoid(h @ w2 + b2)


def squared_error(weights):
    _, y = forward(weights)
    return np.mean((y - t) ** 2)


def cross_entropy(weights):
    _, y = forward(weights)
    return -np.mean(t * np.log(y) + (1 - t) * np.log(1 - y))


def gradient_by_hand(weights, loss):
    """Follow the chain rule from the loss back to the first layer; sigmoid' = y (1 - y)."""
    _, _, w2, _ = weights
    h, y = forward(weights)
    dz2 = (y - t) / n  # cross-entropy: its derivative cancels the sigmoid's
    if loss is squared_error:
        dz2 = 2 * (y - t) / n * y * (1 - y)
    dz1 = dz2 @ w2.T * h * (1 - h)
    return [x.T @ dz1, dz1.sum(axis=0), h.T @ dz2, dz2.sum(axis=0)]


def gradient_numerically(weights, loss):
    """Every weight in turn, the others held."""
    gradient = []
    for k in range(len(weights)):

        def along(w, k=k):
            return loss([*weights[:k], w, *weights[k + 1 :]])

        gradient.append(pf.numerical_gradient(along, weights[k]))
    return gradient


for loss, name in (
    (squared_error, "mean_squared_error"),
    (cross_entropy, "binary_crossentropy"),
):
    model = pf.Sequential(
        [
            pf.Input((2,)),
            pf.layers.Dense(3, activation="sigmoid"),
            pf.layers.Dense(1, activation="sigmoid"),
        ],
        dtype="float64",
        seed=1,
    )
    model.compile(optimizer="sgd", loss=name)
    weights = model.get_weights()

    value, backpropagation = model.loss_and_gradients(x, t)
    by_hand = gradient_by_hand(weights, loss)
    numerical = gradient_numerically(weights, loss)

    print(f"{name}: {value:.6f} here, {loss(weights):.6f} by hand")
    print("              by hand    numerical   backpropagation")
    for label, a, b, c in zip(
        ("dL/dW1[0,0]", "dL/db1[0]", "dL/dW2[0,0]", "dL/db2[0]"),
        by_hand,
        numerical,
        backpropagation,
        strict=True,
    ):
        print(f"{label:<11} {a.flat[0]:>10.6f}   {b.flat[0]:>10.6f}   {c.flat[0]:>15.6f}")
    for other, what in ((by_hand, "by hand"), (numerical, "numerical")):
        worst = max(np.abs(a - b).max() for a, b in zip(other, backpropagation, strict=True))
        print(f"largest difference to {what}: {worst:.1e}")
    print(f"\n{pf.gradcheck(model, x, t)}\n")
