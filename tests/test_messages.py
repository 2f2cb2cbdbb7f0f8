"""Documents to messages and back: what arrives is what was sent, or the path of what would not."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.documentkit import Document, chain, documents
from wfstore.documents.descriptors import is_list, is_map, words_of
from wfstore.documents.messages import to_document, to_message
from wfstore.errors import InvalidDocument
from wfstore.proto.ai_agent_pb2 import AIAgentConfig
from wfstore.proto.execution_pb2 import ErrorData, ExecutionData
from wfstore.proto.integration_pb2 import Integration
from wfstore.proto.memory_pb2 import Memory
from wfstore.proto.trigger_pb2 import Trigger
from wfstore.proto.workflow_pb2 import Node, Workflow

MESSAGES = [Workflow, ExecutionData, AIAgentConfig, Trigger, Integration, Memory, ErrorData]
NO_KEY = "which a message cannot tell from no key"


def exactly(document: Any) -> Any:
    """A document as text that tells 1 from 1.0 and true; the order of keys does not matter."""
    return json.dumps(document, sort_keys=True, allow_nan=False)


# --- generated ----------------------------------------------------------------------------------------------

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
_double = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, -1.0, 0.5, 2.0**53, -(2.0**53), 2.0**53 + 2, 1e16, 1e300, 5e-324]
)


def _value_of(kind: str, content: Any) -> Value:
    return Value(**{kind: content})


def _struct_of(members: dict[str, Value]) -> Struct:
    return Struct(fields=members)


def _list_of(items: list[Value]) -> ListValue:
    return ListValue(values=items)


_value = st.recursive(
    st.builds(_value_of, st.just("null_value"), st.just(NULL_VALUE))
    | st.builds(_value_of, st.just("bool_value"), st.booleans())
    | st.builds(_value_of, st.just("number_value"), _double)
    | st.builds(_value_of, st.just("string_value"), _text),
    lambda inner: (
        st.builds(_value_of, st.just("list_value"), st.builds(_list_of, st.lists(inner, max_size=3)))
        | st.builds(
            _value_of, st.just("struct_value"), st.builds(_struct_of, st.dictionaries(_text, inner, max_size=3))
        )
    ),
    max_leaves=5,
)
_struct = st.builds(_struct_of, st.dictionaries(_text, _value, max_size=3))
_RANGES = {FieldDescriptor.CPPTYPE_INT32: 2**31, FieldDescriptor.CPPTYPE_INT64: 2**63}


def contents(field: Any) -> st.SearchStrategy[Any]:
    """What a field, or an item of a list, may hold."""
    if field.message_type is not None:
        free = {"google.protobuf.Struct": _struct, "google.protobuf.Value": _value}
        found = free.get(field.message_type.full_name)
        return messages_of(field.message_type) if found is None else found
    if field.enum_type is not None:
        return st.sampled_from(list(words_of(field.enum_type).values()))
    if field.cpp_type in _RANGES:
        return st.integers(-_RANGES[field.cpp_type], _RANGES[field.cpp_type] - 1)
    plain = {FieldDescriptor.CPPTYPE_BOOL: st.booleans(), FieldDescriptor.CPPTYPE_DOUBLE: _double}
    return plain.get(field.cpp_type, _text)


def messages_of(descriptor: Any) -> st.SearchStrategy[Any]:
    """Messages with any of their fields."""
    fields: dict[str, st.SearchStrategy[Any]] = {}
    for field in descriptor.fields:
        if is_map(field):
            value = field.message_type.fields_by_name["value"]
            fields[field.name] = st.dictionaries(_text, contents(value), max_size=2)
        else:
            one = contents(field)
            fields[field.name] = st.lists(one, max_size=3) if is_list(field) else one

    def build(given: dict[str, Any]) -> Message:
        message: Message = descriptor._concrete_class(
            **{name: each for name, each in given.items() if not isinstance(each, dict)}
        )
        for name, each in given.items():
            if isinstance(each, dict):
                for key, item in each.items():
                    getattr(message, name)[key].CopyFrom(item)
        return message

    return st.fixed_dictionaries({}, optional=fields).map(build)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda it: it.DESCRIPTOR.name)
@settings(deadline=None)
@given(data=st.data())
def test_a_message_comes_back_the_same(message: type[Message], data: st.DataObject) -> None:
    sent = data.draw(messages_of(message.DESCRIPTOR))
    document = to_document(sent)
    received = to_message(document, message)
    assert received == sent
    assert received.SerializeToString(deterministic=True) == sent.SerializeToString(deterministic=True)
    assert exactly(to_document(message.FromString(sent.SerializeToString()))) == exactly(document)


@settings(deadline=None)
@given(document=documents)
def test_a_document_comes_back_the_same_or_is_refused_with_a_path(document: Document) -> None:
    try:
        message = to_message(document)
    except InvalidDocument as refusal:
        [finding] = refusal.findings
        assert (finding.code, bool(finding.path)) == ("inconvertible", True)
        assert exactly(pruned(document)) != exactly(document)
    else:
        assert exactly(to_document(message)) == exactly(document)
        assert exactly(to_document(Workflow.FromString(message.SerializeToString()))) == exactly(document)


@settings(deadline=None)
@given(document=documents)
def test_what_is_left_without_the_refused_places_comes_back(document: Document) -> None:
    """Nothing is refused without need: a document from which all that is known to be refused is gone passes."""
    left = pruned(document)
    assert exactly(to_document(to_message(left))) == exactly(left)


FREE = {"parameters", "credentials", "static_data", "pin_data", "conditions", "meta"}
KNOWN = {
    "": set(Workflow.DESCRIPTOR.fields_by_name),
    "settings": set(Workflow.DESCRIPTOR.fields_by_name["settings"].message_type.fields_by_name),
    "nodes": set(Node.DESCRIPTOR.fields_by_name),
    "connections": set(Workflow.DESCRIPTOR.fields_by_name["connections"].message_type.fields_by_name),
}
ANY_VALUE = {"static_data", "pin_data", "conditions"}


def pruned(document: Document, kind: str = "") -> Document:
    """The document without what a message cannot hold, worked out apart from the conversion."""
    found: Document = {}
    for key, value in document.items():
        if key not in KNOWN[kind] or (value is None and key not in ANY_VALUE) or (value == [] and key not in FREE):
            continue
        if key in FREE or isinstance(value, float | int):
            found[key] = plain_numbers(value)
        elif key in KNOWN:
            found[key] = pruned(value, key) if key == "settings" else [pruned(each, key) for each in value]
        else:
            found[key] = value
    return found


def plain_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: plain_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_numbers(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    if abs(value) > 2**53:
        return float(value)
    return int(value) if value == int(value) and str(value) != "-0.0" else value


def test_a_large_document_passes_in_good_time() -> None:
    start = time.process_time()
    document = pruned(chain(1_400))
    assert to_document(to_message(document)) == document
    assert time.process_time() - start < 5


# --- what is refused ----------------------------------------------------------------------------------------


def node(**keys: Any) -> Document:
    return {"name": "w", "nodes": [{"node_id": "a", "node_type": "TOOL"} | keys]}


REFUSED: list[tuple[Any, str]] = [
    (None, "a workflow document is a JSON object, not null"),
    ({"name": 5}, "name: is a number, not a string"),
    (node(node_type="tool"), "nodes[0].node_type: 'tool' is unknown; it is one of TRIGGER,"),
    (node(max_retries=2**31), "nodes[0].max_retries: must be a whole number from -2147483648 to 2147483647"),
    ({"of our own": 1}, "['of our own']: is no field of Workflow, and a message has no place for other keys"),
    (node(parallel=1), "nodes[0].parallel: is no field of Node,"),
    ({"settings": {"save": True}}, "settings.save: is no field of WorkflowSettings,"),
    ({"name": None}, f"name: is null, {NO_KEY}"),
    ({"settings": None}, f"settings: is null, {NO_KEY}"),
    ({"meta": None}, f"meta: is null, {NO_KEY}"),
    ({"tags": None}, f"tags: is null, {NO_KEY}"),
    ({"tags": []}, f"tags: is empty, {NO_KEY}"),
    ({"nodes": []}, f"nodes: is empty, {NO_KEY}"),
    ({"tags": ("a",)}, "tags: is a tuple, which would come back as a list"),
    ({"static_data": [(1,)]}, "static_data[0]: is a list, which would come back as something else"),
    (node(error_handling=None), f"nodes[0].error_handling: is null, {NO_KEY}"),
    (node(position_x=100.0), "nodes[0].position_x: is 100.0, which a double cannot tell from 100"),
    (node(position_x=0.0), "nodes[0].position_x: is 0.0, which a double cannot tell from 0"),
    (node(position_x=2**53 + 1), "nodes[0].position_x: is an integer beyond 2**53,"),
    (node(position_x=math.inf), "nodes[0].position_x: is inf, which JSON has no number for"),
    (node(parameters={"a": [1, {"b": 1.0}]}), "nodes[0].parameters.a[1].b: is 1.0, which a double cannot tell from 1"),
    (node(parameters={"a b": -(2**53) - 1}), "nodes[0].parameters['a b']: is an integer beyond 2**53,"),
    (node(parameters={"a": float("nan")}), "nodes[0].parameters.a: is nan,"),
    (node(parameters={"a": object()}), "nodes[0].parameters.a: is of type object, which would come back"),
    (node(parameters={1: 2}), "nodes[0].parameters[1]: has a key that is a number, not a string"),
    (node(parameters={"\ud800": 2}), "nodes[0].parameters['\\ud800']: contains a lone surrogate,"),
    ({"name": "\udfff"}, "name: contains a lone surrogate,"),
    ({7: 1}, "[7]: is no field of Workflow,"),
]


@pytest.mark.parametrize(("document", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_what_would_come_back_different_is_refused(document: Any, message: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        to_message(document)
    assert str(caught.value).startswith(message)
    assert caught.value.hint == ("Leave the key out." if NO_KEY in message else None)


FINE: list[Document] = [
    {},
    {"name": "", "settings": {}, "meta": {}, "static_data": None, "pin_data": {}},
    {"static_data": [], "pin_data": [None, {}, [], 0, -0.0, 0.5, True, "", 1e300, 2**53, -(2**53), "\0"]},
    node(position_x=-0.0, position_y=-7, type_version=2.1, disabled=False, max_retries=0, name="😀", webhooks=[""]),
]


@pytest.mark.parametrize("document", FINE)
def test_what_a_message_can_tell_apart_comes_back(document: Document) -> None:
    assert exactly(to_document(to_message(document))) == exactly(document)


def test_an_empty_map_and_a_null_in_it_are_refused() -> None:
    for nodes, problem in [({}, "node_runs.nodes: is empty"), ({"a": None}, "node_runs.nodes.a: is null")]:
        with pytest.raises(InvalidDocument) as caught:
            to_message({"node_runs": {"nodes": nodes}}, ExecutionData)
        assert str(caught.value).startswith(problem)


def nested(levels: int, kind: str) -> Any:
    found: Any = "x"
    for _ in range(levels):
        found = [found] if kind == "list" else {"a": found}
    return found


@pytest.mark.parametrize(("kind", "most"), [("list", 49), ("object", 33)])
def test_what_parsers_refuse_as_too_deep_is_refused_before(kind: str, most: int) -> None:
    document = {"name": "w", "static_data": nested(most, kind)}
    message = to_message(document)
    assert to_document(Workflow.FromString(message.SerializeToString())) == document
    for levels in (most + 1, 100_000):
        with pytest.raises(InvalidDocument, match=r"^static_data.*: is nested too deep for a message, whose parsers"):
            to_message({"name": "w", "static_data": nested(levels, kind)})


def too_deep() -> Workflow:
    message = Workflow()
    value = message.static_data
    for _ in range(60):
        value = value.list_value.values.add()
    value.bool_value = True
    return message


def of_a_newer_release() -> Workflow:
    return Workflow.FromString(b"\xf8\x07\x05")  # field 127


def nodes_of_a_newer_release() -> Workflow:
    node = Node(node_id="a")
    node.MergeFromString(b"\x10\x63")  # node_type 99
    return Workflow(nodes=[Node(), node])


NO_DOCUMENT: list[tuple[Message, str]] = [
    (Workflow(nodes=[Node(position_x=math.nan)]), "nodes[0].position_x: is nan, which JSON has no number for"),
    (Workflow(static_data=Value(number_value=-math.inf)), "static_data: is -inf, which JSON has no number for"),
    (Workflow(static_data=Value()), "static_data: is a Value without a kind, which JSON has no form for"),
    (Workflow(nodes=[Node(node_type=Node.NODE_TYPE_UNSPECIFIED)]), "nodes[0].node_type: is 0, which stands for no"),
    (nodes_of_a_newer_release(), "nodes[1].node_type: is 99, which stands for no word"),
    (of_a_newer_release(), "has fields that Workflow of this release has not"),
    (too_deep(), "static_data[0][0]"),
]


@pytest.mark.parametrize(("message", "problem"), NO_DOCUMENT, ids=[problem[:50] for _, problem in NO_DOCUMENT])
def test_a_message_that_json_has_no_form_for_is_refused(message: Message, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        to_document(message)
    assert str(caught.value).startswith(problem)
