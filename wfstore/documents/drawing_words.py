"""The short words of a drawing: what a node is, what an output means, what part of an agent something is."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

_KINDS = {
    "TRIGGER": "trigger",
    "AI_AGENT": "agent",
    "EXTERNAL_ACTION": "external",
    "ACTION": "action",
    "FLOW": "flow",
    "HUMAN_IN_THE_LOOP": "human",
    "TOOL": "tool",
    "MEMORY": "memory",
}
_ROLES = {
    "AI_AGENT": "agent",
    "AI_CHAIN": "chain",
    "AI_DOCUMENT": "document",
    "AI_EMBEDDING": "embedding",
    "AI_LANGUAGE_MODEL": "model",
    "AI_MEMORY": "memory",
    "AI_OUTPUT_PARSER": "parser",
    "AI_RERANKER": "reranker",
    "AI_RETRIEVER": "retriever",
    "AI_TEXT_SPLITTER": "splitter",
    "AI_TOOL": "tool",
    "AI_VECTOR_STORE": "vectors",
}
ROLES_FIRST = {word: place for place, word in enumerate(("model", "memory", "tool", "parser"))}
"""The order in which the parts of an agent are named; others come after these."""
_OUTPUTS = {
    "if": ("true", "false"),
    "filter": ("kept", "discarded"),
    "removeduplicates": ("kept", "discarded"),
    "splitinbatches": ("done", "loop"),
    "loop": ("done", "loop"),
    "comparedatasets": ("in A only", "same", "different", "in B only"),
    "sentimentanalysis": ("positive", "neutral", "negative"),
    "guardrails": ("pass", "fail"),
}
_SECOND_IS_DONE = 3  # before this type version a loop's first output was the loop


def is_part(connection_type: str) -> bool:
    """Whether a connection makes its source a part of its target, as a model of an agent, and is no flow."""
    return connection_type.upper().startswith("AI_")


def role(connection_type: str) -> str:
    """Return what a node is to the one that it is a part of: model, tool, memory."""
    return _ROLES.get(connection_type.upper()) or clean(connection_type[3:].lower().replace("_", " "))


def kind(node: dict[str, Any]) -> str:
    """Return a short word for the type of a node."""
    word = node.get("node_type")
    return _KINDS.get(word) or clean(word.lower()) if isinstance(word, str) else ""


def subtype(node: dict[str, Any]) -> str:
    """Return the last part of a node's subtype, which says what it does: `httpRequest`."""
    word = node.get("node_subtype")
    return clean(word.rpartition(".")[2]) if isinstance(word, str) else ""


def output(node: dict[str, Any], connection: dict[str, Any], *, several: bool) -> str:
    """Return what an output is called: by the connection, by the node's type or parameters, or by its number.

    The only output of a node has no name; `several` says that others are in use.
    """
    label, index = connection.get("label"), connection.get("source_index")
    if isinstance(label, str) and label.strip():
        return clean(label)
    index = index if isinstance(index, int) else 0
    names = _names_of_outputs(node)
    if index < len(names) and names[index]:
        return clean(names[index])
    if several and node.get("error_handling") == "CONTINUE_ERROR_OUTPUT_ON_ERROR":
        regular = max(len(names), 1)  # the output for errors comes after the others
        if index == regular:
            return "error"
        if regular == 1:
            return "success"
    return str(index) if several else ""


def clean(text: str) -> str:
    """Return a text that a terminal shows in one line as it is: no control characters, no turns of direction.

    White space becomes a space; what else is not to be seen becomes U+FFFD, but for the joiner inside emoji.
    """
    text = re.sub(r"\s+", " ", text).strip()
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def _visible(character: str) -> str:
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "\ufffd" if hidden and character != "\u200d" else character


def _names_of_outputs(node: dict[str, Any]) -> tuple[str, ...]:
    what = subtype(node).lower()
    names = _OUTPUTS.get(what, ())
    version = node.get("type_version")
    if what == "splitinbatches" and isinstance(version, int | float) and version < _SECOND_IS_DONE:
        return names[::-1]
    if what == "switch":
        return _texts(_at(node, "parameters", "rules", "values"), "outputKey")
    if what == "textclassifier":
        return _texts(_at(node, "parameters", "categories", "categories"), "category")
    return names


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _texts(items: Any, key: str) -> tuple[str, ...]:
    found = [_at(item, key) for item in items] if isinstance(items, list) else []
    return tuple(text if isinstance(text, str) else "" for text in found)
