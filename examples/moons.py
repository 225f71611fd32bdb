"""Two moons that no line separates, and a network of five hidden units that does.

python examples/moons.py            trains and prints
python examples/moons.py moons.png  draws the two regions, the loss and the network too
"""

import sys
import time

import picaflor as pf

x, y = pf.datasets.make_moons(200, noise=0.1, random_state=0)

model = pf.Sequential(
    [
        pf.Input((2,)),
        pf.layers.Dense(5, activation="sigmoid"),
        pf.layers.Dense(2, activation="softmax"),
    ],
    seed=0,
)
# A rate of 0.01 on the sum of the losses of all 200 points is a rate of 2 on their mean.
model.compile(
    optimizer=pf.optimizers.SGD(0.01 * len(x)),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.summary()

start = time.perf_counter()
history = model.fit(x, y, batch_size=len(x), epochs=20_000, shuffle=False, verbose=0)
seconds = time.perf_counter() - start

loss, accuracy = model.evaluate(x, y, verbose=0)
print(f"\n20 000 steps in {seconds:.2f} s: cross-entropy {loss:.5f}, accuracy {accuracy:.3f}")

if len(sys.argv) > 1:
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4), layout="constrained")
    pf.plotting.plot_decision_boundary(model, x, y, left)
    pf.plotting.plot_history(history, ax=middle).set(xscale="log", yscale="log")
    pf.plotting.plot_network(model, right)
    figure.savefig(sys.argv[1], dpi=150)
    print(f"the picture is in {sys.argv[1]}")
