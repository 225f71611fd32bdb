"""From what a user may give for an object (name, config, class, instance) to the object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from picaflor._checks import unknown_name

__all__ = ["name_table", "resolve", "serialize"]


def name_table(
    classes: Iterable[type], aliases: Mapping[str, type] | None = None
) -> dict[str, type]:
    """Return every name of the classes: their own, in snake case, and the aliases.

    Examples
    --------
    >>> class HeNormal: ...
    >>> sorted(name_table([HeNormal]))
    ['HeNormal', 'he_normal']
    """
    table: dict[str, type] = {}
    for cls in classes:
        table[cls.__name__] = cls
        table[re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()] = cls
    return {**table, **(aliases or {})}


def resolve(what: str, identifier: Any, table: Mapping[str, type]) -> Any:
    """Return the object that a name, a config or a class stands for; other objects as they are.

    Parameters
    ----------
    what : str
        What it is, for messages: "initializer".
    identifier : str, dict, type or object
        A name in `table`; ``{"class_name": name, "config": arguments}``, as `serialize` returns it;
        a class, which is called without arguments; or a ready object, which is returned.
    table : mapping of str to type

    Raises
    ------
    ValueError
        If the name is not known; the message gives the nearest known one.
    """
    if isinstance(identifier, str):
        if identifier not in table:
            raise unknown_name(what, identifier, table)
        return table[identifier]()
    if isinstance(identifier, Mapping):
        if "class_name" not in identifier:
            raise ValueError(
                f"the config of a {what} needs 'class_name' and 'config', got {dict(identifier)!r}"
            )
        name = identifier["class_name"]
        if name not in table:
            raise unknown_name(what, name, table)
        cls: Any = table[name]
        return cls.from_config(dict(identifier.get("config") or {}))
    if isinstance(identifier, type):
        return identifier()
    return identifier


def serialize(what: str, value: Any) -> dict[str, Any] | None:
    """Return ``{"class_name": ..., "config": ...}`` for an object, None for None.

    Raises
    ------
    TypeError
        If the object has no ``get_config()``.
    """
    if value is None:
        return None
    if not hasattr(value, "get_config"):
        raise TypeError(f"a {what} needs a get_config() to be serialized, got {value!r}")
    return {"class_name": type(value).__name__, "config": value.get_config()}
