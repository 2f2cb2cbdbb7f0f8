"""Which files, folders and streams the arguments of a command line mean, and how to read them.

Nothing here stops at a bad argument: a path that is not there becomes a `Source` whose `read` says so, so that
the caller refuses it under its name and goes on with the next.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, NoReturn

from wfstore.errors import InvalidInput

MAX_BYTES = 512 * 1024 * 1024
"""The longest text that is read, in bytes, after decompression.

PostgreSQL's jsonb holds at most 256 MiB of strings in one value, so that a text of twice that length has no
chance to be stored; and a gzip file of a few megabytes can unpack to many gigabytes.
"""

STANDARD_INPUT = "-"

_SUFFIXES = (".json", ".json.gz")
_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Source:
    """One text to read: `name` is what to call it, `read()` its bytes, unpacked, or an `InvalidInput`."""

    name: str
    read: Callable[[], bytes]


def sources(arguments: Sequence[str]) -> Iterator[Source]:
    """The texts that `arguments` mean: files as they come, folders with all that lies below them, `-` the input.

    A folder is searched for `*.json` and `*.json.gz`, in the order of their paths, and links to folders are not
    followed (they may lead round in circles). Nothing is read before `read` is called.
    """
    for argument in arguments:
        if argument == STANDARD_INPUT:
            yield Source(STANDARD_INPUT, _read_standard_input)
        elif Path(argument).is_dir():
            yield from _folder(Path(argument))
        else:
            yield _file(Path(argument))


def _file(path: Path) -> Source:
    return Source(_printable(path), partial(_read_file, path))


def _refused(path: Path, reason: str) -> Source:
    def read() -> NoReturn:
        raise InvalidInput(reason)

    return Source(_printable(path), read)


def _folder(root: Path) -> Iterator[Source]:
    closed: list[OSError] = []
    found: list[Path] = []
    for folder, _, names in os.walk(root, onerror=closed.append):
        found += [Path(folder, name) for name in names if name.lower().endswith(_SUFFIXES)]
    for error in closed:
        yield _refused(Path(str(error.filename)), f"cannot be searched: {error.strerror}")
    for path in sorted(found):
        # A pipe or a device that lies in a folder would be waited for without an end.
        special = path.exists() and not path.is_file()
        yield _refused(path, "is not a regular file") if special else _file(path)
    if not found and not closed:
        yield _refused(root, "holds no .json or .json.gz file")


def _read_file(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return _unpacked(stream)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror or error}") from error
    except ValueError as error:  # a path with a NUL character
        raise InvalidInput(f"cannot be read: {error}") from error


def _read_standard_input() -> bytes:
    try:
        return _unpacked(sys.stdin.buffer)
    except OSError as error:
        raise InvalidInput(f"cannot be read: {error.strerror or error}") from error


def _unpacked(stream: BinaryIO) -> bytes:
    """All of `stream`, unpacked where it begins as gzip does: what a file is called says little about it."""
    raw = _limited(stream, "is longer")
    if not raw.startswith(_GZIP_MAGIC):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as unpacking:
            return _limited(unpacking, "unpacks to more")
    except EOFError as error:
        raise InvalidInput("is a damaged gzip file: it ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise InvalidInput(f"is a damaged gzip file: {error}") from error


def _limited(stream: BinaryIO | gzip.GzipFile, excess: str) -> bytes:
    chunks: list[bytes] = []
    total = 0
    while chunk := stream.read(_CHUNK):
        total += len(chunk)
        if total > MAX_BYTES:
            raise InvalidInput(f"{excess} than {MAX_BYTES // 1024**2:,} MiB, the most that is read")
        chunks.append(chunk)
    return b"".join(chunks)


def _printable(path: Path) -> str:
    """The path as text that any output takes: bytes of its name that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")
