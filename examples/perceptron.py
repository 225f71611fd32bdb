"""A perceptron: a single unit that says 0 or 1, and how it can learn.

The unit computes step(x @ w + b). Its derivative is zero wherever there is one, so no gradient
tells it how to get better, and picaflor's gradient check says so. Rosenblatt's rule of 1958 needs
no derivative: after a wrong answer, move the weights towards (or away from) the sample.

    python examples/perceptron.py
"""

import numpy as np

import picaflor as pf

x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
gates = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0], "XOR": [0, 1, 1, 0]}


def learn(targets, rate=0.5, epochs=20):
    """Rosenblatt's rule, one sample at a time. Return weights, bias, and the epochs it took."""
    w, b = np.zeros(2), 0.0
    for epoch in range(1, epochs + 1):
        mistakes = 0
        for sample, target in zip(x, targets, strict=True):
            error = target - pf.functional.step(sample @ w + b)
            w += rate * error * sample
            b += rate * error
            mistakes += error != 0
        if mistakes == 0:
            return w, b, epoch
    return w, b, None


for gate, targets in gates.items():
    w, b, epochs = learn(targets)
    says = pf.functional.step(x @ w + b).astype(int).tolist()
    verdict = f"learnt in {epochs} epochs" if epochs else "not learnt: no line separates it"
    print(f"{gate:<4} wants {targets}, gets {says}: {verdict}")

# The same unit as a model: its weights can be set, and it predicts ...
model = pf.Sequential([pf.Input((2,)), pf.layers.Dense(1, activation="step")], dtype="float64")
w, b, _ = learn(gates["AND"])
model.set_weights([w[:, None], np.array([b])])
model.compile(optimizer="sgd", loss="mean_squared_error")
print("\nas a model, AND of the four inputs:", model.predict(x, verbose=0)[:, 0].astype(int))

# ... but there is nothing for gradient descent to follow.
_, gradients = model.loss_and_gradients(x, np.array(gates["OR"], dtype=np.float64))
print("gradient of the loss by its weights:", gradients[0][:, 0], "and bias:", gradients[1])
report = pf.gradcheck(model, x + 0.1, np.array(gates["OR"], dtype=np.float64))
print(str(report).splitlines()[-1])
