"""The items of a JSON list, one at a time: n8n's `export:workflow --all` writes all workflows as one list.

The text is split at the commas between the items and nothing more is looked at, so that a bad item is refused
alone and a list of any length takes the memory of one item.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wfstore.errors import InvalidInput
from wfstore.imports.streams import LONGEST_SKIP, Unpacked, chunks, too_long

_SPACE = b" \t\r\n"
_BEGINNING = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[[ \t\r\n]*\{")
_MARK = re.compile(rb'["{}\[\],]')
_IN_STRING = re.compile(rb'"|\\.?', re.DOTALL)
_CONTINUATION = bytes(range(0x80, 0xC0))
"""Bytes of UTF-8 that begin no character."""


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a list: its text, or why there is none."""

    index: int
    """Counted from 0, as in paths."""
    line: int
    """Where its text begins in the file, counted from 1, as the column, which is in characters."""
    column: int
    text: bytes
    fault: str | None = None


def is_list_of_objects(head: bytes) -> bool:
    """Whether a text begins as a list does whose first item is an object."""
    return _BEGINNING.match(head) is not None


def items(unpacked: Unpacked, limit: int, head: bytes) -> Iterator[Item]:
    """The items of a list, of which `head` was read before; of a long one no more than `limit` bytes are held.

    Where the list is cut off or damaged, or text follows its end, there is one more item, whose fault says so.
    """
    splitter = _Splitter(limit)
    for chunk in chunks(unpacked, head.removeprefix(codecs.BOM_UTF8)):
        if isinstance(chunk, InvalidInput):
            yield splitter.fault(f"{chunk}; nothing is read from here on")
            return
        yield from splitter.feed(chunk)
        if splitter.length > LONGEST_SKIP:
            yield splitter.fault(f"{too_long(splitter.length, limit)}; nothing is read from here on")
            return
    yield from splitter.finish()


@dataclass(slots=True)
class _Splitter:
    """Where in the list the reading stands; chunks end anywhere."""

    limit: int
    length: int = 0
    """Bytes of the item so far."""
    _index: int = 0
    _kept: bytearray = field(default_factory=bytearray)
    _here: tuple[int, int] = (1, 1)
    """Line and column."""
    _start: tuple[int, int] = (1, 1)
    """Those of the item."""
    _depth: int = 0
    _in_string: bool = False
    _escaped: bool = False
    _closed: bool = False

    def feed(self, chunk: bytes) -> Iterator[Item]:
        """Take more of the text; yield the items that end in it."""
        begin, position = 0, int(self._escaped)
        self._escaped = False
        while found := (_IN_STRING if self._in_string else _MARK).search(chunk, position):
            mark, position = found.group(), found.end()
            if self._in_string:
                self._in_string = mark != b'"'
                self._escaped = mark == b"\\"
            elif self._separates(mark):
                self._keep(chunk[begin : position - 1])
                if mark != b"[":
                    yield self._item()
                self._pass(mark)
                begin = position
        self._keep(chunk[begin:])

    def finish(self) -> Iterator[Item]:
        """Yield what the end of the text leaves."""
        if self._closed:
            if self.length:
                yield self.fault("text follows the end of the list")
            return
        within_item = self._depth > 1 or self._in_string  # which is refused for it
        if self.length:
            yield self._item()
        if not within_item:
            yield self.fault("the list is cut off: no ] ends it")

    def fault(self, reason: str) -> Item:
        """Return an item for what cannot be read."""
        return Item(self._index, *(self._start if self.length else self._here), b"", reason)

    def _separates(self, mark: bytes) -> bool:
        """Whether an item begins or ends here; a bracket that does not belong there is left to the item's reader."""
        if self._closed:
            return False
        if mark == b'"':
            self._in_string = True
        elif mark in b"{[":
            self._depth += 1
            return self._depth == 1
        elif mark == b",":
            return self._depth == 1
        elif self._depth > 1:
            self._depth -= 1
        elif mark == b"]":
            self._closed = True
            return True
        return False

    def _keep(self, part: bytes) -> None:
        """Take a part of the item, without the spaces before it."""
        if not self.length:
            rest = part.lstrip(_SPACE)
            self._pass(part[: len(part) - len(rest)])
            self._start, part = self._here, rest
        self._kept += part[: max(0, self.limit + 1 - len(self._kept))]
        self.length += len(part)
        self._pass(part)

    def _item(self) -> Item:
        text, fault = bytes(self._kept).rstrip(_SPACE), None
        if self.length > self.limit and len(text) > self.limit:
            text, fault = b"", too_long(self.length, self.limit)
        found = Item(self._index, *self._start, text, fault)
        self._index, self._kept, self.length = self._index + 1, bytearray(), 0
        return found

    def _pass(self, part: bytes) -> None:
        """Move on behind a part of the text."""
        line, column = self._here
        lines, last = part.count(b"\n"), part[part.rfind(b"\n") + 1 :]
        self._here = line + lines, (1 if lines else column) + len(last.translate(None, _CONTINUATION))
