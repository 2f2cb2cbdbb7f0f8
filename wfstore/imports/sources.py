"""Which files, folders and streams the arguments of a command line mean, and how to read them.

Nothing here stops at a bad argument: a path that is not there becomes a `Source` whose `read` says so, so that
the caller refuses it under its name and goes on with the next.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

import orjson

from wfstore.errors import InvalidInput
from wfstore.imports.items import is_list_of_objects, items
from wfstore.imports.streams import Unpacked, lines, whole

MAX_BYTES = 512 * 1024 * 1024
"""The longest text that is read, in bytes, after decompression.

PostgreSQL's jsonb holds at most 256 MiB of strings in one value, so that a text of twice that length has no
chance to be stored; and a gzip file of a few megabytes can unpack to many gigabytes.
"""

STANDARD_INPUT = "-"

TEXTS = (".json", ".json.gz")
"""Endings of the names of files that hold one JSON text each."""
LINES = (".jsonl", ".jsonl.gz")
"""Endings of the names of files that hold one JSON text a line."""


@dataclass(frozen=True, slots=True)
class Source:
    """One text to read: `name` is what to call it, `read()` its bytes, unpacked, or an `InvalidInput`."""

    name: str
    read: Callable[[], bytes]
    line: int | None = None
    """The line of the file at which it begins, counted from 1; None: it is all of the file."""
    column: int = 1
    """Where on that line it begins, in characters, counted from 1."""
    item: int | None = None
    """Which item of the list that the file is, counted from 0; None: it is no list's."""

    @property
    def place(self) -> str:
        """The file, and which item or line of it: `flows.json[3]`, `flows.jsonl:17`."""
        return place(self.name, self.line if self.item is None else None, self.item)


def place(name: str, line: int | None = None, item: int | None = None) -> str:
    """Return what to call a place in a file: `flows.json[3]:17` is line 17, within the fourth item of its list."""
    return name + ("" if item is None else f"[{item}]") + ("" if line is None else f":{line}")


class Form(Enum):
    """How many JSON texts a file holds."""

    TEXT = auto()
    LINES = auto()
    EITHER = auto()
    """Its content says."""


@dataclass(frozen=True, slots=True)
class File:
    """A file or stream that an argument means, or the reason why there is none."""

    name: str
    form: Form
    path: Path | None = None
    """None: standard input."""
    fault: str | None = None


def sources(arguments: Sequence[str]) -> Iterator[Source]:
    """The texts that `arguments` mean: files as they come, folders with all that lies below them, `-` the input.

    A folder is searched for `*.json` and `*.json.gz`, in the order of their paths, and links to folders are not
    followed (they may lead round in circles). Nothing is read before `read` is called.
    """
    for file in files(arguments, TEXTS):
        yield Source(file.name, partial(_read, file, MAX_BYTES))


def files(arguments: Sequence[str], suffixes: tuple[str, ...] = (*TEXTS, *LINES)) -> Iterator[File]:
    """The files that `arguments` mean; folders are searched for those whose names end in one of `suffixes`."""
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield File(STANDARD_INPUT, Form.EITHER)
        elif Path(argument).is_dir():
            yield from _folder(Path(argument), suffixes)
        else:
            yield _file(Path(argument))


def texts(found: Sequence[File], limit: int) -> Iterator[Source]:
    """The JSON texts of files: of `.jsonl` each line that is not blank, of `.json` the whole, of others by content.

    Where the whole is a list of objects each of them is a text. Lines and items of lists come as they are read, so
    that a file of any length takes the memory of one text.

    Args:
        found: what `files` returns.
        limit: the longest text that is read, in bytes, after decompression.
    """
    for file in found:
        try:
            with _opened(file) as stream:
                yield from _split(file, Unpacked(stream), limit)
        except InvalidInput as error:
            yield Source(file.name, partial(_raise, str(error)))


# --- folders ------------------------------------------------------------------------------------------------


def _file(path: Path) -> File:
    name = path.name.lower()
    form = Form.TEXT if name.endswith(TEXTS) else Form.LINES if name.endswith(LINES) else Form.EITHER
    return File(_printable(path), form, path)


def _refused(path: Path, reason: str) -> File:
    return File(_printable(path), Form.TEXT, path, reason)


def _folder(root: Path, suffixes: tuple[str, ...]) -> Iterator[File]:
    closed: list[OSError] = []
    found: list[Path] = []
    for folder, _, names in os.walk(root, onerror=closed.append):
        found += [Path(folder, name) for name in names if name.lower().endswith(suffixes)]
    for error in closed:
        yield _refused(Path(str(error.filename)), f"cannot be searched: {error.strerror}")
    for path in sorted(found):
        # A pipe or a device that lies in a folder would be waited for without an end.
        special = path.exists() and not path.is_file()
        yield _refused(path, "is not a regular file") if special else _file(path)
    if not found and not closed:
        wanted = " or ".join([", ".join(suffixes[:-1]), suffixes[-1]])
        yield _refused(root, f"holds no {wanted} file")


def _printable(path: Path) -> str:
    """The path as text that any output takes: bytes of its name that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


# --- reading ------------------------------------------------------------------------------------------------


@contextmanager
def _opened(file: File) -> Iterator[BinaryIO]:
    if file.fault is not None:
        raise InvalidInput(file.fault)
    if file.path is None:
        if sys.stdin is None:
            raise InvalidInput("cannot be read: it is closed")
        yield sys.stdin.buffer
        return
    try:
        stream = file.path.open("rb")
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a NUL character
        raise InvalidInput(f"cannot be read: {error}") from error
    with stream:
        yield stream


def _read(file: File, limit: int) -> bytes:
    with _opened(file) as stream:
        return whole(Unpacked(stream), limit)


def _split(file: File, unpacked: Unpacked, limit: int) -> Iterator[Source]:
    head = b""
    if file.form is not Form.LINES:
        head, complete = _beginning(unpacked, limit)
        if is_list_of_objects(head):
            yield from _items(file, unpacked, limit, head)
            return
        if file.form is Form.TEXT or not _is_lines(head, complete=complete):
            yield Source(file.name, partial(bytes, whole(unpacked, limit, head)))
            return
    line = None
    for line in lines(unpacked, limit, head):
        read = partial(bytes, line.text) if line.fault is None else partial(_raise, line.fault)
        yield Source(file.name, read, line.number)
    if line is None:
        yield Source(file.name, partial(_raise, "is empty"))


def _items(file: File, unpacked: Unpacked, limit: int, head: bytes) -> Iterator[Source]:
    for item in items(unpacked, limit, head):
        read = partial(bytes, item.text) if item.fault is None else partial(_raise, item.fault)
        yield Source(file.name, read, item.line, item.column, item.index)


def _raise(reason: str) -> NoReturn:
    raise InvalidInput(reason)


def _beginning(unpacked: Unpacked, limit: int) -> tuple[bytes, bool]:
    """Return as much as one text may have, and whether that is all."""
    head = bytearray()
    try:
        while len(head) <= limit:
            chunk = unpacked.read()
            if not chunk:
                return bytes(head), True
            head += chunk
    except InvalidInput:  # the next read says so again
        return bytes(head), False
    return bytes(head), False


def _is_lines(head: bytes, *, complete: bool) -> bool:
    """Whether a text that is no JSON as a whole begins with a line that is: its first, or, if that is bad, the next."""
    begun = [line for line in head.split(b"\n", 64) if line.strip()][:2]
    if complete and (len(begun) < 2 or _is_json(head)):
        return False
    return any(line.strip().startswith(b"{") and _is_json(line) for line in begun)


def _is_json(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True
