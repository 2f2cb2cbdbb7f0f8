"""The table that leads from n8n's node types to the eight: each rule, and which service a node talks to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.n8nkit import Json
from wfstore.n8n import to_document
from wfstore.n8n.connection_types import CONNECTION_TYPES, to_n8n, to_word
from wfstore.n8n.node_types import RULES, rule_for
from wfstore.vocabulary import ConnectionType, NodeType

BASE = "n8n-nodes-base."
CHAIN = "@n8n/n8n-nodes-langchain."
ACCOUNT: Json = {"credentials": {"api": {"id": "1", "name": "x"}}}

# type, further keys, n8n's type of a connection that leaves it, node type, integration
CASES: list[tuple[str, Json, str, str, str]] = [
    (BASE + "manualTrigger", {}, "main", "TRIGGER", ""),
    (BASE + "scheduleTrigger", {}, "main", "TRIGGER", ""),
    (BASE + "formTrigger", {}, "main", "TRIGGER", ""),
    (BASE + "telegramTrigger", ACCOUNT, "main", "TRIGGER", "telegram"),
    (BASE + "webhook", {}, "main", "TRIGGER", ""),
    (BASE + "cron", {}, "main", "TRIGGER", ""),
    (BASE + "emailReadImap", ACCOUNT, "main", "TRIGGER", "email"),
    (CHAIN + "chatTrigger", {}, "main", "TRIGGER", ""),
    ("n8n-nodes-x.xtrigger", {}, "main", "TRIGGER", "xtrigger"),
    (CHAIN + "toolHttpRequest", {}, "ai_tool", "TOOL", "http"),
    (CHAIN + "toolCode", {}, "", "TOOL", ""),
    (BASE + "gmailTool", ACCOUNT, "", "TOOL", "gmail"),
    (BASE + "gmailTool", {"parameters": {"operation": "sendAndWait"}}, "ai_tool", "TOOL", "gmail"),
    (BASE + "executeCommandTool", {}, "ai_tool", "TOOL", ""),
    (CHAIN + "agentTool", {}, "ai_tool", "TOOL", ""),
    (CHAIN + "mcpClientTool", {}, "ai_tool", "TOOL", "mcp"),
    (CHAIN + "vectorStoreQdrant", ACCOUNT, "ai_tool", "TOOL", "qdrant"),
    (CHAIN + "vectorStoreQdrant", {"parameters": {"mode": "retrieve-as-tool"}}, "", "TOOL", "qdrant"),
    ("n8n-nodes-x.search", {}, "ai_tool", "TOOL", "search"),
    (CHAIN + "memoryBufferWindow", {}, "ai_memory", "MEMORY", ""),
    (CHAIN + "memoryPostgresChat", ACCOUNT, "", "MEMORY", "postgres"),
    ("n8n-nodes-x.remember", {}, "ai_memory", "MEMORY", "remember"),
    (CHAIN + "memoryManager", {}, "main", "ACTION", ""),
    (CHAIN + "agent", {}, "main", "AI_AGENT", ""),
    (CHAIN + "chainLlm", {}, "main", "AI_AGENT", ""),
    (CHAIN + "openAi", ACCOUNT, "main", "AI_AGENT", "openAi"),
    (CHAIN + "openAiAssistant", ACCOUNT, "main", "AI_AGENT", "openAi"),
    (CHAIN + "openAi", {"parameters": {"resource": "image"}}, "main", "EXTERNAL_ACTION", "openAi"),
    (CHAIN + "textClassifier", {}, "main", "AI_AGENT", ""),
    (CHAIN + "lmChatOpenAi", ACCOUNT, "ai_languageModel", "EXTERNAL_ACTION", "openAi"),
    (CHAIN + "lmOllama", {}, "", "EXTERNAL_ACTION", "ollama"),
    (CHAIN + "embeddingsGoogleGemini", {}, "ai_embedding", "EXTERNAL_ACTION", "googleGemini"),
    (CHAIN + "rerankerCohere", {}, "ai_reranker", "EXTERNAL_ACTION", "cohere"),
    (CHAIN + "vectorStorePinecone", {}, "main", "EXTERNAL_ACTION", "pinecone"),
    (CHAIN + "vectorStoreInMemory", {}, "main", "ACTION", ""),
    ("n8n-nodes-x.model", {}, "ai_languageModel", "EXTERNAL_ACTION", "model"),
    (CHAIN + "outputParserStructured", {}, "ai_outputParser", "ACTION", ""),
    (CHAIN + "textSplitterTokenSplitter", {}, "ai_textSplitter", "ACTION", ""),
    (CHAIN + "documentDefaultDataLoader", {}, "ai_document", "ACTION", ""),
    (CHAIN + "retrieverVectorStore", {}, "ai_retriever", "ACTION", ""),
    (BASE + "slack", {"parameters": {"operation": "sendAndWait"}}, "main", "HUMAN_IN_THE_LOOP", "slack"),
    (BASE + "form", {}, "main", "HUMAN_IN_THE_LOOP", ""),
    (CHAIN + "chat", {}, "main", "HUMAN_IN_THE_LOOP", ""),
    (BASE + "wait", {"parameters": {"resume": "webhook"}}, "main", "HUMAN_IN_THE_LOOP", ""),
    (BASE + "wait", {"parameters": {"resume": "form"}}, "main", "HUMAN_IN_THE_LOOP", ""),
    (BASE + "wait", {"parameters": {"resume": "specificTime"}}, "main", "FLOW", ""),
    (BASE + "wait", {"parameters": {"resume": ["form"]}}, "main", "FLOW", ""),
    (BASE + "wait", {}, "main", "FLOW", ""),
    (BASE + "if", {}, "main", "FLOW", ""),
    (BASE + "switch", {}, "main", "FLOW", ""),
    (BASE + "merge", {}, "main", "FLOW", ""),
    (BASE + "splitInBatches", {}, "main", "FLOW", ""),
    (BASE + "executeWorkflow", {}, "main", "FLOW", ""),
    (BASE + "noOp", ACCOUNT, "main", "FLOW", ""),
    (BASE + "set", {}, "main", "ACTION", ""),
    (BASE + "code", {}, "main", "ACTION", ""),
    (BASE + "respondToWebhook", {}, "main", "ACTION", ""),
    (CHAIN + "code", {}, "main", "ACTION", ""),
    (BASE + "httpRequest", {}, "main", "EXTERNAL_ACTION", "http"),
    (BASE + "telegram", {}, "main", "EXTERNAL_ACTION", "telegram"),
    (BASE + "Brandfetch", ACCOUNT, "main", "EXTERNAL_ACTION", "brandfetch"),
    (BASE + "n8n", ACCOUNT, "main", "EXTERNAL_ACTION", "n8n"),
    (BASE + "openAi", ACCOUNT, "main", "EXTERNAL_ACTION", "openAi"),
    ("n8n-nodes-mcp.mcpClient", ACCOUNT, "main", "EXTERNAL_ACTION", "mcp"),
    ("n8n-nodes-x.y", ACCOUNT, "main", "EXTERNAL_ACTION", "y"),
    ("n8n-nodes-x.y", {"credentials": "none"}, "main", "ACTION", ""),
    ("n8n-nodes-x.y", {}, "main", "ACTION", ""),
    ("", {}, "main", "ACTION", ""),
    (".", ACCOUNT, "main", "EXTERNAL_ACTION", ""),
]


def one_node(kind: str, keys: Json, leaving: str) -> Json:
    """The document of a node, with a connection to another."""
    target: Json = {"node": "B", "type": leaving, "index": 0}
    nodes = [{"name": "A", "type": kind, "parameters": {}} | keys, {"name": "B", "type": "x"}]
    return to_document({"nodes": nodes, "connections": {"A": {leaving: [[target]]}} if leaving else {}}).document


@pytest.mark.parametrize(("kind", "keys", "leaving", "node_type", "integration"), CASES)
def test_what_a_node_is(kind: str, keys: Json, leaving: str, node_type: str, integration: str) -> None:
    found = one_node(kind, keys, leaving)["nodes"][0]
    assert (found["node_type"], found.get("integration", "")) == (node_type, integration)
    assert found.get("node_subtype", "") == kind


def test_each_rule_decides_for_something() -> None:
    words = {kind: {to_word(kind)} for kind in CONNECTION_TYPES}
    deciding = {
        rule_for({"type": kind, "parameters": {}} | keys, words.get(leaving, set())).why
        for kind, keys, leaving, _, _ in CASES
    }
    assert deciding == {rule.why for rule in RULES}
    assert len(deciding) == len(RULES)


@pytest.mark.parametrize(
    "parameters", [None, [], "x", 5, {"operation": None}, {"operation": {}}, {"resume": 1, "mode": []}]
)
def test_odd_parameters_decide_nothing(parameters: Any) -> None:
    assert one_node(BASE + "slack", {"parameters": parameters}, "")["nodes"][0]["node_type"] == "EXTERNAL_ACTION"
    assert one_node(BASE + "wait", {"parameters": parameters}, "")["nodes"][0]["node_type"] == "FLOW"


def test_all_connection_types_and_node_types_have_their_counterpart() -> None:
    assert sorted(CONNECTION_TYPES.values()) == sorted(ConnectionType)
    assert all(to_n8n(word) == kind and to_word(kind) == word for kind, word in CONNECTION_TYPES.items())
    assert {rule.node_type for rule in RULES} == {*NodeType}
