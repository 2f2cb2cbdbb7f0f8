"""What a document's shape and its conversion ask of the descriptors of messages."""

from __future__ import annotations

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"
FREE = (STRUCT, VALUE)
"""Messages that stand for JSON of any form."""


def is_list(field: FieldDescriptor) -> bool:
    """Whether the field is repeated; a map is, too."""
    if hasattr(field, "is_repeated"):  # since protobuf 6.31, which warns of `label`
        return bool(field.is_repeated)
    return bool(field.label == FieldDescriptor.LABEL_REPEATED)  # type: ignore[attr-defined]


def message_in(field: FieldDescriptor) -> Descriptor | None:
    """Return the message that the field, or each item of a list or a map, holds; None if it is a plain value."""
    found = field.message_type
    return found.fields_by_name["value"].message_type if found and is_map(field) else found


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map; ours are from texts to messages."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def words_of(enum: EnumDescriptor) -> dict[str, int]:
    """Return the words of an enum that a document may have, with their numbers: all but the unspecified one."""
    return {value.name: value.number for value in enum.values if value.number != 0}
