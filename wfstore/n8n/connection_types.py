"""n8n's connection types and the document's."""

from __future__ import annotations

from wfstore.vocabulary import ConnectionType

CONNECTION_TYPES = {
    "main": ConnectionType.MAIN.value,
    "ai_agent": ConnectionType.AI_AGENT.value,
    "ai_chain": ConnectionType.AI_CHAIN.value,
    "ai_document": ConnectionType.AI_DOCUMENT.value,
    "ai_embedding": ConnectionType.AI_EMBEDDING.value,
    "ai_languageModel": ConnectionType.AI_LANGUAGE_MODEL.value,
    "ai_memory": ConnectionType.AI_MEMORY.value,
    "ai_outputParser": ConnectionType.AI_OUTPUT_PARSER.value,
    "ai_retriever": ConnectionType.AI_RETRIEVER.value,
    "ai_reranker": ConnectionType.AI_RERANKER.value,
    "ai_textSplitter": ConnectionType.AI_TEXT_SPLITTER.value,
    "ai_tool": ConnectionType.AI_TOOL.value,
    "ai_vectorStore": ConnectionType.AI_VECTOR_STORE.value,
}
"""n8n's type -> the document's. Others are kept as they are."""
_TO_N8N = {word: kind for kind, word in CONNECTION_TYPES.items()}
# Marks a type of n8n that would be taken for one of the document's words, or for none.
_FOREIGN = "n8n:"


def to_word(kind: str) -> str:
    """Return the document's connection type for n8n's; a foreign one is itself."""
    if kind in CONNECTION_TYPES:
        return CONNECTION_TYPES[kind]
    if kind in _TO_N8N or not kind or kind.startswith(_FOREIGN):
        return _FOREIGN + kind
    return kind


def to_n8n(word: str) -> str:
    """Return n8n's connection type for the document's: the inverse of `to_word`."""
    return _TO_N8N[word] if word in _TO_N8N else word.removeprefix(_FOREIGN)
