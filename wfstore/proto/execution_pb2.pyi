from google.protobuf import struct_pb2 as _struct_pb2
from wfstore.proto import options_pb2 as _options_pb2
from wfstore.proto import workflow_pb2 as _workflow_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExecutionData(_message.Message):
    __slots__ = ("tenant_id", "execution_id", "workflow_id", "workflow_revision", "status", "mode", "triggered_by", "parent_execution_id", "start_time", "end_time", "run_data", "metadata", "error_message", "error_details", "created_at", "retry_of_execution_id", "node_runs")
    class ExecutionStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EXECUTION_STATUS_UNSPECIFIED: _ClassVar[ExecutionData.ExecutionStatus]
        NEW: _ClassVar[ExecutionData.ExecutionStatus]
        RUNNING: _ClassVar[ExecutionData.ExecutionStatus]
        WAITING: _ClassVar[ExecutionData.ExecutionStatus]
        SUCCESS: _ClassVar[ExecutionData.ExecutionStatus]
        ERROR: _ClassVar[ExecutionData.ExecutionStatus]
        CANCELED: _ClassVar[ExecutionData.ExecutionStatus]
    EXECUTION_STATUS_UNSPECIFIED: ExecutionData.ExecutionStatus
    NEW: ExecutionData.ExecutionStatus
    RUNNING: ExecutionData.ExecutionStatus
    WAITING: ExecutionData.ExecutionStatus
    SUCCESS: ExecutionData.ExecutionStatus
    ERROR: ExecutionData.ExecutionStatus
    CANCELED: ExecutionData.ExecutionStatus
    class ExecutionMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        EXECUTION_MODE_UNSPECIFIED: _ClassVar[ExecutionData.ExecutionMode]
        MANUAL: _ClassVar[ExecutionData.ExecutionMode]
        TRIGGER: _ClassVar[ExecutionData.ExecutionMode]
        WEBHOOK: _ClassVar[ExecutionData.ExecutionMode]
        RETRY: _ClassVar[ExecutionData.ExecutionMode]
    EXECUTION_MODE_UNSPECIFIED: ExecutionData.ExecutionMode
    MANUAL: ExecutionData.ExecutionMode
    TRIGGER: ExecutionData.ExecutionMode
    WEBHOOK: ExecutionData.ExecutionMode
    RETRY: ExecutionData.ExecutionMode
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_REVISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TRIGGERED_BY_FIELD_NUMBER: _ClassVar[int]
    PARENT_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RUN_DATA_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_DETAILS_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    RETRY_OF_EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_RUNS_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    execution_id: str
    workflow_id: str
    workflow_revision: int
    status: ExecutionData.ExecutionStatus
    mode: ExecutionData.ExecutionMode
    triggered_by: str
    parent_execution_id: str
    start_time: int
    end_time: int
    run_data: _struct_pb2.Value
    metadata: _struct_pb2.Struct
    error_message: str
    error_details: _struct_pb2.Value
    created_at: str
    retry_of_execution_id: str
    node_runs: RunData
    def __init__(self, tenant_id: _Optional[str] = ..., execution_id: _Optional[str] = ..., workflow_id: _Optional[str] = ..., workflow_revision: _Optional[int] = ..., status: _Optional[_Union[ExecutionData.ExecutionStatus, str]] = ..., mode: _Optional[_Union[ExecutionData.ExecutionMode, str]] = ..., triggered_by: _Optional[str] = ..., parent_execution_id: _Optional[str] = ..., start_time: _Optional[int] = ..., end_time: _Optional[int] = ..., run_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., metadata: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., error_message: _Optional[str] = ..., error_details: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., created_at: _Optional[str] = ..., retry_of_execution_id: _Optional[str] = ..., node_runs: _Optional[_Union[RunData, _Mapping]] = ...) -> None: ...

class RunData(_message.Message):
    __slots__ = ("nodes",)
    class NodesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: NodeRunData
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[NodeRunData, _Mapping]] = ...) -> None: ...
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.MessageMap[str, NodeRunData]
    def __init__(self, nodes: _Optional[_Mapping[str, NodeRunData]] = ...) -> None: ...

class NodeRunData(_message.Message):
    __slots__ = ("runs",)
    RUNS_FIELD_NUMBER: _ClassVar[int]
    runs: _containers.RepeatedCompositeFieldContainer[TaskData]
    def __init__(self, runs: _Optional[_Iterable[_Union[TaskData, _Mapping]]] = ...) -> None: ...

class TaskData(_message.Message):
    __slots__ = ("run_index", "node_type", "status", "start_time", "end_time", "retry_count", "max_retries", "data")
    class NodeStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        NODE_STATUS_UNSPECIFIED: _ClassVar[TaskData.NodeStatus]
        PENDING: _ClassVar[TaskData.NodeStatus]
        RUNNING: _ClassVar[TaskData.NodeStatus]
        WAITING: _ClassVar[TaskData.NodeStatus]
        SUCCESS: _ClassVar[TaskData.NodeStatus]
        ERROR: _ClassVar[TaskData.NodeStatus]
        SKIPPED: _ClassVar[TaskData.NodeStatus]
        CANCELED: _ClassVar[TaskData.NodeStatus]
    NODE_STATUS_UNSPECIFIED: TaskData.NodeStatus
    PENDING: TaskData.NodeStatus
    RUNNING: TaskData.NodeStatus
    WAITING: TaskData.NodeStatus
    SUCCESS: TaskData.NodeStatus
    ERROR: TaskData.NodeStatus
    SKIPPED: TaskData.NodeStatus
    CANCELED: TaskData.NodeStatus
    RUN_INDEX_FIELD_NUMBER: _ClassVar[int]
    NODE_TYPE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    RETRY_COUNT_FIELD_NUMBER: _ClassVar[int]
    MAX_RETRIES_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    run_index: int
    node_type: _workflow_pb2.Node.NodeType
    status: TaskData.NodeStatus
    start_time: int
    end_time: int
    retry_count: int
    max_retries: int
    data: NodeExecutionData
    def __init__(self, run_index: _Optional[int] = ..., node_type: _Optional[_Union[_workflow_pb2.Node.NodeType, str]] = ..., status: _Optional[_Union[TaskData.NodeStatus, str]] = ..., start_time: _Optional[int] = ..., end_time: _Optional[int] = ..., retry_count: _Optional[int] = ..., max_retries: _Optional[int] = ..., data: _Optional[_Union[NodeExecutionData, _Mapping]] = ...) -> None: ...

class NodeExecutionData(_message.Message):
    __slots__ = ("input_data", "output_data", "error_data")
    INPUT_DATA_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_DATA_FIELD_NUMBER: _ClassVar[int]
    ERROR_DATA_FIELD_NUMBER: _ClassVar[int]
    input_data: _struct_pb2.Value
    output_data: _struct_pb2.Value
    error_data: _struct_pb2.Value
    def __init__(self, input_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., output_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., error_data: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ...) -> None: ...

class ErrorData(_message.Message):
    __slots__ = ("message", "name", "description", "node_id", "timestamp", "stack", "http_code", "details")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    STACK_FIELD_NUMBER: _ClassVar[int]
    HTTP_CODE_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    message: str
    name: str
    description: str
    node_id: str
    timestamp: int
    stack: str
    http_code: int
    details: _struct_pb2.Struct
    def __init__(self, message: _Optional[str] = ..., name: _Optional[str] = ..., description: _Optional[str] = ..., node_id: _Optional[str] = ..., timestamp: _Optional[int] = ..., stack: _Optional[str] = ..., http_code: _Optional[int] = ..., details: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
