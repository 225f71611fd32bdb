"""What the command line understands. Imports nothing heavy, so that ``--help`` is quick."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from typing import Any, NoReturn

import picaflor as pf

ACTIVATIONS = (
    "relu",
    "tanh",
    "sigmoid",
    "gelu",
    "silu",
    "elu",
    "selu",
    "leaky_relu",
    "softplus",
    "softsign",
    "linear",
)
OPTIMIZERS = ("sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "lion")

TRAIN_EXAMPLES = """\
examples:
  picaflor train digits --epochs 20
  picaflor train mnist --hidden 256,128 --epochs 5 --save mnist.safetensors
  picaflor train houses.csv --target price --drop id,address --save houses.safetensors
  picaflor train iris.csv --target species --epochs 100 --early-stopping 10

CSV files have a header; fields are separated by commas, semicolons or tabs. Columns of numbers are
standardised inside the model, columns of text become one input for each of their values. An empty
field, NA, N/A, NaN, null or ? is a missing value: see --missing. A target of text, or of at most 20
different whole numbers, means classification; any other regression; --task decides otherwise.
What prediction has to know (columns, categories, class names) is saved with the model.
"""
PREDICT_EXAMPLES = """\
examples:
  picaflor predict mnist.safetensors mnist --proba | head
  picaflor predict houses.safetensors new_houses.csv --output prices.csv

The result is a CSV file with a column named prediction. If DATA has the target too, the score goes
to the standard error.
"""
BENCH_EXAMPLES = """\
examples:
  picaflor bench
  picaflor bench --only training --threads 1
  picaflor bench --json > bench.json

