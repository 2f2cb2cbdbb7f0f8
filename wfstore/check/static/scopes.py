"""Which names mean which tables: the levels of a statement, their references, conditions and outputs.

Every SELECT, INSERT, UPDATE and DELETE is a level, wherever it stands. A level sees its own references, then
those of the levels around it, and the CTEs of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from postgast import unwrap_node

from wfstore.check.static.schema import Schema, Table
from wfstore.check.static.tree import (
    STATEMENTS,
    Node,
    children,
    conjuncts,
    enum_name,
    function_name,
    is_star,
    kind_of,
    strings,
)


@dataclass(eq=False, slots=True)
class Reference:
    """A name in FROM, or the target of a write."""

    name: str
    location: int
    table: Table | None = None
    level: Level | None = None
    """The CTE or sub-select that it stands for."""
    function: Node = None
    aliases: tuple[str, ...] = ()
    """Column names that its alias gives."""

    @property
    def columns(self) -> tuple[str, ...] | None:
        """Its columns' names, as far as they are known."""
        if self.table is not None:
            own = tuple(self.table.columns)
        elif self.level is not None:
            own = tuple(output.name for output in self.level.outputs)
        else:
            return self.aliases or None
        return self.aliases + own[len(self.aliases) :]

    def position(self, column: str) -> int | None:
        """Return the index of a column, if it is known."""
        columns = self.columns or ()
        return columns.index(column) if column in columns else None


@dataclass(eq=False, slots=True)
class Condition:
    """A condition that must hold for a row to be there, one conjunct of them."""

    node: Node
    binds: frozenset[Reference] | None
    """Whose rows it restricts: an outer join's condition only those of its nullable side. None: all."""


@dataclass(eq=False, slots=True)
class Output:
    """A column of a level's result: its name, and its expression in each row of VALUES or alone."""

    name: str
    expressions: tuple[Node, ...] = ()
    copied: tuple[Reference, str] | None = None
    """Whose column it is, where it comes from a `*`."""


@dataclass(eq=False, slots=True)
class Level:
    """A statement, or a part of one that is a statement in itself."""

    node: Node
    kind: str
    outer: Level | None
    ctes: dict[str, Level] = field(default_factory=dict)
    references: list[Reference] = field(default_factory=list)
    target: Reference | None = None
    conditions: list[Condition] = field(default_factory=list)
    same_columns: list[tuple[Reference, Reference, str, frozenset[Reference]]] = field(default_factory=list)
    """What USING joins: left, right, the column, whose rows it restricts."""
    arms: list[Level] = field(default_factory=list)
    """The two sides of UNION, INTERSECT, EXCEPT."""
    source: Level | None = None
    """Of an INSERT: where its rows come from."""
    sub_selects: dict[int, Level] = field(default_factory=dict)
    """Sub-selects in expressions, by the location of their SubLink."""
    nested: list[Level] = field(default_factory=list)
    """All levels directly below, whatever they are."""

    @property
    def outputs(self) -> list[Output]:
        """The columns of its result."""
        if self.arms:
            return self.arms[0].outputs
        if self.kind == "SelectStmt" and self.node.values_lists:
            rows = [list(row.list.items) for row in self.node.values_lists]
            return [Output(f"column{n}", cells) for n, cells in enumerate(zip(*rows, strict=False), 1)]
        items = self.node.target_list if self.kind == "SelectStmt" else self.node.returning_clause.exprs
        return [output for item in items for output in self._outputs_of(item.res_target)]

    def _outputs_of(self, target: Node) -> Iterator[Output]:
        if not is_star(target.val):
            yield Output(target.name or _default_name(target.val), (target.val,))
            return
        for reference in self.starred(target.val):
            for column in reference.columns or ():
                yield Output(column, (), (reference, column))

    def starred(self, star: Node) -> list[Reference]:
        """Return the references that `*` or `name.*` stands for."""
        names = strings(unwrap_node(star).fields)
        if not names:
            return self.references
        return [reference for reference in self.references if reference.name == names[-1]]

    def everything(self) -> Iterator[Level]:
        """Return this level and all below it."""
        yield self
        for level in self.nested:
            yield from level.everything()

    def cte(self, name: str) -> Level | None:
        """Return the CTE of this name that this level sees."""
        if name in self.ctes:
            return self.ctes[name]
        return self.outer.cte(name) if self.outer is not None else None

    def resolve(self, column: Node) -> tuple[Reference, str] | None:
        """Find whose column a ColumnRef is; None where that cannot be known."""
        names = strings(column.fields)
        if not names or is_star(column):
            return None
        found = self._named(names[-2], names[-1]) if len(names) > 1 else self._unqualified(names[0])
        if found is None and self.outer is not None:
            return self.outer.resolve(column)
        return found

    def _named(self, reference: str, column: str) -> tuple[Reference, str] | None:
        return next(((each, column) for each in self.references if each.name == reference), None)

    def _unqualified(self, column: str) -> tuple[Reference, str] | None:
        sure = [each for each in self.references if each.columns is not None and column in each.columns]
        if sure:
            return sure[0], column
        unknown = [each for each in self.references if each.columns is None]
        return (unknown[0], column) if len(unknown) == 1 else None


def read_levels(statement: Node, schema: Schema) -> Level:
    """Read a statement and everything below it."""
    return _Reader(schema).level(unwrap_node(statement), None)


