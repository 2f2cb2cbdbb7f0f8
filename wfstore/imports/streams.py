"""Files and streams as bytes: unpacked where they are packed, whole or line by line, never more than a limit."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from wfstore.errors import InvalidInput

_CHUNK = 1024 * 1024
_MIB = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
LONGEST_SKIP = 512 * _MIB
"""So many bytes of one line are passed over to reach the next; a few megabytes can unpack to many gigabytes."""


class Unpacked:
    """A stream, unpacked where it begins as gzip does: what a file is called says little about it."""

    def __init__(self, stream: BinaryIO) -> None:
        reader = _Begun(stream)
        try:
            self.packed = reader.begins_with(_GZIP_MAGIC)
        except OSError as error:
            raise InvalidInput(f"cannot be read: {error.strerror or error}") from error
        self._reader: Any = gzip.GzipFile(fileobj=reader, mode="rb") if self.packed else reader
        self._fault: InvalidInput | None = None

    def read(self) -> bytes:
        """Return some bytes; none at the end.

        Raises:
            InvalidInput: the file is damaged. What came before the damage has been returned.
        """
        if self._fault is None:
            try:
                # One step of unpacking: what was unpacked before a fault is not lost with it.
                return bytes(self._reader.read1(_CHUNK))
            except EOFError:
                self._fault = InvalidInput("is a damaged gzip file: it ends too early")
            except (gzip.BadGzipFile, zlib.error) as error:
                self._fault = InvalidInput(f"is a damaged gzip file: {error}")
            except OSError as error:
                self._fault = InvalidInput(f"cannot be read: {error.strerror or error}")
        raise self._fault


class _Begun(io.RawIOBase):
    """A stream whose first bytes have been looked at; a pipe cannot go back to them."""

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._head = b""

    def begins_with(self, magic: bytes) -> bool:
        while len(self._head) < len(magic) and (more := self._stream.read(len(magic) - len(self._head))):
            self._head += more
        return self._head == magic

    def read(self, size: int = -1) -> bytes:
        if not self._head:
            return self._stream.read(size)
        head, self._head = self._head, b""
        return head

    read1 = read


def whole(unpacked: Unpacked, limit: int, head: bytes = b"") -> bytes:
    """Return all of a stream; `head` is what was read of it before.

    Raises:
        InvalidInput: it is longer than `limit` bytes, or damaged.
    """
    held = bytearray(head)
    while len(held) <= limit and (chunk := unpacked.read()):
        held += chunk
    if len(held) > limit:
        excess = "unpacks to more" if unpacked.packed else "is longer"
        raise InvalidInput(f"{excess} than {limit:,} bytes ({limit // _MIB} MiB), the most that is read")
    return bytes(held)


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank: its text, or why there is none."""

    number: int
    """Counted from 1."""
    text: bytes
    fault: str | None = None


def lines(unpacked: Unpacked, limit: int, head: bytes = b"") -> Iterator[Line]:
    """The lines of a stream, one at a time; of a long one no more than `limit` bytes are held.

    After damage there is one more line, whose fault says what became of the rest.
    """
    number, kept, length = 1, bytearray(), 0
    for chunk in chunks(unpacked, head):
        if isinstance(chunk, InvalidInput):
            yield Line(number, b"", f"{chunk}; nothing is read from here on")
            return
        for ends, part in enumerate(chunk.split(b"\n")):
            if ends:
                yield from _line(number, kept, length, limit)
                number, kept, length = number + 1, bytearray(), 0
            kept += part[: max(0, limit + 1 - len(kept))]
            length += len(part)
        if length > LONGEST_SKIP:
            yield Line(number, b"", f"is longer than {LONGEST_SKIP // _MIB} MiB; nothing is read from here on")
            return
    yield from _line(number, kept, length, limit)


def chunks(unpacked: Unpacked, head: bytes = b"") -> Iterator[bytes | InvalidInput]:
    """Yield `head` and the rest of a stream, as it is read; at the end what is wrong with it, if it is damaged."""
    if head:
        yield head
    try:
        while chunk := unpacked.read():
            yield chunk
    except InvalidInput as error:
        yield error


def _line(number: int, kept: bytearray, length: int, limit: int) -> Iterator[Line]:
    if length > limit:
        yield Line(number, b"", too_long(length, limit))
    elif text := bytes(kept).strip():
        yield Line(number, text)


def too_long(length: int, limit: int) -> str:
    """Say that a part of a text has more bytes than are read."""
    return f"is {length:,} bytes long; the most that is read is {limit:,} ({limit // _MIB} MiB)"
