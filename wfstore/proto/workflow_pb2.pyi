from google.protobuf import struct_pb2 as _struct_pb2
from wfstore.proto import options_pb2 as _options_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Workflow(_message.Message):
    __slots__ = ("name", "description", "version", "tags", "settings", "static_data", "pin_data", "nodes", "connections", "annotations", "meta")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    STATIC_DATA_FIELD_NUMBER: _ClassVar[int]
    PIN_DATA_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    CONNECTIONS_FIELD_NUMBER: _ClassVar[int]
    ANNOTATIONS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    name: str
    description: str
    version: str
    tags: _containers.RepeatedScalarFieldContainer[str]
    settings: WorkflowSettings
    static_data: _struct_pb2.Value
    pin_data: _struct_pb2.Value
    nodes: _containers.RepeatedCompositeFieldContainer[Node]
    connections: _containers.RepeatedCompositeFieldContainer[NodeConnection]
    annotations: _containers.RepeatedCompositeFieldContainer[Annotation]
    meta: _struct_pb2.Struct
    def __init__(self, name: _Optional[str] = ..., description: _Optional[str] = ..., version: _Optional[str] = ..., tags: _Optional[_Iterable[str]] = ..., settings: _Optional[_Union[WorkflowSettings, _Mapping]] = ..., static_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., pin_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[Node, _Mapping]]] = ..., connections: _Optional[_Iterable[_Union[NodeConnection, _Mapping]]] = ..., annotations: _Optional[_Iterable[_Union[Annotation, _Mapping]]] = ..., meta: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class WorkflowSettings(_message.Message):
    __slots__ = ("timezone", "execution_timeout", "error_workflow_id", "max_concurrency", "meta")
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    ERROR_WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENCY_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    timezone: str
    execution_timeout: int
    error_workflow_id: str
    max_concurrency: int
    meta: _struct_pb2.Struct
    def __init__(self, timezone: _Optional[str] = ..., execution_timeout: _Optional[int] = ..., error_workflow_id: _Optional[str] = ..., max_concurrency: _Optional[int] = ..., meta: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Node(_message.Message):
    __slots__ = ("node_id", "node_type", "node_subtype", "integration", "type_version", "name", "description", "disabled", "position_x", "position_y", "parameters", "credentials", "error_handling", "max_retries", "retry_wait_time", "notes", "webhooks", "meta")
    class NodeType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NODE_TYPE_UNSPECIFIED: _ClassVar[Node.NodeType]
        TRIGGER: _ClassVar[Node.NodeType]
        AI_AGENT: _ClassVar[Node.NodeType]
        EXTERNAL_ACTION: _ClassVar[Node.NodeType]
        ACTION: _ClassVar[Node.NodeType]
        FLOW: _ClassVar[Node.NodeType]
        HUMAN_IN_THE_LOOP: _ClassVar[Node.NodeType]
        TOOL: _ClassVar[Node.NodeType]
        MEMORY: _ClassVar[Node.NodeType]
    NODE_TYPE_UNSPECIFIED: Node.NodeType
    TRIGGER: Node.NodeType
    AI_AGENT: Node.NodeType
    EXTERNAL_ACTION: Node.NodeType
    ACTION: Node.NodeType
    FLOW: Node.NodeType
    HUMAN_IN_THE_LOOP: Node.NodeType
    TOOL: Node.NodeType
    MEMORY: Node.NodeType
    class ErrorHandling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ERROR_HANDLING_UNSPECIFIED: _ClassVar[Node.ErrorHandling]
        STOP_WORKFLOW_ON_ERROR: _ClassVar[Node.ErrorHandling]
        CONTINUE_REGULAR_OUTPUT_ON_ERROR: _ClassVar[Node.ErrorHandling]
        CONTINUE_ERROR_OUTPUT_ON_ERROR: _ClassVar[Node.ErrorHandling]
    ERROR_HANDLING_UNSPECIFIED: Node.ErrorHandling
    STOP_WORKFLOW_ON_ERROR: Node.ErrorHandling
    CONTINUE_REGULAR_OUTPUT_ON_ERROR: Node.ErrorHandling
    CONTINUE_ERROR_OUTPUT_ON_ERROR: Node.ErrorHandling
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    NODE_SUBTYPE_FIELD_NUMBER: _ClassVar[int]
    INTEGRATION_FIELD_NUMBER: _ClassVar[int]
    TYPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DISABLED_FIELD_NUMBER: _ClassVar[int]
    POSITION_X_FIELD_NUMBER: _ClassVar[int]
    POSITION_Y_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    CREDENTIALS_FIELD_NUMBER: _ClassVar[int]
    ERROR_HANDLING_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    RETRY_WAIT_TIME_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    WEBHOOKS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    node_type: Node.NodeType
    node_subtype: str
    integration: str
    type_version: float
    name: str
    description: str
    disabled: bool
    position_x: float
    position_y: float
    parameters: _struct_pb2.Struct
    credentials: _struct_pb2.Struct
    error_handling: Node.ErrorHandling
    max_retries: int
    retry_wait_time: int
    notes: str
    webhooks: _containers.RepeatedScalarFieldContainer[str]
    meta: _struct_pb2.Struct
    def __init__(self, node_id: _Optional[str] = ..., node_type: _Optional[_Union[Node.NodeType, str]] = ..., node_subtype: _Optional[str] = ..., integration: _Optional[str] = ..., type_version: _Optional[float] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., disabled: bool = ..., position_x: _Optional[float] = ..., position_y: _Optional[float] = ..., parameters: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., credentials: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error_handling: _Optional[_Union[Node.ErrorHandling, str]] = ..., max_retries: _Optional[int] = ..., retry_wait_time: _Optional[int] = ..., notes: _Optional[str] = ..., webhooks: _Optional[_Iterable[str]] = ..., meta: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class NodeConnection(_message.Message):
    __slots__ = ("source_node_id", "source_index", "target_node_id", "target_index", "connection_type", "label", "conditions", "meta")
    SOURCE_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    SOURCE_INDEX_FIELD_NUMBER: _ClassVar[int]
    TARGET_NODE_ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_INDEX_FIELD_NUMBER: _ClassVar[int]
    CONNECTION_TYPE_FIELD_NUMBER: _ClassVar[int]
    LABEL_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    source_node_id: str
    source_index: int
    target_node_id: str
    target_index: int
    connection_type: str
    label: str
    conditions: _struct_pb2.Value
    meta: _struct_pb2.Struct
    def __init__(self, source_node_id: _Optional[str] = ..., source_index: _Optional[int] = ..., target_node_id: _Optional[str] = ..., target_index: _Optional[int] = ..., connection_type: _Optional[str] = ..., label: _Optional[str] = ..., conditions: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., meta: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...

class Annotation(_message.Message):
    __slots__ = ("annotation_id", "name", "text", "position_x", "position_y", "width", "height", "color", "meta")
    ANNOTATION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    POSITION_X_FIELD_NUMBER: _ClassVar[int]
    POSITION_Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    COLOR_FIELD_NUMBER: _ClassVar[int]
    META_FIELD_NUMBER: _ClassVar[int]
    annotation_id: str
    name: str
    text: str
    position_x: float
    position_y: float
    width: float
    height: float
    color: _struct_pb2.Value
    meta: _struct_pb2.Struct
    def __init__(self, annotation_id: _Optional[str] = ..., name: _Optional[str] = ..., text: _Optional[str] = ..., position_x: _Optional[float] = ..., position_y: _Optional[float] = ..., width: _Optional[float] = ..., height: _Optional[float] = ..., color: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., meta: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
