"""The canonical form of a document: what two saves are compared by."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from wfstore.errors import InvalidDocument


def content_hash(document: dict[str, Any]) -> bytes:
    """SHA-256 (32 bytes) of the document as JSON with sorted keys, no spaces, in UTF-8; 1 and 1.0 differ.

    Raises:
        InvalidDocument: it is not JSON.
    """
    try:
        return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).digest()
    except orjson.JSONEncodeError as error:
        raise InvalidDocument(f"the document is not JSON that can be stored: {error}") from error
