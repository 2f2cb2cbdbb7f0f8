from google.protobuf import struct_pb2 as _struct_pb2
from wfstore.proto import options_pb2 as _options_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AIAgentConfig(_message.Message):
    __slots__ = ("provider", "model_id", "model_version", "system_prompt", "prompt", "temperature", "max_tokens", "max_iterations", "timeout", "output_schema", "config")
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_PROMPT_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    provider: str
    model_id: str
    model_version: str
    system_prompt: str
    prompt: str
    temperature: float
    max_tokens: int
    max_iterations: int
    timeout: int
    output_schema: _struct_pb2.Struct
    config: _struct_pb2.Struct
    def __init__(self, provider: _Optional[str] = ..., model_id: _Optional[str] = ..., model_version: _Optional[str] = ..., system_prompt: _Optional[str] = ..., prompt: _Optional[str] = ..., temperature: _Optional[float] = ..., max_tokens: _Optional[int] = ..., max_iterations: _Optional[int] = ..., timeout: _Optional[int] = ..., output_schema: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