class _Reader:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def level(self, node: Node, outer: Level | None, made: Level | None = None) -> Level:
        node = unwrap_node(node)
        level = made or Level(node, kind_of(node), outer)
        if outer is not None:
            outer.nested.append(level)
        if "with_clause" in node.DESCRIPTOR.fields_by_name:
            self._ctes(level, node.with_clause)
        self._tables(level, node)
        if level.kind == "MergeStmt":
            level.conditions += [Condition(each, None) for each in conjuncts(node.join_condition)]
        elif "where_clause" in node.DESCRIPTOR.fields_by_name and node.HasField("where_clause"):
            level.conditions += [Condition(each, None) for each in conjuncts(node.where_clause)]
        self._sub_selects(level, node)
        return level

    def _tables(self, level: Level, node: Node) -> None:
        match level.kind:
            case "SelectStmt":
                if node.HasField("larg"):
                    level.arms = [self.level(node.larg, level), self.level(node.rarg, level)]
                self._from(level, node.from_clause)
            case "InsertStmt":
                self._target(level)
                if node.HasField("select_stmt"):
                    level.source = self.level(node.select_stmt, level)
            case "UpdateStmt" | "MergeStmt":
                self._target(level)
                items = node.from_clause if level.kind == "UpdateStmt" else [node.source_relation]
                self._from(level, items)
            case "DeleteStmt":
                self._target(level)
                self._from(level, node.using_clause)

    def _ctes(self, level: Level, clause: Node) -> None:
        for each in clause.ctes:
            cte = each.common_table_expr
            query = unwrap_node(cte.ctequery)
            made = Level(query, kind_of(query), level)
            if clause.recursive:
                level.ctes[cte.ctename] = made
            self.level(query, level, made)
            level.ctes[cte.ctename] = made

    def _target(self, level: Level) -> None:
        level.target = self._relation(level, level.node.relation, is_target=True)
        level.references.append(level.target)

    def _from(self, level: Level, items: Sequence[Node]) -> None:
        for item in items:
            self._item(level, unwrap_node(item))

    def _item(self, level: Level, item: Node) -> list[Reference]:
        """Add what an item of FROM refers to; return those references."""
        kind = kind_of(item)
        if kind == "JoinExpr":
            return self._join(level, item)
        if kind == "RangeTableSample":
            return self._item(level, unwrap_node(item.relation))
        if kind == "RangeVar":
            reference = self._relation(level, item)
        elif kind == "RangeSubselect":
            below = self.level(item.subquery, level)
            reference = Reference(item.alias.aliasname, -1, level=below, aliases=_column_aliases(item))
        else:
            name = item.alias.aliasname or _function_alias(item)
            reference = Reference(name, -1, function=item, aliases=_column_aliases(item))
        level.references.append(reference)
        return [reference]

    def _join(self, level: Level, join: Node) -> list[Reference]:
        left = self._item(level, unwrap_node(join.larg))
        right = self._item(level, unwrap_node(join.rarg))
        sides = {"JOIN_LEFT": right, "JOIN_RIGHT": left, "JOIN_FULL": []}
        binds = frozenset(sides.get(enum_name(join, "jointype"), [*left, *right]))
        if join.HasField("quals"):
            level.conditions += [Condition(each, binds) for each in conjuncts(join.quals)]
        shared = {column for each in left for column in each.columns or ()} if join.is_natural else ()
        for column in [*strings(join.using_clause), *shared]:
            level.same_columns += [
                (one, other, column, binds)
                for one in left
                for other in right
                if all(column in (each.columns or (() if shared else (column,))) for each in (one, other))
            ]
        return [*left, *right]

    def _relation(self, level: Level, node: Node, *, is_target: bool = False) -> Reference:
        aliases = _column_aliases(node)
        name = node.alias.aliasname or node.relname
        cte = None if is_target or node.schemaname else level.cte(node.relname)
        if cte is not None:
            return Reference(name, node.location, level=cte, aliases=aliases)
        full = f"{node.schemaname}.{node.relname}" if node.schemaname else node.relname
        return Reference(name, node.location, table=self._schema.tables.get(full), aliases=aliases)

    def _sub_selects(self, level: Level, node: Node) -> None:
        """Read the sub-selects in a level's own expressions."""
        for _, child in children(node):
            kind = kind_of(child)
            if kind == "SubLink":
                level.sub_selects[child.location] = self.level(child.subselect, level)
                if child.HasField("testexpr"):
                    self._sub_selects(level, child.testexpr)
            elif kind not in (*STATEMENTS, "WithClause", "RangeSubselect"):
                self._sub_selects(level, child)


def _column_aliases(node: Node) -> tuple[str, ...]:
    names = strings(node.alias.colnames)
    if not names and kind_of(node) == "RangeFunction":  # AS i (a uuid, b text)
        names = [each.column_def.colname for each in node.coldeflist]
    return tuple(names)


def _function_alias(item: Node) -> str:
    if kind_of(item) != "RangeFunction":
        return ""
    call = unwrap_node(item.functions[0].list.items[0])
    return function_name(call) if kind_of(call) == "FuncCall" else ""


def _default_name(value: Node) -> str:
    """Return the name that PostgreSQL gives a column."""
    value = unwrap_node(value)
    match kind_of(value):
        case "ColumnRef":
            return (strings(value.fields) or ["?column?"])[-1]
        case "FuncCall":
            return function_name(value)
        case "TypeCast":
            below = _default_name(value.arg)
            return below if below != "?column?" else strings(value.type_name.names)[-1]
        case "CoalesceExpr":
            return "coalesce"
        case "CaseExpr":
            return "case"
    return "?column?"
