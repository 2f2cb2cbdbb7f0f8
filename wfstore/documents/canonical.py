"""The canonical form of a document: what two saves are compared by."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from wfstore.documents.storable import stored


def content_hash(document: dict[str, Any]) -> bytes:
    """SHA-256 (32 bytes) of the document as JSON with sorted keys, no spaces, in UTF-8; 1 and 1.0 differ.

    It is the hash of what is stored: a document that was read and not changed has the same.

    Raises:
        InvalidDocument: it is not JSON that can be stored; the message gives the path of the fault.
    """
    return hash_of(stored(document).text)


def hash_of(text: bytes) -> bytes:
    """Return the content hash of a document whose canonical text this is."""
    return hashlib.sha256(text).digest()


def canonical(value: Any) -> bytes:
    """Return what two JSON values are compared by: 1 and 1.0 differ in it, the order of keys does not count."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: 1 is neither 1.0 nor true, and the order of keys does not count."""
    return one is other or canonical(one) == canonical(other)
