"""Reading the fields of a document, each with its path in the error. null is as good as absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wfstore.errors import InvalidDocument

Reader = Callable[[dict[str, Any], str, str], Any]
"""Takes the holder of a field, its key and its path; raises InvalidDocument."""

_INT4 = range(0, 2**31)


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of a projection: array name, key in the document, how to read it."""

    columns: tuple[tuple[str, str, Reader], ...]

    def empty(self) -> dict[str, list[Any]]:
        """Return the arrays without a row."""
        return {array: [] for array in (*(column[0] for column in self.columns), "ordinals")}

    def read(self, value: Any, path: str) -> dict[str, Any]:
        """Return the values of a row by array name."""
        if not isinstance(value, dict):
            raise InvalidDocument(f"{path}: is {kind(value)}, not an object")
        return {array: reader(value, key, f"{path}.{key}") for array, key, reader in self.columns}

    @staticmethod
    def append(arrays: dict[str, list[Any]], row: dict[str, Any]) -> None:
        """Append a row."""
        for array, value in row.items():
            arrays[array].append(value)


def kind(value: Any) -> str:
    """Say what a JSON value is."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def text(holder: dict[str, Any], key: str, path: str) -> str:
    """Read a string, by default the empty one."""
    value = holder.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidDocument(f"{path}: is {kind(value)}, not a string")
    return value


def required_text(holder: dict[str, Any], key: str, path: str) -> str:
    """Read a string that must be there and not be empty."""
    if key not in holder:
        raise InvalidDocument(f"{path}: is missing")
    if holder[key] is None:
        raise InvalidDocument(f"{path}: is null, not a string")
    value = text(holder, key, path)
    if not value:
        raise InvalidDocument(f"{path}: is empty")
    return value


def label(holder: dict[str, Any], key: str, path: str) -> str:
    """Read a string, or a number that serves as one, as versions do."""
    value = holder.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return text(holder, key, path)


def items(holder: dict[str, Any], key: str, path: str) -> list[Any]:
    """Read a list, by default the empty one."""
    value = holder.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidDocument(f"{path}: is {kind(value)}, not a list")
    return value


def texts(holder: dict[str, Any], key: str, path: str) -> list[str]:
    """Read a list of strings."""
    values = items(holder, key, path)
    for index, value in enumerate(values):
        if not isinstance(value, str):
            raise InvalidDocument(f"{path}[{index}]: is {kind(value)}, not a string")
    return values


def mapping(holder: dict[str, Any], key: str, path: str) -> dict[str, Any]:
    """Read an object, by default the empty one."""
    value = holder.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidDocument(f"{path}: is {kind(value)}, not an object")
    return value


def number(holder: dict[str, Any], key: str, path: str) -> float:
    """Read a number, by default 0."""
    return float(_number(holder, key, path, 0))


def type_version(holder: dict[str, Any], key: str, path: str) -> Decimal:
    """Read a number as it is written, by default 1."""
    return Decimal(repr(_number(holder, key, path, 1)))


def _number(holder: dict[str, Any], key: str, path: str, default: int) -> int | float:
    value = holder.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidDocument(f"{path}: is {kind(value)}, not a number")
    return value


def count(holder: dict[str, Any], key: str, path: str) -> int:
    """Read a whole number that an integer column holds, by default 0."""
    value = holder.get(key)
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT4:
        raise InvalidDocument(f"{path}: must be a whole number from 0 to {_INT4[-1]}")
    return value


def flag(holder: dict[str, Any], key: str, path: str) -> bool:
    """Read a boolean, by default false."""
    value = holder.get(key)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise InvalidDocument(f"{path}: is {kind(value)}, not a boolean")
    return value


def anything(holder: dict[str, Any], key: str, path: str) -> Any:
    """Read any value, by default null."""
    return holder.get(key)


def one_of(words: Iterable[str], default: str | None = None) -> Reader:
    """Make a reader of a word of a vocabulary, which must be there if it has no default."""
    allowed = tuple(words)

    def read(holder: dict[str, Any], key: str, path: str) -> str:
        value = text(holder, key, path) or default
        if value not in allowed:
            problem = f"{value!r} is unknown" if value else "is missing"
            raise InvalidDocument(f"{path}: {problem}; it is one of {', '.join(allowed)}")
        return str(value)

    return read


def or_else(default: str) -> Reader:
    """Make a reader of a string with a default."""

    def read(holder: dict[str, Any], key: str, path: str) -> str:
        return text(holder, key, path) or default

    return read
