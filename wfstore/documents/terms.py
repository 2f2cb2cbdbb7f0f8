"""The terms that workflows are found by, made alike for the rows and for a search.

A workflow's name is found whole or by its words, both folded, so that case and width do not matter. All other
terms are as they stand in the document. Of an empty text there is none.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from wfstore.errors import InvalidInput
from wfstore.vocabulary import NodeType, TermKind

Term = tuple[TermKind, str]

MOST_WORDS = 64
"""Words of a name that it is found by, from its beginning."""
LONGEST_TERM = 512
"""UTF-8 bytes of a term as it is stored; with its key it must fit into a btree, whose rows have at most 2,704."""

_HASHED = hashlib.sha256().digest_size * 2 + len("…".encode())


def of_workflow(document: dict[str, Any]) -> Iterator[Term]:
    """Return the terms of a document, those of its nodes apart."""
    whole = fold(document["name"])
    yield from _terms(TermKind.NAME, [whole, *_words(whole)[:MOST_WORDS]])
    yield from _terms(TermKind.TAG, document.get("tags") or ())


def of_node(node: dict[str, Any]) -> Iterator[Term]:
    """Return the terms of a node; of a credential its type, and the id and the name that refer to it."""
    yield from _terms(TermKind.NODE_TYPE, [node["node_type"]])
    yield from _terms(TermKind.NODE_SUBTYPE, [node.get("node_subtype")])
    yield from _terms(TermKind.INTEGRATION, [node.get("integration")])
    for credential_type, reference in (node.get("credentials") or {}).items():
        named = (reference.get("id"), reference.get("name")) if isinstance(reference, dict) else (reference,)
        yield from _terms(TermKind.CREDENTIAL, [credential_type, *named])


def wanted(
    *,
    name: str | None,
    tag: str | None,
    node_type: str | None,
    node_subtype: str | None,
    integration: str | None,
    credential: str | None,
) -> list[Term]:
    """Return the terms that a workflow must all have to meet these criteria, those likely to be rare first.

    Raises:
        InvalidInput: a criterion is empty, or the node type is none; or there is no criterion.
    """
    given = [
        (TermKind.CREDENTIAL, credential),
        (TermKind.NODE_SUBTYPE, node_subtype),
        (TermKind.INTEGRATION, integration),
        (TermKind.TAG, tag),
        (TermKind.NODE_TYPE, node_type),
    ]
    found = [_criterion(kind, text) for kind, text in given if text is not None]
    if name is not None:
        found = [*_name_criteria(name), *found]
    if not found:
        raise InvalidInput(
            "find was given no criterion", hint="workflows.page(before_id=..., limit=...) lists all workflows."
        )
    return found


def fold(text: str) -> str:
    """Return a text as those are compared that differ in case, width and spaces only; twice folded is once folded."""
    for _ in range(2):  # folding case may leave what composes, and composing what folds
        text = unicodedata.normalize("NFKC", text.casefold())
    # The small letter of İ is an i with a dot above; what people type is i.
    return " ".join(unicodedata.normalize("NFKC", text.replace("i\u0307", "i")).split())


def _name_criteria(name: str) -> list[Term]:
    """Return the words of a name, longest first; of one without words, or with too many, the whole."""
    whole = fold(name)
    words = _words(whole)
    texts = sorted(words, key=len, reverse=True) if 0 < len(words) <= MOST_WORDS else [whole]
    return [_criterion(TermKind.NAME, text) for text in texts]


def _criterion(kind: TermKind, text: str) -> Term:
    if not text:
        raise InvalidInput(f"find: {kind.lower()} is empty", hint="Leave out what does not matter.")
    if kind is TermKind.NODE_TYPE and text not in list(NodeType):
        raise InvalidInput(f"find: there is no node type {text!r}", hint=f"There are {', '.join(NodeType)}.")
    return kind, _cut(text)


def _words(folded: str) -> list[str]:
    """Return the distinct runs of letters and digits, in their order."""
    spaced = "".join(character if _in_word(character) else " " for character in folded)
    # A mark alone, such as what makes an emoji colourful, is no word.
    return [word for word in dict.fromkeys(spaced.split()) if any(map(str.isalnum, word))]


def _in_word(character: str) -> bool:
    """Whether it is a letter, a digit, or a mark on one, as the vowels of Hindi are."""
    return character.isalnum() or (not character.isascii() and unicodedata.category(character).startswith("M"))


def _terms(kind: TermKind, texts: Iterable[Any]) -> Iterator[Term]:
    for text in texts:
        if isinstance(text, int) and not isinstance(text, bool):  # ids of credentials were numbers once
            yield kind, str(text)
        elif isinstance(text, str) and text:
            yield kind, _cut(text)


def _cut(text: str) -> str:
    """Return a text that an index can hold: of a long one the beginning, and a hash of the whole."""
    if len(text) * 4 <= LONGEST_TERM or len(encoded := text.encode(errors="surrogatepass")) <= LONGEST_TERM:
        return text
    beginning = encoded[: LONGEST_TERM - _HASHED].decode(errors="ignore")
    return f"{beginning}…{hashlib.sha256(encoded).hexdigest()}"
