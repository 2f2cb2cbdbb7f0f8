"""What nodes are given and return here: JSON of about 1 kB that compresses as text does."""

from __future__ import annotations

import random
from typing import Any

import orjson

SIZE = 1_000  # bytes, as JSON
_WORDS = (
    *("invoice", "customer", "order", "amount", "total", "status", "pending", "shipped", "address", "street"),
    *("number", "country", "postal", "currency", "created", "updated", "reference", "description", "quantity"),
    *("price", "discount", "tax", "warehouse", "carrier", "tracking", "contact", "remark", "received"),
)


def documents(count: int, size: int = SIZE, seed: int = 7) -> list[dict[str, Any]]:
    """Make so many documents, each a list of items as nodes pass them on, of `size` bytes or a little more."""
    source = random.Random(seed)  # noqa: S311 - no secret
    return [_document(source, size) for _ in range(count)]


def _document(source: random.Random, size: int) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    document: dict[str, Any] = {"items": items}
    while (room := size - len(orjson.dumps(document))) > 0:
        words = " ".join(source.choices(_WORDS, k=max(1, min(12, room // 9))))
        items.append({"id": f"{source.getrandbits(48):012x}", "amount": source.randrange(10**6) / 100, "text": words})
    return document
