"""What this build of picaflor is and what it uses on this machine."""

import platform

from picaflor import _core


def show_config() -> None:
    """Print the version, the instruction set, the threads and the build.

    The instruction-set level is chosen at import by what the CPU reports; the environment variable
    ``PICAFLOR_ISA`` forces one of the levels printed here.

    Examples
    --------
    >>> import picaflor as pf
    >>> pf.show_config()  # doctest: +ELLIPSIS
    picaflor ...
    """
    build = _core.build_info()
    rows = {
        "instruction set": _core.isa_level(),
        "runnable here": ", ".join(_core.isa_levels()),
        "compiler": build["compiler"],
        "Eigen": build["eigen"],
        "pybind11": build["pybind11"],
        "Python": f"{platform.python_version()} on {platform.system()} {platform.machine()}",
    }
    print(f"picaflor {build['version']}")
    for name, value in rows.items():
        print(f"  {name + ':':<17}{value}")
