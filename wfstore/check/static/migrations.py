"""Rules about a migration's statements: DESIGN §8, rules 1 to 7, and 13 inside of functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import postgast
from postgast import unwrap_node

from wfstore.check.static.schema import TENANT
from wfstore.check.static.tree import Fault, Node, enum_name, kind_of, strings, within

_KEYS = ("CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_FOREIGN")
_NAMED = (*_KEYS, "CONSTR_CHECK", "CONSTR_EXCLUSION")
_WORDS = {"CONSTR_PRIMARY": "PRIMARY KEY", "CONSTR_UNIQUE": "UNIQUE", "CONSTR_FOREIGN": "FOREIGN KEY"}
_ACTIONS = {"r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}
_INSTEAD = 64  # TRIGGER_TYPE_INSTEAD
_SESSION_CALLS = ("pg_notify", "pg_advisory", "pg_try_advisory")


class MigrationRules:
    """The rules, and what they have seen of the tables so far; give it the files in their order."""

    def __init__(self) -> None:
        self._of_tenants: dict[str, bool] = {}
        """Whether a table has a tenant, by name."""

    def faults(self, statement: Node, text: str) -> Iterator[Fault]:
        """Return what the rules have against a statement of a file whose text is `text`."""
        node = unwrap_node(statement)
        match kind_of(node):
            case "CreateStmt":
                yield from self._create(node)
            case "AlterTableStmt":
                yield from self._alter(node)
            case "IndexStmt" if node.unique:
                columns = [each.index_elem.name for each in node.index_params]
                yield from self._key(node.relation, columns, "the unique index", node.relation.location)
            case "RenameStmt" if enum_name(node, "rename_type") == "OBJECT_TABCONSTRAINT":
                message = f"constraint {node.subname} gets another name"
                yield Fault("constraint-name", node.relation.location, message)
            case "RuleStmt":
                yield Fault("not-on-citus", node.relation.location, "a rule", "write it into the queries")
            case "CreateTrigStmt":
                yield from self._trigger(node)
            case "CreatePolicyStmt" | "AlterPolicyStmt":
                for sub_link in within(node, "SubLink"):
                    message = f"policy {node.policy_name} has a sub-select"
                    yield Fault("policy-sub-select", sub_link.location, message)
                    break
            case "CreateFunctionStmt":
                yield from _function(node, text)

    def _create(self, node: Node) -> Iterator[Fault]:
        columns = [each.column_def for each in node.table_elts if kind_of(each) == "ColumnDef"]
        copied = [unwrap_node(each) for each in node.table_elts if kind_of(each) == "TableLikeClause"]
        copied = [unwrap_node(each).relation for each in copied] + [each.range_var for each in node.inh_relations]
        self._of_tenants[node.relation.relname] = any(column.colname == TENANT for column in columns) or any(
            self._of_tenants.get(each.relname, False) for each in copied
        )
        for column in columns:
            for constraint in column.constraints:
                yield from self._constraint(node.relation, constraint.constraint, [column.colname])
        for each in node.table_elts:
            if kind_of(each) == "Constraint":
                yield from self._constraint(node.relation, each.constraint, [])

    def _alter(self, node: Node) -> Iterator[Fault]:
        added: list[tuple[str, int]] = []
        for command in (each.alter_table_cmd for each in node.cmds):
            match enum_name(command, "subtype"):
                case "AT_AddColumn":
                    column = getattr(command, "def").column_def
                    added.append(("column", column.location))
                    named = [each.constraint for each in column.constraints]
                    if column.colname == TENANT:
                        self._of_tenants[node.relation.relname] = True
                    for each in named:
                        yield from self._constraint(node.relation, each, [column.colname])
                    added += [("constraint", e.location) for e in named if enum_name(e, "contype") in _NAMED]
                case "AT_AddConstraint":
                    constraint = getattr(command, "def").constraint
                    added.append(("constraint", constraint.location))
                    yield from self._constraint(node.relation, constraint, [])
                case "AT_SetStorage" | "AT_SetStatistics" as kind:
                    word = kind.removeprefix("AT_Set").upper()
                    yield Fault("not-on-citus", node.relation.location, f"SET {word} on a table that exists")
        if len(added) > 1 and any(kind == "constraint" for kind, _ in added):
            # the first one that should be a statement of its own
            location = next((each for kind, each in added[1:] if kind == "constraint"), added[1][1])
            message = f"ALTER TABLE {node.relation.relname} adds a constraint and something else"
            yield Fault("mixed-alter", location, message, "write one statement for each")

    def _constraint(self, table: Node, constraint: Node, column: list[str]) -> Iterator[Fault]:
        kind = enum_name(constraint, "contype")
        if kind not in _NAMED:
            return
        if not constraint.conname:
            word = _WORDS.get(kind, kind.removeprefix("CONSTR_"))
            hint = f"write CONSTRAINT {table.relname}_..._{word.split()[-1].lower()} {word} ..."
            yield Fault("constraint-name", constraint.location, f"{word} has no name", hint)
        if kind == "CONSTR_FOREIGN":
            yield from self._foreign(table, constraint, column)
        elif kind in _KEYS and not constraint.indexname:
            keys = strings(constraint.keys) or column
            yield from self._key(table, keys, _WORDS[kind], constraint.location)

    def _foreign(self, table: Node, constraint: Node, column: list[str]) -> Iterator[Fault]:
        keys = strings(constraint.fk_attrs) or column
        # A global table has no tenant that a key to it could begin with.
        if self._of_tenants.get(constraint.pktable.relname, True):
            yield from self._key(table, keys, "FOREIGN KEY", constraint.location)
        for word, action, allowed in (
            ("DELETE", constraint.fk_del_action, "ac"),
            ("UPDATE", constraint.fk_upd_action, "a"),
        ):
            if action and action not in allowed:
                message = f"ON {word} {_ACTIONS.get(action, action)}"
                yield Fault("foreign-key-action", constraint.location, message, "ON DELETE CASCADE, or NO ACTION")

    def _key(self, table: Node, columns: Sequence[str], what: str, location: int) -> Iterator[Fault]:
        if self._of_tenants.get(table.relname, False) and list(columns[:1]) != [TENANT]:
            message = f"{what} of {table.relname} does not begin with {TENANT}"
            yield Fault("tenant-key", location, message, f"({', '.join([TENANT, *columns])})")

    def _trigger(self, node: Node) -> Iterator[Fault]:
        location, table = node.relation.location, node.relation.relname
        if node.timing == _INSTEAD:
            yield Fault("not-on-citus", location, f"view {table} becomes writable by a trigger")
        elif not node.row:
            yield Fault("trigger", location, f"trigger {node.trigname} is one of statements", "write FOR EACH ROW")
        if not self._of_tenants.get(table, True):
            yield Fault("trigger", location, f"trigger {node.trigname} is on {table}, a global table")


def _function(node: Node, text: str) -> Iterator[Fault]:
    options = {each.def_elem.defname: each.def_elem for each in node.options}
    language = options["language"].arg.string.sval.lower() if "language" in options else "sql"
    name = strings(node.funcname)[-1]
    if node.HasField("sql_body"):
        yield from _reads_tables(node.sql_body, 0, name)
        return
    if "as" not in options:
        return
    body = strings(options["as"].arg.list.items)[0]
    # The body's text stands in the file as it is, unless it is a string with doubled quotes.
    found = text.encode().find(body.encode(), options["as"].location)
    if language == "sql":
        try:
            tree = postgast.parse(body)
        except postgast.PgQueryError as error:
            where = found + len(body[: max(error.cursorpos - 1, 0)].encode())
            yield Fault("syntax", where if found >= 0 else options["as"].location, str(error.message))
            return
        for statement in tree.stmts:
            yield from _reads_tables(statement, max(found, 0), name)
    if found >= 0:
        yield from _session_words(body, found, name)


def _reads_tables(body: Node, offset: int, name: str) -> Iterator[Fault]:
    ctes = {cte.ctename for cte in within(body, "CommonTableExpr")}
    for table in within(body, "RangeVar"):
        if table.schemaname or table.relname not in ctes:
            message = f"{name}() is in SQL and reads {table.relname}"
            yield Fault("sql-function", offset + table.location, message, "write it in plpgsql")
            return


def _session_words(body: str, offset: int, name: str) -> Iterator[Fault]:
    """Look at the words of a body, by PostgreSQL's lexer: what is in strings and comments is none."""
    found = [each for each in postgast.scan(body).tokens if _token(each) not in ("SQL_COMMENT", "C_COMMENT")]
    encoded = body.encode()
    words = [encoded[each.start : each.end].decode().lower() for each in found]
    for index, (token, word) in enumerate(zip(found, words, strict=True)):
        following = words[index + 1] if index + 1 < len(words) else ""
        before = words[index - 1] if index else ";"
        if _token(token) == "IDENT" and word.startswith(_SESSION_CALLS) and following == "(":
            yield Fault("session-call", offset + token.start, f"{name}() calls {word}()", "let the client call it")
        elif _token(token) in ("NOTIFY", "LISTEN", "UNLISTEN") and before in (";", "begin", "then", "else", "loop"):
            yield Fault("session-call", offset + token.start, f"{name}() does {word.upper()}", "let the client do it")
        elif word in ("tg_table_name", "tg_relname"):
            message = f"{name}() reads {word.upper()}, which is a shard's name"
            yield Fault("trigger", offset + token.start, message, "take it as an argument of the trigger")


def _token(token: Any) -> str:
    return str(postgast.pg_query_pb2.Token.Name(token.token))
