"""Who may use whom: reads imports and #includes and fails on the first that goes the wrong way."""

import ast
import pathlib
import re
import sys
from collections.abc import Iterator

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "python" / "picaflor"
CPP = ROOT / "cpp"

# ------------------------------------------------------------------------------------------- Python

# A module may import those of its own row and of the rows above it.
ROWS = [
    ("_core", "_checks"),
    ("_resolve", "reference"),
    (
        "_config",
        "_objects",
        "activations",
        "constraints",
        "functional",
        "initializers",
        "regularizers",
    ),
    ("layers", "losses", "metrics", "optimizers"),
    ("_gradcheck", "_minimize", "gradcheck"),
    ("callbacks", "datasets", "models", "saving", "utils"),
    ("__init__",),
    ("__main__", "cli", "plotting", "sklearn"),
]
RANK = {name: rank for rank, row in enumerate(ROWS) for name in row}
TOP = ROWS[-1]

# Optional dependencies, and the modules that may import them (inside a function).
OPTIONAL = {
    "matplotlib": {"plotting"},
    "pandas": set(),
    "safetensors": {"saving"},
    "scipy": {"sklearn"},
    "sklearn": {"sklearn"},
    "tqdm": {"callbacks"},
}


def python_files() -> list[pathlib.Path]:
    return sorted(PACKAGE.rglob("*.py"))


def part_of(path: pathlib.Path) -> str:
    """The module directly below picaflor that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def rank_of(module: str) -> int | None:
    """The row of a module; `_functional_dense` is a part of `functional`."""
    whole = re.sub(r"^_([a-z]+)_\w+$", r"\1", module)
    return RANK.get(module, RANK.get(whole))


def imports(path: pathlib.Path) -> Iterator[tuple[str, int]]:
    """(dotted name, line) of every import in a file that runs, not of those for type checkers."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    package = ["picaflor", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "picaflor":
                yield from ((f"picaflor.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield module, node.lineno


def own(name: str) -> str | None:
    """The part of picaflor that a dotted name is in: "" for the package itself, None for others."""
    first, _, rest = name.partition(".")
    return rest.partition(".")[0] if first == "picaflor" else None


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_python_imports_go_one_way(path: pathlib.Path) -> None:
    me = part_of(path)
    where = path.relative_to(ROOT)
    rank = rank_of(me)
    assert rank is not None, f"{where}: give picaflor.{me} a row in ROWS"
    for name, line in imports(path):
        part = own(name)
        top_level = name.partition(".")[0]
        if part is None:
            allowed = top_level in sys.stdlib_module_names or top_level == "numpy"
            allowed = allowed or me in OPTIONAL.get(top_level, ())
            assert allowed, f"{where}:{line} imports {name}"
        elif me in TOP:
            assert not part.startswith("_") or part == me, (
                f"{where}:{line} imports the private {name}"
            )
        elif part:
            theirs = rank_of(part)
            if theirs is None:  # a name that is no module comes from the package itself
                theirs = RANK["__init__"]
            assert theirs <= rank, f"{where}:{line} imports {name}"
        else:
            raise AssertionError(f"{where}:{line} imports the whole package")


def test_reference_is_independent_of_the_compiled_module() -> None:
    files = [p for p in python_files() if part_of(p) == "reference"]
    for path in files:
        for name, line in imports(path):
            part = own(name)
            assert part in (None, "reference", "_checks"), f"{path.name}:{line} imports {name}"


def test_public_modules_load_optional_dependencies_lazily() -> None:
    for path in python_files():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = (
                    [node.module or ""]
                    if isinstance(node, ast.ImportFrom)
                    else [a.name for a in node.names]
                )
                found = {n.partition(".")[0] for n in names} & set(OPTIONAL)
                assert not found or part_of(path) == "sklearn", (
                    f"{path.name}:{node.lineno} imports {found}"
                )


# ---------------------------------------------------------------------------------------------- C++

# Kernel sources are compiled once per level: what they include must leave no code behind.
KERNEL_HEADERS = {
    "<arm_neon.h>",
    "<bit>",
    "<cassert>",
    "<cfloat>",
    "<cmath>",
    "<concepts>",
    "<cstddef>",
    "<cstdint>",
    "<cstring>",
    "<Eigen/Core>",
    "<immintrin.h>",
    "<limits>",
    "<numbers>",
    "<type_traits>",
    "<utility>",
}


def cpp_files() -> list[pathlib.Path]:
    return sorted(p for p in CPP.rglob("*") if p.suffix in (".hpp", ".cpp"))


def includes(path: pathlib.Path) -> list[str]:
    return re.findall(r'^\s*#\s*include\s+(<[^>]+>|"[^"]+")', path.read_text(), re.M)


def forbidden(path: pathlib.Path, include: str) -> bool:
    where = path.relative_to(CPP).as_posix()
    name = include.strip('"<>')
    python = name.startswith(("pybind11", "Python"))
    in_kernels = name.startswith("picaflor/kernels/") or name == "picaflor/types.hpp"
    if where.startswith("include/picaflor/kernels/") or where == "include/picaflor/types.hpp":
        return not (in_kernels or include in KERNEL_HEADERS)
    if where.startswith("src/kernels/"):
        return not in_kernels
    # From here on code is compiled for the baseline: of the kernels it sees the table only.
    if in_kernels and name != "picaflor/kernels/table.hpp":
        return True
    if where.startswith(("include/picaflor/runtime/", "src/runtime/")):
        return python or name.startswith(("picaflor/network/", "Eigen"))
    if where.startswith("include/picaflor/network/"):
        return python or name.startswith("Eigen")
    return name.startswith("Eigen")


@pytest.mark.parametrize("path", cpp_files(), ids=lambda p: str(p.relative_to(CPP)))
def test_cpp_includes_go_one_way(path: pathlib.Path) -> None:
    for include in includes(path):
        assert not forbidden(path, include), f"{path.relative_to(ROOT)} includes {include}"


def test_kernels_hold_no_containers_exceptions_or_threads() -> None:
    words = re.compile(
        r"std::(vector|string|map|array|function|sort|thread|mutex|atomic|unique_ptr|mt19937)\b|"
        r"\b(throw|try|new|delete|malloc|thread_local)\b(?!\w)|^\s*static\s+(?!inline|constexpr|_?assert)\w+.*=",
        re.M,
    )
    for path in sorted((CPP / "include/picaflor/kernels").glob("*.hpp")):
        code = re.sub(r"//.*", "", re.sub(r"(?s)/\*.*?\*/", "", path.read_text()))
        match = words.search(code)
        assert match is None, f"{path.name}: {match}"


# --------------------------------------------------------------------------------------------- both


def test_files_stay_readable() -> None:
    # Past 600 lines a file is two files.
    folders = [CPP, PACKAGE, ROOT / "tests", ROOT / "bench", ROOT / "examples"]
    files = [
        p for f in folders for p in f.rglob("*") if p.suffix in (".py", ".pyi", ".hpp", ".cpp")
    ]
    long = {str(p.relative_to(ROOT)): n for p in files if (n := p.read_text().count("\n")) > 600}
    assert not long
