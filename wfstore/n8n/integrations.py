"""Which outside service a node talks to: `telegram` for telegramTrigger, telegramTool and telegram alike."""

from __future__ import annotations

from wfstore.n8n.fields import Json
from wfstore.n8n.node_types import LOCAL_ACTIONS, LOCAL_FLOW, is_one_of
from wfstore.vocabulary import NodeType

PREFIXES = ("lmChat", "lm", "embeddings", "vectorStore", "reranker", "memory", "document", "tool")
"""What a part of an agent is, before the service's name: lmChatOpenAi, memoryPostgresChat, toolSerpApi."""
SUFFIXES = ("Trigger", "Tool", "Chat")
"""After it: gmailTrigger, gmailTool, memoryPostgresChat."""
SERVICES = {
    "httpRequest": "http",
    "emailReadImap": "email",
    "emailSend": "email",
    "mcpClient": "mcp",
    "mcpRegistryClient": "mcp",
    "rssFeedRead": "rss",
    "openAiAssistant": "openAi",
    "mongoDBAtlas": "mongoDb",
    "pGVector": "postgres",
}
"""Where the name that is left is not the service's."""
OWN = (
    "manual schedule webhook cron interval start error executeWorkflow workflow form chat manualChat mcp n8n "
    "evaluation simulate localFile activation "
    "agent chain* informationExtractor textClassifier sentimentAnalysis guardrails "
    "calculator code think vectorStore executor bufferWindow chatRetriever manager inMemory* "
    "wait respondToChat " + LOCAL_FLOW + " " + LOCAL_ACTIONS
)
"""What n8n does itself."""
_SILENT = (NodeType.ACTION, NodeType.FLOW)


def integration(raw: Json, node_type: NodeType) -> str:
    """Return the service's name; empty where the node talks to none."""
    if node_type in _SILENT:
        return ""
    name = raw["type"].rpartition(".")[2]
    if name == "n8n":
        return "n8n"  # its own API, as an app; n8nTrigger is n8n itself
    for prefix in PREFIXES:
        if name.startswith(prefix) and name[len(prefix) : len(prefix) + 1].isupper():
            name = name[len(prefix) :]
            break
    for suffix in SUFFIXES:
        name = name.removesuffix(suffix) or name
    name = name[:1].lower() + name[1:]
    return "" if is_one_of(name, OWN) else SERVICES.get(name, name)
