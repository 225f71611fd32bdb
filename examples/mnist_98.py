"""MNIST to 98 % test accuracy, against the clock: imports, reading, three epochs, evaluation.

A high learning rate that falls to zero is what makes three epochs enough. MNIST's files are looked
for on disk and downloaded once if need be.

    python examples/mnist_98.py
"""

import time

start = time.perf_counter()

import picaflor as pf  # noqa: E402 - importing counts

(x_train, y_train), (x_test, y_test) = pf.datasets.mnist.load_data()
read = time.perf_counter()

EPOCHS, BATCH_SIZE = 3, 128
steps = EPOCHS * -(-len(x_train) // BATCH_SIZE)
model = pf.Sequential(
    [
        pf.Input(x_train.shape[1:]),
        pf.layers.Flatten(),
        pf.layers.Rescaling(1 / 255),
        pf.layers.Dense(256, activation="relu"),
        pf.layers.Dense(10, activation="softmax"),
    ],
    seed=0,
)
falling = pf.optimizers.schedules.PolynomialDecay(8e-3, steps, 0.0)
model.compile(pf.optimizers.Adam(falling), "sparse_categorical_crossentropy", ["accuracy"])
model.fit(x_train, y_train, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
trained = time.perf_counter()

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
seconds = time.perf_counter() - start
print(
    f"test accuracy {100 * accuracy:.2f} % after {seconds:.2f} s on {pf.get_num_threads()} threads"
)
print(f"  importing and reading {read - start:.2f} s, training {trained - read:.2f} s")
