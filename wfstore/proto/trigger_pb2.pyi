from google.protobuf import struct_pb2 as _struct_pb2
from wfstore.proto import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Trigger(_message.Message):
    __slots__ = ("tenant_id", "id", "workflow_id", "node_id", "trigger_type", "trigger_config", "schedule", "next_run_at", "oauth_token_id", "is_active", "trigger_count", "last_triggered_at")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_TYPE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_CONFIG_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    NEXT_RUN_AT_FIELD_NUMBER: _ClassVar[int]
    OAUTH_TOKEN_ID_FIELD_NUMBER: _ClassVar[int]
    IS_ACTIVE_FIELD_NUMBER: _ClassVar[int]
    TRIGGER_COUNT_FIELD_NUMBER: _ClassVar[int]
    LAST_TRIGGERED_AT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    id: str
    workflow_id: str
    node_id: str
    trigger_type: str
    trigger_config: _struct_pb2.Struct
    schedule: Schedule
    next_run_at: str
    oauth_token_id: str
    is_active: bool
    trigger_count: int
    last_triggered_at: str
    def __init__(self, tenant_id: _Optional[str] = ..., id: _Optional[str] = ..., workflow_id: _Optional[str] = ..., node_id: _Optional[str] = ..., trigger_type: _Optional[str] = ..., trigger_config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., schedule: _Optional[_Union[Schedule, _Mapping]] = ..., next_run_at: _Optional[str] = ..., oauth_token_id: _Optional[str] = ..., is_active: bool = ..., trigger_count: _Optional[int] = ..., last_triggered_at: _Optional[str] = ...) -> None: ...

class Schedule(_message.Message):
    __slots__ = ("cron", "timezone")
    CRON_FIELD_NUMBER: _ClassVar[int]
    TIMEZONE_FIELD_NUMBER: _ClassVar[int]
    cron: str
    timezone: str
    def __init__(self, cron: _Optional[str] = ..., timezone: _Optional[str] = ...) -> None: ...
