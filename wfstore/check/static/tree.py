"""Walking PostgreSQL's parse trees, with the way back up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from postgast import unwrap_node

Node = Any
"""A message of libpg_query; its stubs are not ones that mypy reads."""

MESSAGE = 11  # FieldDescriptor.TYPE_MESSAGE
STATEMENTS = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")


class Fault(NamedTuple):
    """What a rule has found, at a byte of the text."""

    category: str
    location: int
    message: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A node, and how it hangs in the tree."""

    node: Node
    kind: str
    """Name of its class: `SelectStmt`, `ColumnRef` ..."""
    field: str
    """The field of its parent that it stands in."""
    parent: Place | None

    def upwards(self) -> Iterator[Place]:
        """Return this place and those above it, from below."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent

    def below(self, kind: str, *, by: Sequence[str] = (), not_by: Sequence[str] = ()) -> bool:
        """Whether it hangs below a node of this kind, by one of these fields of it, or by none of those."""
        return any(
            place.parent is not None
            and place.parent.kind == kind
            and (not by or place.field in by)
            and place.field not in not_by
            for place in self.upwards()
        )


def places(node: Node, field: str = "", parent: Place | None = None) -> Iterator[Place]:
    """Walk a tree from the top, left to right."""
    node = unwrap_node(node)
    place = Place(node, type(node).__name__, field, parent)
    yield place
    for name, child in children(node):
        yield from places(child, name, place)


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """Return the nodes directly below one, each with its field."""
    for descriptor, value in node.ListFields():
        if descriptor.type == MESSAGE:
            for child in [value] if hasattr(value, "ListFields") else value:
                yield descriptor.name, unwrap_node(child)


def within(node: Node, *kinds: str, statements: bool = True) -> Iterator[Node]:
    """Return the nodes of some kinds in a tree; with `statements` false, sub-selects are left out."""
    node = unwrap_node(node)
    kind = type(node).__name__
    if kind in kinds:
        yield node
    if not statements and kind in STATEMENTS:
        return
    for _, child in children(node):
        yield from within(child, *kinds, statements=statements)


def kind_of(node: Node) -> str:
    """Return the name of a node's class, without the wrapper that every node is in."""
    return type(unwrap_node(node)).__name__


def strings(nodes: Sequence[Node]) -> list[str]:
    """Return the text of a list of String nodes, as names are."""
    return [node.string.sval for node in nodes if node.WhichOneof("node") == "string"]


def start(node: Node) -> int:
    """Return where a node's text begins, in bytes: an operator's own location is that of its sign."""
    known = [
        place.node.location
        for place in places(node)
        if "location" in place.node.DESCRIPTOR.fields_by_name and place.node.location >= 0
    ]
    return min(known, default=0)


def uncast(node: Node) -> Node:
    """Return what is below any casts."""
    node = unwrap_node(node)
    while kind_of(node) == "TypeCast":
        node = unwrap_node(node.arg)
    return node


def function_name(call: Node) -> str:
    """Return the last part of a called function's name."""
    return strings(call.funcname)[-1]


def operator(expression: Node) -> str:
    """Return the last part of an operator's name."""
    return (strings(expression.name) or [""])[-1]


def kind_of_expression(expression: Node) -> str:
    """Return the kind of an A_Expr: `AEXPR_OP`, `AEXPR_LIKE` ..."""
    descriptor = expression.DESCRIPTOR.fields_by_name["kind"].enum_type
    return str(descriptor.values_by_number[expression.kind].name)


def is_star(node: Node) -> bool:
    """Whether it is `*` or `name.*`."""
    node = unwrap_node(node)
    return kind_of(node) == "ColumnRef" and node.fields[-1].WhichOneof("node") == "a_star"


def conjuncts(node: Node) -> Iterator[Node]:
    """Take a condition apart at its ANDs."""
    node = unwrap_node(node)
    if kind_of(node) == "BoolExpr" and enum_name(node, "boolop") == "AND_EXPR":
        for argument in node.args:
            yield from conjuncts(argument)
    else:
        yield node


def enum_name(node: Node, field: str) -> str:
    """Return the name of an enumerated value of a node."""
    values = node.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number
    return str(values[getattr(node, field)].name)
