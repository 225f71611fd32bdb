"""Handwritten digits, learnt in minibatches.

Without arguments: the 1797 small digits that come with picaflor, in a second and offline. With
`mnist` or `fashion-mnist`: the 60 000 images of 28 x 28 pixels (downloaded once if need be).

    python examples/digits.py
    python examples/digits.py mnist
"""

import sys

import numpy as np

import picaflor as pf

which = sys.argv[1] if len(sys.argv) > 1 else "digits"
if which == "digits":
    x, y = pf.datasets.load_digits()
    order = np.random.default_rng(0).permutation(len(x))
    train, test = order[:1437], order[1437:]
    x_train, y_train, x_test, y_test = x[train], y[train], x[test], y[test]
    brightest, hidden, epochs = 16, 64, 30
else:
    module = {"mnist": pf.datasets.mnist, "fashion-mnist": pf.datasets.fashion_mnist}[which]
    (x_train, y_train), (x_test, y_test) = module.load_data()
    brightest, hidden, epochs = 255, 128, 4

# The model takes the pixels as they are: it flattens and scales them itself, batch by batch.
model = pf.Sequential(
    [
        pf.Input(x_train.shape[1:]),
        pf.layers.Flatten(),
        pf.layers.Rescaling(1 / brightest),
        pf.layers.Dense(hidden, activation="relu"),
        pf.layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(x_train, y_train, batch_size=32, epochs=epochs, validation_split=0.1, verbose=2)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"\ntest loss {loss:.4f}, test accuracy {100 * accuracy:.2f} %")

probabilities = model.predict(x_test, verbose=0)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != y_test)
print(f"{len(wrong)} of {len(x_test)} wrong; the surest mistakes:")
for i in wrong[np.argsort(-probabilities[wrong].max(axis=1))][:5]:
    guess = probabilities[i].argmax()
    print(f"  image {i}: a {y_test[i]} read as {guess} ({100 * probabilities[i, guess]:.0f} %)")
