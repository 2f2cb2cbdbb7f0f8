"""The vocabularies of the schema: each is held against its CHECK constraint by a test."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field


class NodeType(StrEnum):
    """What a node is."""

    TRIGGER = "TRIGGER"
    AI_AGENT = "AI_AGENT"
    EXTERNAL_ACTION = "EXTERNAL_ACTION"
    ACTION = "ACTION"
    FLOW = "FLOW"
    HUMAN_IN_THE_LOOP = "HUMAN_IN_THE_LOOP"
    TOOL = "TOOL"
    MEMORY = "MEMORY"


class ExecutionStatus(StrEnum):
    """Where an execution stands; the last three are final."""

    NEW = "NEW"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self in (ExecutionStatus.SUCCESS, ExecutionStatus.ERROR, ExecutionStatus.CANCELED)


class ExecutionMode(StrEnum):
    """What started an execution."""

    MANUAL = "MANUAL"
    TRIGGER = "TRIGGER"
    WEBHOOK = "WEBHOOK"
    RETRY = "RETRY"


class NodeStatus(StrEnum):
    """Where a node's run stands; the last four are final."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    WAITING = "WAITING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether nothing can change any more."""
        return self not in (NodeStatus.PENDING, NodeStatus.RUNNING, NodeStatus.WAITING)


class ErrorHandling(StrEnum):
    """What an error of a node does to the run."""

    STOP_WORKFLOW_ON_ERROR = "STOP_WORKFLOW_ON_ERROR"
    CONTINUE_REGULAR_OUTPUT_ON_ERROR = "CONTINUE_REGULAR_OUTPUT_ON_ERROR"
    CONTINUE_ERROR_OUTPUT_ON_ERROR = "CONTINUE_ERROR_OUTPUT_ON_ERROR"


class ConnectionType(StrEnum):
    """What flows through a connection."""

    MAIN = "MAIN"
    AI_AGENT = "AI_AGENT"
    AI_CHAIN = "AI_CHAIN"
    AI_DOCUMENT = "AI_DOCUMENT"
    AI_EMBEDDING = "AI_EMBEDDING"
    AI_LANGUAGE_MODEL = "AI_LANGUAGE_MODEL"
    AI_MEMORY = "AI_MEMORY"
    AI_OUTPUT_PARSER = "AI_OUTPUT_PARSER"
    AI_RETRIEVER = "AI_RETRIEVER"
    AI_RERANKER = "AI_RERANKER"
    AI_TEXT_SPLITTER = "AI_TEXT_SPLITTER"
    AI_TOOL = "AI_TOOL"
    AI_VECTOR_STORE = "AI_VECTOR_STORE"


class TermKind(StrEnum):
    """By what a workflow can be found."""

    NAME = "NAME"
    TAG = "TAG"
    NODE_TYPE = "NODE_TYPE"
    NODE_SUBTYPE = "NODE_SUBTYPE"
    INTEGRATION = "INTEGRATION"
    CREDENTIAL = "CREDENTIAL"


class WakeReason(StrEnum):
    """What ended the wait of an execution."""

    TIME = "TIME"
    SIGNAL = "SIGNAL"
    CHILDREN = "CHILDREN"


class ParkReason(StrEnum):
    """What a claim found in an execution's way."""

    CONCURRENCY = "CONCURRENCY"
    WORKFLOW = "WORKFLOW"


class PauseKind(StrEnum):
    """What can be paused."""

    QUEUE = "QUEUE"
    WORKFLOW = "WORKFLOW"


# Rows are validated strictly, and the database sends a vocabulary's words as text: these say that a text
# which is such a word is meant.
ANodeType = Annotated[NodeType, Field(strict=False)]
AnExecutionStatus = Annotated[ExecutionStatus, Field(strict=False)]
AnExecutionMode = Annotated[ExecutionMode, Field(strict=False)]
ANodeStatus = Annotated[NodeStatus, Field(strict=False)]
AnErrorHandling = Annotated[ErrorHandling, Field(strict=False)]
AConnectionType = Annotated[ConnectionType, Field(strict=False)]
ATermKind = Annotated[TermKind, Field(strict=False)]
AWakeReason = Annotated[WakeReason, Field(strict=False)]
AParkReason = Annotated[ParkReason, Field(strict=False)]
APauseKind = Annotated[PauseKind, Field(strict=False)]
