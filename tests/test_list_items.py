"""The items of a JSON list, split wherever the chunks of a stream end, and what is made of broken lists."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfstore.imports.items import Item, is_list_of_objects, items
from wfstore.imports.streams import Unpacked

LIMIT = 1000


class Drops(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, content: bytes, sizes: list[int]) -> None:
        super().__init__(content)
        self.sizes = sizes

    def read(self, size: int | None = -1) -> bytes:
        self.sizes = [*self.sizes[1:], self.sizes[0]]
        return super().read(self.sizes[0])


def split(content: bytes | str, sizes: list[int] | None = None, limit: int = LIMIT) -> list[Item]:
    raw = content.encode() if isinstance(content, str) else content
    return list(items(Unpacked(Drops(raw, sizes or [LIMIT])), limit, b""))


_texts = st.text(st.sampled_from('ab"\\[]{},:é\U0001f600 \n'), max_size=6)
_values = st.recursive(
    st.none() | st.integers() | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.lists(_values, min_size=1, max_size=5),
    st.sampled_from([None, 0, 2]),
    st.booleans(),
    st.lists(st.integers(1, 7), min_size=1, max_size=4),
)
def test_the_items_are_those_of_the_list_with_their_places(
    values: list[Any], indent: int | None, escaped: bool, sizes: list[int]
) -> None:
    content = json.dumps(values, indent=indent, ensure_ascii=escaped)
    found = split(content, sizes, 10**6)
    assert [json.loads(item.text) for item in found] == values
    assert [item.index for item in found] == list(range(len(values)))
    for item in found:
        line = content.split("\n")[item.line - 1]
        assert line[item.column - 1 :].startswith(item.text.decode().split("\n")[0])


@pytest.mark.parametrize(
    ("content", "texts", "fault"),
    [
        ('[{"a": 1}', [b'{"a": 1}'], "the list is cut off: no ] ends it"),
        ("[{},", [b"{}"], "the list is cut off: no ] ends it"),
        ('[{}, {"a": ', [b"{}", b'{"a":'], None),
        ('[{}, {"a": "x', [b"{}", b'{"a": "x'], None),
        ("[{}] x", [b"{}"], "text follows the end of the list"),
        ("[{}] [{}]", [b"{}"], "text follows the end of the list"),
        ("[{} {}, 1]", [b"{} {}", b"1"], None),
        ("[{},]", [b"{}", b""], None),
        ("[{}}, 1]", [b"{}}", b"1"], None),
        ("[{}]\n \n", [b"{}"], None),
    ],
)
def test_broken_lists(content: str, texts: list[bytes], fault: str | None) -> None:
    found = split(content)
    assert [item.text for item in found if item.fault is None] == texts
    assert [item.fault for item in found if item.fault is not None] == ([fault] if fault else [])


def test_an_item_that_is_too_long_is_passed_over_with_its_lines() -> None:
    long = '{"a": "' + "x" * LIMIT + '",\n"b": [1]}'
    found = split(f"[{long}, 2]", [7])
    assert (found[0].text, found[0].fault) == (
        b"",
        f"is {len(long):,} bytes long; the most that is read is 1,000 (0 MiB)",
    )
    assert (found[1].text, found[1].line) == (b"2", 2)


def test_an_item_without_end_is_not_followed_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wfstore.imports.items.LONGEST_SKIP", 2000)
    found = split(b'[{}, {"a": "' + b"x" * 100_000)
    assert [item.text for item in found] == [b"{}", b""]
    assert found[1].fault is not None and found[1].fault.endswith("nothing is read from here on")


def test_what_is_a_list_of_objects() -> None:
    assert all(map(is_list_of_objects, [b"[{", b'\xef\xbb\xbf \n[\r\n\t{"a"', b"[{}]"]))
    assert not any(map(is_list_of_objects, [b"", b"[", b"[1, {", b"[]", b"{[{", b'["{"]', b"[[{"]))
