"""The canonical form of a document: what two saves are compared by."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from wfstore.documents.storable import as_stored


def content_hash(document: dict[str, Any]) -> bytes:
    """SHA-256 (32 bytes) of the document as JSON with sorted keys, no spaces, in UTF-8; 1 and 1.0 differ.

    It is the hash of what is stored: a document that was read and not changed has the same.

    Raises:
        InvalidDocument: it is not JSON that can be stored; the message gives the path of the fault.
    """
    return hash_of_stored(as_stored(document))


def hash_of_stored(form: Any) -> bytes:
    """Return the content hash of a document that `as_stored` has returned."""
    return hashlib.sha256(orjson.dumps(form, option=orjson.OPT_SORT_KEYS)).digest()
