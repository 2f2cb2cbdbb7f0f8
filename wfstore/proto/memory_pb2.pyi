from google.protobuf import struct_pb2 as _struct_pb2
from wfstore.proto import options_pb2 as _options_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Memory(_message.Message):
    __slots__ = ("tenant_id", "id", "workflow_id", "execution_id", "memory_key", "memory_value", "memory_type", "node_id", "created_by", "expires_at")
    class MemoryType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MEMORY_TYPE_UNSPECIFIED: _ClassVar[Memory.MemoryType]
        runtime: _ClassVar[Memory.MemoryType]
        persistent: _ClassVar[Memory.MemoryType]
        shared: _ClassVar[Memory.MemoryType]
    MEMORY_TYPE_UNSPECIFIED: Memory.MemoryType
    runtime: Memory.MemoryType
    persistent: Memory.MemoryType
    shared: Memory.MemoryType
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    WORKFLOW_ID_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_ID_FIELD_NUMBER: _ClassVar[int]
    MEMORY_KEY_FIELD_NUMBER: _ClassVar[int]
    MEMORY_VALUE_FIELD_NUMBER: _ClassVar[int]
    MEMORY_TYPE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    id: str
    workflow_id: str
    execution_id: str
    memory_key: str
    memory_value: _struct_pb2.Value
    memory_type: Memory.MemoryType
    node_id: str
    created_by: str
    expires_at: str
    def __init__(self, tenant_id: _Optional[str] = ..., id: _Optional[str] = ..., workflow_id: _Optional[str] = ..., execution_id: _Optional[str] = ..., memory_key: _Optional[str] = ..., memory_value: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., memory_type: _Optional[_Union[Memory.MemoryType, str]] = ..., node_id: _Optional[str] = ..., created_by: _Optional[str] = ..., expires_at: _Optional[str] = ...) -> None: ...
