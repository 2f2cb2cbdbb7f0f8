"""Numbers that go through jsonb and come back: all doubles, all 64-bit integers, with their types."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import wfstore
from wfstore.documents import as_stored, content_hash
from wfstore.jsonb import keeping_floats, without_negative_zeros
from wfstore.queryfiles.query import to_json, to_json_array

_floats = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**64 - 1).map(
    lambda bits: struct.unpack("d", struct.pack("Q", bits))[0]
).filter(math.isfinite)
_numbers = _floats | st.integers(-(2**63), 2**64 - 1) | st.integers(16, 308).map(lambda n: float(f"1e{n}"))
_texts = st.sampled_from(["1e16", ",1e16,", '"1e16', "\\", '\\"', "e16]", "-0.0", " 1.5e300", ""])
_values = st.recursive(
    _numbers | _texts | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def connection(server_url: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server_url, autocommit=True) as opened:
        yield opened


def through(connection: psycopg.Connection[Any], text: str | None) -> Any:
    """What the server keeps, as orjson reads it."""
    row = connection.execute("SELECT (%s::jsonb)::text", [text]).fetchone()
    assert row is not None
    return orjson.loads(row[0])


@settings(max_examples=200, deadline=None)
@given(values=st.lists(_numbers, min_size=50, max_size=200))
@example(values=[1e16, 1.7976931348623157e308, 5e-324, 2.0**53, 2.0**63, 2.0**64, 1e22, 1e23, 9007199254740993e1])
def test_every_number_keeps_its_value_and_type(connection: psycopg.Connection[Any], values: list[float]) -> None:
    read = through(connection, to_json(values, "numbers"))
    assert [type(each) for each in read] == [type(each) for each in values]
    assert read == values


@settings(max_examples=200, deadline=None)
@given(value=_values)
def test_a_document_reads_as_it_was_said_to(connection: psycopg.Connection[Any], value: Any) -> None:
    document = {"name": "w", "x": value}
    read = through(connection, to_json(document, "document"))
    options = orjson.OPT_SORT_KEYS  # the order of keys is not kept, all else is, types included
    assert orjson.dumps(read, option=options) == orjson.dumps(as_stored(document), option=options)
    assert read == document
    assert content_hash(read) == content_hash(document)


@settings(max_examples=200, deadline=None)
@given(value=_values)
def test_texts_are_left_alone_and_numbers_mean_the_same(value: Any) -> None:
    text = orjson.dumps(value)
    for rewritten in (keeping_floats(text), keeping_floats(text, is_ours=False)):
        assert repr(orjson.loads(rewritten)) == repr(value)
    assert orjson.loads(without_negative_zeros(text)) == value


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1e2", "100.0"),
        ("-1.5E+3 ", "-1500.0"),
        ("[ 1e16 , 2E16\n]", "[1e+16, 2e+16]"),
        ("0e5", "0.0"),
        ("0.5e3", "500.0"),
        ("1.25e1", "12.5"),
        ("1.50e1", "15.0"),
        ("15e-1", "1.5"),
        ("1000e-3", "1.0"),
        ('{"1e16":"1e16,\\\\"}', r"{'1e16': '1e16,\\'}"),
        ("16", "16"),
    ],
)
def test_json_that_others_wrote_keeps_its_floats_too(connection: psycopg.Connection[Any], text: str, read: str) -> None:
    assert repr(through(connection, to_json(text.encode(), "given"))) == read


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(_values | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), max_size=5)
)
@example(values=[None, "NULL", '"', "\\", '\\"', "{a,b}", "\n\t\u2028", "😀", [], {}, ""])
def test_arrays_of_json_arrive_as_they_were(connection: psycopg.Connection[Any], values: list[Any]) -> None:
    array = to_json_array(values, "values")
    kept = connection.execute("SELECT item::text FROM unnest(%s::jsonb[]) AS item", [array]).fetchall()
    assert [orjson.loads(text or "null") for [text] in kept] == values


def test_an_absurd_exponent_is_left_to_the_database() -> None:
    assert keeping_floats(b"[1e999999999]", is_ours=False) == b"[1e999999999]"


@pytest.mark.parametrize(
    "malformed", [b'"' + b'\\"' * 200_000, b"1" * 500_000, b"1." + b"1" * 500_000, b"-" * 500_000, b'"a' * 200_001]
)
def test_malformed_text_takes_no_longer_than_its_length(malformed: bytes) -> None:
    """Were it quadratic, this would take minutes."""
    assert keeping_floats(malformed + b",1e16", is_ours=False).startswith(malformed)


def test_node_results_and_settings_keep_their_floats(database: str) -> None:
    with wfstore.connect(database) as store:
        saved = store.workflows.add({"name": str(uuid4())})
        store.workflows.set_settings(id=saved.id, settings={"x": 1e16, "y": 10**16, "z": "1e16"})
        assert repr(store.workflows.get(id=saved.id).settings) == "{'x': 1e+16, 'y': 10000000000000000, 'z': '1e16'}"
