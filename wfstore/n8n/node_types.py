"""n8n has hundreds of node types, the document eight: the table of rules that leads from one to the other.

The rules are tried from the first to the last; the first that holds decides. A rule looks at the node's type
(`package.name`), its parameters, whether it has credentials, and the types of the connections that leave it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any

from wfstore.n8n.fields import Json, part
from wfstore.vocabulary import ConnectionType, NodeType

BASE = "n8n-nodes-base"
LANGCHAIN = "@n8n/n8n-nodes-langchain"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules may look at."""

    package: str
    name: str
    """The last part of the type."""
    parameters: Json
    has_credentials: bool
    leaving: frozenset[str]
    """The document's types of the connections that leave the node."""


Condition = Callable[[Facts], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """A node whose type's last part is one of `names` (patterns with *), of `package`, where `when` holds."""

    node_type: NodeType
    why: str
    names: str = "*"
    package: str = ""
    """Empty: any."""
    when: Condition | None = None

    def holds(self, facts: Facts) -> bool:
        """Whether the rule decides for the node."""
        return (
            self.package in ("", facts.package)
            and is_one_of(facts.name, self.names)
            and (self.when is None or self.when(facts))
        )


def _leaves_by(*kinds: ConnectionType) -> Condition:
    return lambda facts: not facts.leaving.isdisjoint(kinds)


def _parameter(key: str, *values: Any) -> Condition:
    return lambda facts: isinstance(facts.parameters.get(key), str) and facts.parameters[key] in values


def _has_credentials(facts: Facts) -> bool:
    return facts.has_credentials


LOCAL_FLOW = (
    "if switch merge filter limit splitInBatches compareDatasets wait noOp stopAndError executeWorkflow modelSelector"
)
LOCAL_ACTIONS = (
    "set code function functionItem aiTransform simulate executeCommand executionData debugHelper timeSaved evaluation "
    "aggregate summarize sort splitOut itemLists removeDuplicates renameKeys dataTable "
    "html htmlExtract markdown xml dateTime crypto jwt totp iCal compression editImage "
    "convertToFile extractFromFile spreadsheetFile moveBinaryData readPDF readBinaryFile readBinaryFiles "
    "writeBinaryFile readWriteFile respondToWebhook n8nTrainingCustomerDatastore n8nTrainingCustomerMessenger"
)

RULES = (
    # --- what starts a run
    Rule(NodeType.TRIGGER, "n8n calls what starts a run a trigger", "*Trigger *trigger"),
    Rule(NodeType.TRIGGER, "older triggers, and those of another name", "webhook cron interval start", BASE),
    Rule(NodeType.TRIGGER, "polls a mailbox: it is n8n's e-mail trigger", "emailReadImap", BASE),
    # --- what serves an agent
    Rule(NodeType.TOOL, "an agent calls it, whatever it is otherwise", when=_leaves_by(ConnectionType.AI_TOOL)),
    Rule(NodeType.TOOL, "a tool that is connected to nothing yet", "tool*", LANGCHAIN),
    Rule(NodeType.TOOL, "an app's or a community's node in its form as a tool", "*Tool"),
    Rule(
        NodeType.TOOL, "a vector store that an agent asks", "vectorStore*", when=_parameter("mode", "retrieve-as-tool")
    ),
    Rule(NodeType.ACTION, "a step of the main flow, which reads or edits a memory", "memoryManager", LANGCHAIN),
    Rule(NodeType.MEMORY, "it is an agent's memory", when=_leaves_by(ConnectionType.AI_MEMORY)),
    Rule(NodeType.MEMORY, "a memory that is connected to nothing yet", "memory*", LANGCHAIN),
    # --- agents and chains: what has a model think
    Rule(
        NodeType.EXTERNAL_ACTION,
        "of a vendor's node: an upload or a conversion, and no conversation",
        "openAi anthropic googleGemini ollama mistral*",
        LANGCHAIN,
        _parameter("resource", "audio", "document", "file", "image", "video", "fileSearch"),
    ),
    Rule(
        NodeType.AI_AGENT,
        "has a model think, with a memory or tools of its own where it needs them",
        "agent chain* openAi openAiAssistant anthropic googleGemini ollama mistral* "
        "informationExtractor textClassifier sentimentAnalysis guardrails",
        LANGCHAIN,
    ),
    # --- parts of agents and chains that are neither tool nor memory
    Rule(NodeType.ACTION, "keeps its vectors in n8n's own memory, calls nobody", "vectorStoreInMemory*", LANGCHAIN),
    Rule(
        NodeType.EXTERNAL_ACTION,
        "models, embeddings, rerankers and vector stores are calls of an outside service",
        "lm[A-Z]* embeddings* reranker* vectorStore*",
        LANGCHAIN,
    ),
    Rule(
        NodeType.ACTION,
        "splitters, parsers, loaders and retrievers work on what is there",
        "textSplitter* outputParser* document* retriever*",
        LANGCHAIN,
    ),
    Rule(
        NodeType.EXTERNAL_ACTION,
        "a community's model, embedding, reranker or vector store",
        when=_leaves_by(
            ConnectionType.AI_LANGUAGE_MODEL,
            ConnectionType.AI_EMBEDDING,
            ConnectionType.AI_RERANKER,
            ConnectionType.AI_VECTOR_STORE,
        ),
    ),
    # --- what waits for people
    Rule(
        NodeType.HUMAN_IN_THE_LOOP,
        "sends a message and waits for the answer of a person",
        when=_parameter("operation", "sendAndWait"),
    ),
    Rule(
        NodeType.HUMAN_IN_THE_LOOP,
        "goes on when somebody fills in a form or calls an address; a wait for a time is FLOW, below",
        "wait",
        BASE,
        _parameter("resume", "form", "webhook"),
    ),
    Rule(NodeType.HUMAN_IN_THE_LOOP, "a page of a form for a person", "form", BASE),
    Rule(
        NodeType.HUMAN_IN_THE_LOOP, "says something in a chat and waits for the reply", "chat respondToChat", LANGCHAIN
    ),
    # --- what steers, and what works on data: within n8n, calling nobody
    Rule(NodeType.FLOW, "decides which items go where, when, or whether at all", LOCAL_FLOW),
    Rule(
        NodeType.ACTION,
        "works on items, files or n8n itself; an answer to a webhook's caller is output, and waits for nobody",
        LOCAL_ACTIONS,
        BASE,
    ),
    # --- the rest
    Rule(NodeType.EXTERNAL_ACTION, "n8n's own nodes are otherwise HTTP and apps, with credentials or not", "*", BASE),
    Rule(NodeType.EXTERNAL_ACTION, "has an account with a service", when=_has_credentials),
    Rule(NodeType.ACTION, "nothing tells that it calls a service"),
)


def node_type(raw: Json, leaving: set[str]) -> NodeType:
    """Return what a node of n8n is, by the first rule that holds."""
    return rule_for(raw, leaving).node_type


def rule_for(raw: Json, leaving: set[str]) -> Rule:
    """Return the rule that decides for a node of n8n; `leaving` has the document's types of its connections."""
    package, _, name = raw["type"].rpartition(".")
    facts = Facts(package, name, part(raw, "parameters"), bool(part(raw, "credentials")), frozenset(leaving))
    return next(rule for rule in RULES if rule.holds(facts))


@lru_cache(maxsize=100_000)
def is_one_of(name: str, patterns: str) -> bool:
    """Whether a name matches one of the patterns, which spaces part."""
    return any(fnmatchcase(name, pattern) for pattern in patterns.split())
