"""Whether an expression of a parse tree can be NULL. What cannot be told is nullable."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from postgast import pg_query_pb2 as pb

from wfstore.check import functions
from wfstore.check.facts import Facts
from wfstore.check.scope import NOT_NULL, UNKNOWN, Column, Flow, Relation, Scope, Value

# A node of the tree is a wrapper with one field set; postgast has no types that mypy could read.
Node = Any
_Proof = tuple[Relation, str]
SelectColumns = Callable[[Node, Scope], Sequence[Column] | None]

_COMPARING = (pb.AEXPR_OP, pb.AEXPR_LIKE, pb.AEXPR_ILIKE, pb.AEXPR_SIMILAR)
_BETWEEN = (pb.AEXPR_BETWEEN, pb.AEXPR_NOT_BETWEEN, pb.AEXPR_BETWEEN_SYM, pb.AEXPR_NOT_BETWEEN_SYM)
_DEFAULT_FRAME = 0x422  # RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW: never empty
_TEXTS = ("text", "varchar", "bpchar", "name")


def unwrap(node: Node) -> tuple[str, Node]:
    """Return the kind of a node (`column_ref`, `a_expr`, ...) and the message itself."""
    kind = node.WhichOneof("node")
    return (kind, getattr(node, kind)) if kind else ("", None)


def strings(nodes: Iterable[Node]) -> list[str]:
    """Return the texts of a list of string nodes: the parts of a name."""
    return [node.string.sval for node in nodes if node.WhichOneof("node") == "string"]


def type_name(message: Node) -> str:
    """Return a TypeName as pg_type has it."""
    name: str = strings(message.names)[-1]
    return f"_{name}" if message.array_bounds else name


class Expressions:
    """Values of expressions in a scope.

    `accepts` collects the parameters that a caller may well set to None: those that are coalesced, tested, or
    (by whoever derives the statement) written into a nullable column. `nullable` are those of an earlier run.
    """

    def __init__(self, facts: Facts, select: SelectColumns, nullable: frozenset[Flow]) -> None:
        self.facts = facts
        self.select = select
        self.nullable = nullable
        self.accepts: set[Flow] = set()

    def value(self, node: Node, scope: Scope) -> Value:
        """Return what an expression is worth."""
        kind, message = unwrap(node)
        method = getattr(self, f"_{kind}", None)
        return method(message, scope) if method is not None else UNKNOWN

    def values(self, nodes: Iterable[Node], scope: Scope) -> list[Value]:
        """Return what each expression is worth."""
        return [self.value(node, scope) for node in nodes]

    def any_nullable(self, nodes: Iterable[Node], scope: Scope) -> bool:
        """Whether one of these expressions can be NULL; all are looked at."""
        values = self.values(nodes, scope)
        return any(value.nullable for value in values)

    def accept(self, value: Value) -> None:
        """Note that a value may be None where it comes from a parameter."""
        if value.flow is not None:
            self.accepts.add(value.flow)

    # --- leaves ---------------------------------------------------------------------------------------------

    def _column_ref(self, message: Node, scope: Scope) -> Value:
        fields = strings(message.fields)
        return scope.value(fields) if len(fields) == len(message.fields) else UNKNOWN

    def _param_ref(self, message: Node, scope: Scope) -> Value:
        flow = Flow(message.number)
        return Value(flow in self.nullable, flow=flow)

    def _a_const(self, message: Node, scope: Scope) -> Value:
        return Value(message.isnull, "text" if message.HasField("sval") else None)

    def _sqlvalue_function(self, message: Node, scope: Scope) -> Value:
        return Value(message.op == pb.SVFOP_CURRENT_SCHEMA)

    def _grouping_func(self, message: Node, scope: Scope) -> Value:
        return NOT_NULL

    def _a_array_expr(self, message: Node, scope: Scope) -> Value:
        self.values(message.elements, scope)
        return NOT_NULL

    def _row_expr(self, message: Node, scope: Scope) -> Value:
        """A row as an operand: comparing it is NULL where one of its fields is."""
        return Value(self.any_nullable(message.args, scope))

    # --- what only passes NULL on ---------------------------------------------------------------------------

    def _type_cast(self, message: Node, scope: Scope) -> Value:
        inner = self.value(message.arg, scope)
        wanted = type_name(message.type_name)
        # Since PostgreSQL 18 the null of JSON becomes NULL when it is cast to a scalar.
        from_json = inner.type in ("json", "jsonb") or self._is_json_function(message.arg)
        nullable = inner.nullable or (from_json and wanted not in ("json", "jsonb", *_TEXTS))
        return Value(nullable, wanted, inner.flow)

    def _is_json_function(self, node: Node) -> bool:
        kind, message = unwrap(node)
        return kind == "func_call" and "json" in strings(message.funcname)[-1]

    def _collate_clause(self, message: Node, scope: Scope) -> Value:
        return self.value(message.arg, scope)

    def _named_arg_expr(self, message: Node, scope: Scope) -> Value:
        return self.value(message.arg, scope)

    def _bool_expr(self, message: Node, scope: Scope) -> Value:
        return Value(self.any_nullable(message.args, scope), "bool")

    # --- what makes something of NULL -----------------------------------------------------------------------

    def _null_test(self, message: Node, scope: Scope) -> Value:
        self.accept(self.value(message.arg, scope))
        return Value(False, "bool")

    def _boolean_test(self, message: Node, scope: Scope) -> Value:
        self.accept(self.value(message.arg, scope))
        return Value(False, "bool")

    def _coalesce_expr(self, message: Node, scope: Scope) -> Value:
        values = self.values(message.args, scope)
        for value in values[:-1]:
            self.accept(value)
        return Value(all(value.nullable for value in values), values[0].type)

    def _min_max_expr(self, message: Node, scope: Scope) -> Value:
        values = self.values(message.args, scope)
        return Value(all(value.nullable for value in values), values[0].type)

    def _case_expr(self, message: Node, scope: Scope) -> Value:
        nullable = not message.HasField("defresult") or self.value(message.defresult, scope).nullable
        compared = message.HasField("arg")
        for each in message.args:
            branch = scope
            if not compared:
                branch = scope.with_copies()
                self.prove(each.case_when.expr, branch)
            nullable = self.value(each.case_when.result, branch).nullable or nullable
        return Value(nullable)

    def _sub_link(self, message: Node, scope: Scope) -> Value:
        columns = self.select(message.subselect, scope)
        match message.sub_link_type:
            case pb.EXISTS_SUBLINK | pb.ARRAY_SUBLINK:
                return NOT_NULL
            case pb.EXPR_SUBLINK if columns and exactly_one_row(message.subselect, self.facts):
                return columns[0].value
            case pb.ANY_SUBLINK | pb.ALL_SUBLINK if columns:
                tested = self.value(message.testexpr, scope).nullable
                return Value(tested or any(column.value.nullable for column in columns), "bool")
            case _:
                return UNKNOWN

    # --- operators ------------------------------------------------------------------------------------------

    def _a_expr(self, message: Node, scope: Scope) -> Value:
        kind, right = unwrap(message.rexpr)
        operands = [message.lexpr] if message.HasField("lexpr") else []
        if kind == "list" and message.kind in (pb.AEXPR_IN, *_BETWEEN):
            return Value(self.any_nullable([*operands, *right.items], scope), "bool")
        values = self.values([*operands, message.rexpr], scope)
        nullable = any(value.nullable for value in values)
        match message.kind:
            case pb.AEXPR_DISTINCT | pb.AEXPR_NOT_DISTINCT:
                for value in values:
                    self.accept(value)
                return Value(False, "bool")
            case pb.AEXPR_OP_ANY | pb.AEXPR_OP_ALL:
                # An array that is not NULL may still hold one, and then no match is NULL, not false.
                holds_none = kind == "a_array_expr" and not self.any_nullable(right.elements, scope)
                return Value(nullable or not holds_none, "bool")
            case each if each in _COMPARING:
                return Value(nullable or not self._passes_null(strings(message.name)[-1]))
            case _:
                return UNKNOWN

    def _passes_null(self, operator: str) -> bool:
        """Whether an operator is NULL only where an operand is."""
        if operator in functions.OPERATORS_MAY_BE_NULL:
            return False
        if operator in functions.OPERATORS_NOT_NULL_OF_NOT_NULL:
            return True
        return self.facts.operator(operator).strict and self.facts.operator(operator).builtin

    # --- functions ------------------------------------------------------------------------------------------

    def _func_call(self, message: Node, scope: Scope) -> Value:
        name = strings(message.funcname)
        arguments = self.values(message.args, scope)
        fact = self.facts.function(name)
        if not fact.builtin or fact.returns_set:
            return UNKNOWN  # several functions of rows in one select list fill the shorter ones up with NULL
        if name[-1] in functions.NEVER_NULL:
            return NOT_NULL
        if fact.aggregate:
            return Value(self._aggregate_is_nullable(message, name[-1], scope))
        if message.HasField("over"):
            return Value(name[-1] != "ntile" or any(value.nullable for value in arguments))
        return Value(any(value.nullable for value in arguments) or self._may_be_null(name[-1], arguments))

    def _aggregate_is_nullable(self, message: Node, name: str, scope: Scope) -> bool:
        over_a_row = scope.grouped and not message.HasField("over")
        if message.HasField("over"):
            over_a_row = not message.over.name and message.over.frame_options in (0, _DEFAULT_FRAME)
        if message.HasField("agg_filter") or not over_a_row:
            return True
        if name in functions.COLLECTING_AGGREGATES:
            return False
        values = [*message.args, *(each.sort_by.node for each in message.agg_order if message.agg_within_group)]
        return name not in functions.NOT_NULL_AGGREGATES or self.any_nullable(values, scope)

    def _may_be_null(self, name: str, arguments: Sequence[Value]) -> bool:
        if name in functions.NULL_ON_RANGES:
            return arguments[0].type not in _TEXTS
        if name in functions.NULL_WITH_MORE_ARGUMENTS:
            return len(arguments) >= functions.NULL_WITH_MORE_ARGUMENTS[name]
        if name in functions.MAY_BE_NULL or name.startswith(functions.MAY_BE_NULL_PREFIXES):
            return True
        if name.endswith(functions.MAY_BE_NULL_SUFFIX):
            return True
        return name not in functions.NOT_NULL_OF_NOT_NULL and not self.facts.function([name]).strict

    # --- what a condition proves ----------------------------------------------------------------------------

    def prove(self, node: Node, scope: Scope) -> None:
        """Note in the scope what cannot be NULL in a row for which this condition is true."""
        for relation, column in self._proofs(node, scope):
            relation.prove(column)

    def _proofs(self, node: Node, scope: Scope) -> list[_Proof]:
        """Return the columns that are not NULL where a condition is true."""
        kind, message = unwrap(node)
        match kind:
            case "bool_expr" if message.boolop == pb.AND_EXPR:
                return [proof for arg in message.args for proof in self._proofs(arg, scope)]
            case "bool_expr" if message.boolop == pb.OR_EXPR:
                first, *others = ([*self._proofs(arg, scope)] for arg in message.args)
                return [proof for proof in first if all(_contains(other, proof) for other in others)]
            case "null_test":
                return self._needed(message.arg, scope) if message.nulltesttype == pb.IS_NOT_NULL else []
            # Of these it matters that the condition is true: over no rows, or no elements, ANY of NULL is false.
            case "sub_link" if message.sub_link_type == pb.ANY_SUBLINK and not message.oper_name:
                return self._fields_needed(message.testexpr, scope)
            case "a_expr" if message.kind == pb.AEXPR_OP_ANY and self._strict(message):
                return self._needed(message.lexpr, scope)
            case "a_expr" if message.kind == pb.AEXPR_IN and strings(message.name) == ["="]:
                return self._fields_needed(message.lexpr, scope)
            case "a_expr" if message.kind == pb.AEXPR_OP and strings(message.name) == ["="] and self._strict(message):
                return [proof for side in (message.lexpr, message.rexpr) for proof in self._fields_needed(side, scope)]
            case _:
                return self._needed(node, scope)

    def _strict(self, message: Node) -> bool:
        return self.facts.operator(strings(message.name)[-1]).strict

    def _fields_needed(self, node: Node, scope: Scope) -> list[_Proof]:
        """Return what an operand of an equality needs; of a row, what each field does."""
        kind, message = unwrap(node)
        fields = message.args if kind == "row_expr" else [node]
        return [proof for field in fields for proof in self._needed(field, scope)]

    def _needed(self, node: Node, scope: Scope) -> list[_Proof]:
        """Return the columns without which an expression is NULL: if it is not, neither are they.

        Nothing is needed by a row: `(2, NULL) > (1, 1)` is true, and `(2, NULL) = (1, 1)` is false.
        """
        kind, message = unwrap(node)
        match kind:
            case "column_ref":
                fields = strings(message.fields)
                found = scope.find(fields) if len(fields) == len(message.fields) else None
                return [found] if found and any(found[0] is each for each in scope.relations) else []
            case "type_cast" | "collate_clause":
                return self._needed(message.arg, scope)
            case "bool_expr" if message.boolop == pb.NOT_EXPR:
                return self._needed(message.args[0], scope)
            case "a_expr" if message.kind in (pb.AEXPR_IN, *_BETWEEN):
                return self._needed(message.lexpr, scope)
            case "a_expr" if message.kind in _COMPARING and self._strict(message):
                return [proof for side in (message.lexpr, message.rexpr) for proof in self._needed(side, scope)]
            case _:
                return []


def _contains(proofs: Sequence[_Proof], wanted: _Proof) -> bool:
    return any(relation is wanted[0] and column == wanted[1] for relation, column in proofs)


def exactly_one_row(node: Node, facts: Facts) -> bool:
    """Whether a SELECT makes one row, always: it reads from nothing, or aggregates without groups."""
    kind, select = unwrap(node)
    if kind != "select_stmt" or select.op != pb.SETOP_NONE or select.HasField("having_clause"):
        return False
    if select.HasField("limit_count") or select.HasField("limit_offset") or select.group_clause:
        return False
    if select.values_lists:
        return len(select.values_lists) == 1
    calls = [call for target in select.target_list for call in function_calls(target)]
    if any(facts.function(strings(call.funcname)).returns_set for call in calls):
        return False
    if any(facts.function(strings(call.funcname)).aggregate and not call.HasField("over") for call in calls):
        return True
    return not select.from_clause and not select.HasField("where_clause")


def function_calls(node: Node) -> list[Node]:
    """Return the function calls of an expression, without those of its sub-selects."""
    found = []
    stack = [node]
    while stack:
        message = stack.pop()
        name = message.DESCRIPTOR.name
        if name == "SelectStmt":
            continue
        if name == "FuncCall":
            found.append(message)
        for field, value in message.ListFields():
            if field.message_type is None:
                continue
            stack += list(value) if hasattr(value, "append") or hasattr(value, "add") else [value]
    return found
