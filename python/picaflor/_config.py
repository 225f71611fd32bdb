"""What this build of picaflor is, and how many threads it uses."""

import operator
from collections.abc import Iterator
from contextlib import contextmanager
from typing import SupportsIndex

from picaflor import _core


def _thread_count(n: SupportsIndex) -> int:
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an int, got {type(n).__name__}")
    return operator.index(n)


def set_num_threads(n: int) -> None:
    """Set the number of threads that picaflor uses in this process.

    Results do not depend on it: the same seed gives the same bits for any number of threads, and
    work too small to share stays on the calling thread.

    Parameters
    ----------
    n : int
        At least 1, at most 256. At import it is ``PICAFLOR_NUM_THREADS``, else ``OMP_NUM_THREADS``,
        else the number of CPUs that this process may use (affinity and control-group quota).

    Raises
    ------
    TypeError
        If `n` is no integer.
    ValueError
        If `n` is out of range.

    See Also
    --------
    use_threads : The same for one block of code.

    Examples
    --------
    >>> import picaflor as pf
    >>> before = pf.get_num_threads()
    >>> pf.set_num_threads(2)
    >>> pf.get_num_threads()
    2
    >>> pf.set_num_threads(before)
    """
    _core.set_num_threads(_thread_count(n))


def get_num_threads() -> int:
    """Return the number of threads that picaflor uses when called from here.

    Returns
    -------
    int
        The number set by `use_threads` for the calling thread, else by `set_num_threads`.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.get_num_threads() >= 1
    True
    """
    return _core.get_num_threads()


@contextmanager
def use_threads(n: int) -> Iterator[None]:
    """Use `n` threads inside a ``with`` block, on the calling Python thread only.

    Parameters
    ----------
    n : int
        At least 1, at most 256; may be more than `set_num_threads` says.

    Raises
    ------
    TypeError
        If `n` is no integer.
    ValueError
        If `n` is out of range.

    Examples
    --------
    >>> import picaflor as pf
    >>> with pf.use_threads(1):
    ...     pf.get_num_threads()
    1
    """
    count = _thread_count(n)
    if count == 0:
        raise ValueError("n must be a number of threads from 1 to 256, got 0")
    before = _core.swap_caller_threads(count)
    try:
        yield
    finally:
        _core.swap_caller_threads(before)


def show_config() -> None:
    """Print version, instruction set, threads and build.

    The instruction-set level is chosen at import by what the CPU reports. The environment variable
    ``PICAFLOR_ISA`` forces one of those listed; one that is unknown or cannot run here makes the
    import fail with an ImportError that says so.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.show_config()  # doctest: +ELLIPSIS
    picaflor ...
      instruction set: ...
      runnable here:   ...
      threads:         ...
      compiler:        ...
      Eigen:           ...
      pybind11:        ...
      Python:          ...
    """
    import platform  # takes longer than all other imports of this module

    build = _core.build_info()
    cpus = _core.available_cpus()
    rows = {
        "instruction set": _core.isa_level(),
        "runnable here": ", ".join(_core.isa_levels()),
        "threads": f"{_core.get_num_threads()} ({cpus} CPU{'s' if cpus > 1 else ''} available)",
        "compiler": build["compiler"].strip(),
        "Eigen": build["eigen"],
        "pybind11": build["pybind11"],
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    print(f"picaflor {build['version']}")
    for name, value in rows.items():
        print(f"  {name + ':':<17}{value}")