Both sides get the same float32 data, and their results are compared before their times. NumPy's
matrix products use as many threads as its BLAS does: OMP_NUM_THREADS=1 sets one for both sides.
"""


class Parser(argparse.ArgumentParser):
    """A parser whose errors take one line: the usage is there for those who ask."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(2, f"{self.prog}: error: {message} (`{self.prog} --help` says more)\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser; its results carry ``run``, the function of the chosen command."""
    parser = Parser(
        prog="picaflor",
        description="Fast, small, dense neural networks on the CPU.",
        epilog="`picaflor COMMAND --help` says more. Exit codes: 0 success, 1 a problem at run "
        "time, 2 wrong usage, 130 interrupted.",
    )
    parser.add_argument("--version", action="version", version=f"picaflor {pf.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_train(commands)
    _add_predict(commands)
    _add_bench(commands)
    _add(commands, "info", "show version, instruction set, threads and build")
    return parser


def _add_demo(commands: Any) -> None:
    demo = _add(
        commands,
        "demo",
        "train on handwritten digits in a second, and race NumPy",
        "Trains a network on the digits that come with the package (no network access), prints its "
        "accuracy on digits it has not seen, and the same training in NumPy for comparison.",
    )
    demo.add_argument("--seed", type=_natural, default=0, help="random seed (default: 0)")
    demo.add_argument("--threads", type=_positive, help="threads of picaflor")


def _add_train(commands: Any) -> None:
    train = _add(
        commands,
        "train",
        "train a network on digits, mnist, fashion-mnist or a CSV file",
        epilog=TRAIN_EXAMPLES,
    )
    train.add_argument(
        "data", metavar="DATA", help="digits, mnist, fashion-mnist, or the path of a CSV file"
    )
    table = train.add_argument_group("CSV files")
    table.add_argument("--target", metavar="NAME", help="column to predict (required for a CSV)")
    table.add_argument(
        "--task", choices=("classification", "regression"), help="default: told from the target"
    )
    table.add_argument("--drop", type=_names, default=(), metavar="A,B", help="columns to ignore")
    table.add_argument(
        "--missing",
        choices=("error", "drop"),
        default="error",
        help="refuse missing values, or drop their rows (default: error)",
    )
    network = train.add_argument_group("network")
    network.add_argument(
        "--hidden",
        type=_units,
        default=(128, 64),
        metavar="N,N,...",
        help="units of the hidden layers; 0 for none (default: 128,64)",
    )
    network.add_argument("--activation", choices=ACTIVATIONS, default="relu", metavar="NAME",
                         help=f"{', '.join(ACTIVATIONS)} (default: relu)")  # fmt: skip
    network.add_argument(
        "--dropout", type=_rate, default=0.0, metavar="RATE", help="after each hidden layer"
    )
    network.add_argument(
        "--l2", type=_not_negative, default=0.0, metavar="X", help="penalty X * sum of w^2"
    )
    network.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    training = train.add_argument_group("training")
    training.add_argument("--epochs", type=_positive, default=10, metavar="N", help="default: 10")
    training.add_argument(
        "--batch-size", type=_positive, default=32, metavar="N", help="default: 32"
    )
    training.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", metavar="NAME",
                          help=f"{', '.join(OPTIMIZERS)} (default: adam)")  # fmt: skip
    training.add_argument(
        "--learning-rate", type=_above_zero, metavar="X", help="default: the optimizer's own"
    )
    training.add_argument(
        "--validation-split",
        type=_share,
        default=0.1,
        metavar="SHARE",
        help="share of the training rows, drawn at random, to validate on (default: 0.1)",
    )
    training.add_argument(
        "--early-stopping",
        type=_positive,
        nargs="?",
        const=5,
        metavar="PATIENCE",
        help="stop when the validation loss has not improved for PATIENCE epochs (5 if no number "
        "is given), and go back to the best weights",
    )
    training.add_argument("--seed", type=_natural, default=0, metavar="N", help="default: 0")
    training.add_argument("--threads", type=_positive, metavar="N", help="default: see `info`")
    output = train.add_argument_group("output")
    output.add_argument("--save", metavar="PATH", help="write the trained model to this file")
    loudness = output.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="store_true", help="print the result only")
    loudness.add_argument(
        "-v", "--verbose", action="store_true", help="print the layers and a line for each epoch"
    )


def _add_predict(commands: Any) -> None:
    predict = _add(commands, "predict", "apply a saved model to new data", epilog=PREDICT_EXAMPLES)
    predict.add_argument("model", metavar="MODEL", help="file written by `train --save`")
    predict.add_argument(
        "data",
        metavar="DATA",
        help="a CSV file with the columns of the training, - for the standard input, or digits, "
        "mnist, fashion-mnist for their test images",
    )
    predict.add_argument("-o", "--output", metavar="F", help="write to this file")
    predict.add_argument(
        "--proba", action="store_true", help="add a column with the probability of each class"
    )
    predict.add_argument("--threads", type=_positive, metavar="N")


def _add_bench(commands: Any) -> None:
    bench = _add(
        commands, "bench", "time kernels and training against NumPy", epilog=BENCH_EXAMPLES
    )
    bench.add_argument("--only", choices=("kernels", "training"), help="one of the two tables")
    bench.add_argument("--quick", action="store_true", help="a rough answer in a few seconds")
    bench.add_argument("--threads", type=_positive, metavar="N", help="threads of picaflor")
    bench.add_argument("--json", action="store_true", help="machine-readable result")


def _add(
    commands: Any,
    name: str,
    summary: str,
    description: str | None = None,
    epilog: str | None = None,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description or f"{summary[0].upper()}{summary[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter if epilog else argparse.HelpFormatter,
    )
    parser.set_defaults(run=_command(name), usage=parser.error)
    return parser


def _command(name: str) -> Callable[[argparse.Namespace], None]:
    def run(arguments: argparse.Namespace) -> None:
        module = importlib.import_module(f"picaflor.cli.{name}")
        module.run(arguments)

    return run


# ------------------------------------------------------------------------- values of the options


def _number(kind: type, holds: Callable[[Any], bool], expected: str) -> Callable[[str], Any]:
    def convert(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not holds(value):
            raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
        return value

    return convert


_positive = _number(int, lambda n: n >= 1, "a whole number of at least 1")
_natural = _number(int, lambda n: 0 <= n < 2**32, "a whole number from 0 to 4294967295")
_above_zero = _number(float, lambda x: 0 < x < float("inf"), "a number above 0")
_not_negative = _number(float, lambda x: 0 <= x < float("inf"), "a number of at least 0")
_rate = _number(float, lambda x: 0 <= x < 1, "a number from 0 to below 1")
_share = _number(float, lambda x: 0 <= x < 1, "a number from 0 to below 1")


def _units(text: str) -> tuple[int, ...]:
    try:
        units = tuple(int(part) for part in text.split(","))
    except ValueError:
        units = (-1,)
    if units == (0,):
        return ()
    if min(units) < 1:
        raise argparse.ArgumentTypeError(
            f"expected whole numbers such as 256,128, or 0 for no hidden layer, got {text!r}"
        )
    return units


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
