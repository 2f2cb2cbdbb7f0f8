"""What must hold for every table of the schema, read from the catalog: later tables are covered without change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

import psycopg
import pytest

from tests.catalogkit import HAS_TENANT, OURS, Catalog, constraints, indexes, of_tables, parent_of, tables
from tests.databasekit import cloned, rows
from wfstore import vocabulary
from wfstore.resources import MIGRATIONS

TYPES = {
    *("text", "text[]", "bigint", "integer", "uuid", "timestamp with time zone", "jsonb", "boolean"),
    *("bytea", "numeric", "double precision", "interval", "bigint[]"),
}
SETTING = "NULLIF(current_setting('wfstore.tenant_id'::text, true), ''::text)"
# One tenant, as a rule: compared as a text, which costs a third of taking a list apart, row by row.
TENANT_POLICY = (
    "((({0})::text = current_setting('wfstore.tenant_id'::text, true))"
    f" OR ({{0}} = ANY ((string_to_array({SETTING}, ','::text))::uuid[])))"
)
SYSTEM_POLICY = f"((tenant_id = '{UUID(int=0)}'::uuid) AND ({SETTING} IS NOT NULL))"
DEFINITIONS = {"workflows", "workflow_versions", "workflow_terms", "nodes", "node_connections", "node_templates"}
# One workflow's connections are few: the primary key finds them, whichever end is looked for.
SERVED_BY_HALF_A_PRIMARY_KEY = {"node_connections_source_fkey", "node_connections_target_fkey"}
VOCABULARIES = {
    "execution_stats_status_check": {s for s in vocabulary.ExecutionStatus if s.is_final},
    "execution_queue_status_check": {s for s in vocabulary.ExecutionStatus if not s.is_final},
    "node_connections_connection_type_check": set(vocabulary.ConnectionType),
    "node_executions_node_type_check": set(vocabulary.NodeType),
    "node_executions_status_check": set(vocabulary.NodeStatus),
    "nodes_error_handling_check": set(vocabulary.ErrorHandling),
    "nodes_node_type_check": set(vocabulary.NodeType),
    "workflow_executions_mode_check": set(vocabulary.ExecutionMode),
    "workflow_executions_status_check": set(vocabulary.ExecutionStatus),
    "workflow_terms_kind_check": set(vocabulary.TermKind),
}
SUFFIXES = {"p": "pkey", "u": "key", "f": "fkey", "c": "check", "n": "not_null", "x": "excl"}


@pytest.fixture(scope="module")
def catalog(server_url: str) -> Iterator[Catalog]:
    with cloned(server_url) as url, closing(psycopg.connect(url, autocommit=True)) as connection:
        # partitions other than those of the migration: an ordinary week far away, in a session of another time zone
        connection.execute("SET TIME ZONE 'Pacific/Auckland'")
        connection.execute("SELECT wfstore_create_partition('2031-03-30 11:59:59.999+00')")
        connection.execute("RESET TIME ZONE")
        yield connection


# --- keys and constraints -----------------------------------------------------------------------------------


def test_the_catalog_is_that_of_the_schema(catalog: Catalog) -> None:
    """The other tests look for offenders; this one says that they looked at something."""
    assert {"tenants", "workflows", "execution_queue", "node_executions_p20310324"} < set(tables(catalog))
    assert {"workflows_user_fkey", "nodes_pkey"} < {c["name"] for c in constraints(catalog)}


def test_every_table_has_a_primary_key(catalog: Catalog) -> None:
    assert set(tables(catalog)) == {c["table"] for c in constraints(catalog, "c.contype = 'p'")}


def test_every_constraint_is_named_by_us(catalog: Catalog) -> None:
    """Named after table, what and kind; no name that PostgreSQL made up, as those differ between versions."""
    written = "\n".join(path.read_text() for path in MIGRATIONS.glob("*.sql"))
    offenders = []
    for constraint in constraints(catalog):
        table, name, suffix = constraint["table"], constraint["name"], SUFFIXES[constraint["kind"]]
        owners = {table, parent_of(table)}
        patterned = any(re.fullmatch(rf"{owner}(_[a-z][a-z0-9_]*)?_{suffix}", name) for owner in owners)
        # PostgreSQL 18 keeps NOT NULL as a constraint, and names it after the column: nobody refers to those.
        ours = suffix == "not_null" or constraint["is_partition"] or re.search(rf"CONSTRAINT {name}\s", written)
        if not patterned or not ours or len(name) > 55:  # Citus appends _<shard> to the names of shards
            offenders.append(name)
    assert offenders == []


def test_every_index_is_named_by_us(catalog: Catalog) -> None:
    names = {c["name"] for c in constraints(catalog, "c.contype IN ('p', 'u')")}
    free = [i for i in indexes(catalog, "NOT t.relispartition") if i["name"] not in names]
    assert free
    assert [i["name"] for i in free if not re.fullmatch(rf"{i['table']}_[a-z][a-z_]*_idx", i["name"])] == []
    assert [i["name"] for i in indexes(catalog) if not i["is_valid"]] == []


def test_the_tenant_comes_first(catalog: Catalog) -> None:
    columns = (
        "a.attname::text AS name, a.attnum AS place, a.attnotnull AS not_null, format_type(a.atttypid, -1) AS type"
    )
    first = of_tables(catalog, columns, "JOIN pg_attribute AS a ON a.attrelid = t.oid", "a.attname = 'tenant_id'")
    assert [c["table"] for c in first if (c["place"], c["not_null"], c["type"]) != (1, True, "uuid")] == []

    keys = constraints(catalog, f"{HAS_TENANT} AND c.contype IN ('p', 'u', 'f', 'x')")
    assert [c["name"] for c in keys if c["columns"][0] != "tenant_id"] == []
    unique = indexes(catalog, f"{HAS_TENANT} AND i.indisunique")
    assert [i["name"] for i in unique if i["columns"][0] != "tenant_id"] == []


def test_foreign_keys_keep_to_the_tenant(catalog: Catalog) -> None:
    """The tenant of a row is that of what it refers to, and a global table refers to no tenant table."""
    tenant_tables = set(tables(catalog, HAS_TENANT))
    offenders = []
    for key in constraints(catalog, "c.contype = 'f'"):
        referred = re.search(r"REFERENCES \S+?\((\w+)", key["text"])
        assert referred is not None
        expected = "tenant_id" if key["refers_to"] in tenant_tables else "id"
        if referred[1] != expected or key["table"] not in tenant_tables:
            offenders.append(key["name"])
    assert offenders == []


def test_foreign_key_actions(catalog: Catalog) -> None:
    """CASCADE or NO ACTION (DESIGN: SET NULL would take the tenant along), never ON UPDATE, never later."""
    keys = constraints(catalog, "c.contype = 'f'")
    assert [k["name"] for k in keys if k["on_delete"] not in ("a", "c") or k["on_update"] != "a"] == []
    assert [k["name"] for k in keys if k["deferrable"] or not k["validated"]] == []


def test_every_foreign_key_is_served_by_an_index(catalog: Catalog) -> None:
    """Else each DELETE of what is referred to reads the whole table."""
    found = indexes(catalog, "i.indisvalid")
    unserved = set()
    for key in constraints(catalog, "c.contype = 'f'"):
        width = len(key["columns"])
        mine = [i for i in found if i["table"] == key["table"] and not i["is_partial"]]
        if not any(set(i["columns"][:width]) == set(key["columns"]) for i in mine):
            unserved.add(key["name"])
            primary = next(i["columns"] for i in mine if i["name"] == f"{key['table']}_pkey")
            assert primary[: width - 1] == key["columns"][: width - 1], key["name"]
    assert unserved == SERVED_BY_HALF_A_PRIMARY_KEY


# --- row-level security and rights --------------------------------------------------------------------------


def test_row_level_security_is_enabled_and_forced(catalog: Catalog) -> None:
    assert (
        tables(catalog, f"({HAS_TENANT} OR t.relname = 'tenants') AND NOT (t.relrowsecurity AND t.relforcerowsecurity)")
        == []
    )


def test_policies(catalog: Catalog) -> None:
    """One text for all tenant tables; system rows on definition tables alone, to be read; nothing else."""
    columns = """
        p.polname::text AS name, p.polcmd AS command, p.polpermissive AS permissive,
        p.polroles::regrole[]::text[] AS roles,
        pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check
    """
    policies = of_tables(catalog, columns, "JOIN pg_policy AS p ON p.polrelid = t.oid")
    told = {
        (p["table"], p["name"]): (p["command"], p["permissive"], p["roles"], p["using"], p["check"]) for p in policies
    }
    assert told.pop(("tenants", "tenants_owner")) == ("r", True, ["wfstore_owner"], "true", None)
    tenant, by_id = TENANT_POLICY.format("tenant_id"), TENANT_POLICY.format("id")
    assert told.pop(("tenants", "tenants_tenant")) == ("*", True, ["-"], by_id, by_id)
    for table in tables(catalog, f"{HAS_TENANT} AND NOT t.relispartition"):
        assert told.pop((table, f"{table}_tenant")) == ("*", True, ["-"], tenant, tenant)
        if table in DEFINITIONS:
            assert told.pop((table, f"{table}_system")) == ("r", True, ["-"], SYSTEM_POLICY, None)
    assert told == {}


def test_no_policy_has_a_sub_select(catalog: Catalog) -> None:
    """Citus refuses it."""
    trees = rows(
        catalog, "SELECT polname::text AS name, concat(polqual::text, polwithcheck::text) AS tree FROM pg_policy"
    )
    assert trees
    assert [policy["name"] for policy in trees if "SUBLINK" in policy["tree"]] == []


def test_everything_belongs_to_the_owner(catalog: Catalog) -> None:
    strangers = rows(
        catalog,
        """
        SELECT relname::text AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND pg_get_userbyid(relowner) <> 'wfstore_owner'
        UNION ALL
        SELECT proname FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND pg_get_userbyid(proowner) <> 'wfstore_owner'
        UNION ALL
        SELECT typname FROM pg_type
        WHERE typnamespace = 'public'::regnamespace AND pg_get_userbyid(typowner) <> 'wfstore_owner'
        """,
    )
    assert strangers == []


def test_who_may_do_what(catalog: Catalog) -> None:
    """Nobody but the owner may truncate, refer or make triggers; readers read; PUBLIC and partitions: nothing."""
    granted = rows(
        catalog,
        """
        SELECT t.relname::text AS table, t.relispartition AS is_partition, acl.privilege_type AS privilege,
            CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(acl.grantee) END AS role
        FROM pg_class AS t
        CROSS JOIN LATERAL aclexplode(t.relacl) AS acl
        WHERE t.relnamespace = 'public'::regnamespace AND acl.grantee <> t.relowner
        """,
    )
    allowed = {
        "wfstore_app": {"SELECT", "INSERT", "UPDATE", "DELETE"},
        "wfstore_worker": {"SELECT", "INSERT", "UPDATE", "DELETE"},
        "wfstore_readonly": {"SELECT"},
    }
    assert [g for g in granted if g["is_partition"] or g["privilege"] not in allowed.get(g["role"], set())] == []
    readable = {(g["table"], g["role"]) for g in granted if g["privilege"] == "SELECT"}
    assert [t for t in tables(catalog, "NOT t.relispartition") if (t, "wfstore_readonly") not in readable] == []


# --- columns ------------------------------------------------------------------------------------------------


def test_everything_has_a_comment(catalog: Catalog) -> None:
    silent = rows(
        catalog,
        rf"""
        SELECT t.relname::text AS name FROM pg_class AS t
        WHERE {OURS} AND NOT t.relispartition AND coalesce(obj_description(t.oid, 'pg_class'), '') !~ '\.$'
        UNION ALL
        SELECT t.relname || '.' || a.attname FROM pg_class AS t JOIN pg_attribute AS a ON a.attrelid = t.oid
        WHERE {OURS} AND a.attnum > 0 AND NOT a.attisdropped AND coalesce(col_description(t.oid, a.attnum), '') !~ '\.$'
        UNION ALL
        SELECT oid::regprocedure::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND coalesce(obj_description(oid, 'pg_proc'), '') !~ '\.$'
        """,
    )
    assert silent == []


def test_types(catalog: Catalog) -> None:
    """No varchar(n), no timestamp without zone, no enum type, no json; nothing that counts by itself."""
    columns = """
        t.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, a.attidentity AS identity,
        a.attgenerated AS generated, coalesce(pg_get_expr(d.adbin, d.adrelid), '') AS default
    """
    source = """
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        LEFT JOIN pg_attrdef AS d ON d.adrelid = t.oid AND d.adnum = a.attnum
    """
    found = of_tables(catalog, columns, source)
    assert [(c["name"], c["type"]) for c in found if c["type"] not in TYPES] == []
    counting = [c["name"] for c in found if c["identity"] or c["generated"] or "nextval" in c["default"]]
    assert [name for name in counting if not name.endswith(".rare_status")] == []
    assert [c for c in found if re.search(r"_at$", c["name"]) and c["type"] != "timestamp with time zone"] == []
    assert [c for c in found if re.search(r"\.(start|end)_time$", c["name"]) and c["type"] != "bigint"] == []
    assert (
        rows(catalog, "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace")
        == []
    )


def test_vocabularies_are_those_of_python(catalog: Catalog) -> None:
    """A CHECK that lists words lists those of a StrEnum; one that a later table brings must be of some StrEnum."""
    enums = [
        e for e in vars(vocabulary).values() if isinstance(e, type) and issubclass(e, StrEnum) and e is not StrEnum
    ]
    listed = {}
    for constraint in constraints(catalog, "c.contype = 'c' AND NOT t.relispartition"):
        if re.match(r"CHECK \(\(\w+ = ANY \(ARRAY\['[^']*'::text", constraint["text"]):
            listed[constraint["name"]] = set(re.findall(r"'([^']*)'::text", constraint["text"]))
    assert {name: listed[name] for name in VOCABULARIES} == VOCABULARIES
    assert [name for name, words in listed.items() if name not in VOCABULARIES and words not in map(set, enums)] == []
    assert [enum.__name__ for enum in enums if set(enum) not in listed.values()] == []


# --- functions and triggers ---------------------------------------------------------------------------------


def test_updated_at_is_kept_by_a_trigger(catalog: Catalog) -> None:
    """On tenant tables; the queries set it on global ones, where Citus has no triggers."""
    triggers = of_tables(
        catalog,
        "g.tgname::text AS name, pg_get_triggerdef(g.oid) AS text, g.tgenabled AS enabled",
        "JOIN pg_trigger AS g ON g.tgrelid = t.oid AND NOT g.tgisinternal",
    )
    kept = "t.oid IN (SELECT attrelid FROM pg_attribute WHERE attname = 'updated_at' AND NOT attisdropped)"
    expected = {
        table: f"CREATE TRIGGER {table}_touch BEFORE UPDATE ON public.{table}"
        " FOR EACH ROW EXECUTE FUNCTION wfstore_touch_updated_at()"
        for table in tables(catalog, f"{HAS_TENANT} AND {kept}")
    }
    assert {t["table"]: t["text"] for t in triggers if t["name"].endswith("_touch")} == expected
    tenant_tables = set(tables(catalog, HAS_TENANT))
    assert [t["name"] for t in triggers if t["table"] not in tenant_tables or "FOR EACH ROW" not in t["text"]] == []
    assert {t["enabled"] for t in triggers} == {"O"}


def test_functions(catalog: Catalog) -> None:
    """A function that looks up names has a path of its own; one that acts as the owner is for whom we say."""
    functions = rows(
        catalog,
        """
        SELECT p.oid::regprocedure::text AS name, l.lanname::text AS language, p.prosecdef AS definer,
            coalesce((SELECT substr(s, 13) FROM unnest(p.proconfig) AS s WHERE s LIKE 'search_path=%'), '') AS path,
            p.proacl IS NULL OR EXISTS (SELECT FROM aclexplode(p.proacl) WHERE grantee = 0) AS is_public
        FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
        WHERE p.pronamespace = 'public'::regnamespace
        """,
    )
    assert {"wfstore_make_partition(timestamp with time zone)", "wfstore_tenant_id(text)"} <= {
        f["name"] for f in functions if f["definer"]
    }
    assert [f["name"] for f in functions if not f["name"].startswith("wfstore_")] == []
    assert [f["name"] for f in functions if (f["definer"] or f["language"] == "plpgsql") and not f["path"]] == []
    # pg_temp last: else whoever may make temporary tables puts one in the way of the owner
    assert [f["name"] for f in functions if f["definer"] and not f["path"].endswith(", pg_temp")] == []
    assert [f["name"] for f in functions if f["definer"] and f["is_public"]] == []


# --- partitions ---------------------------------------------------------------------------------------------


def partitions(catalog: Catalog) -> dict[tuple[str, str], tuple[datetime, datetime]]:
    """The bounds of each partition, by parent and suffix."""
    found = {}
    columns = "i.inhparent::regclass::text AS parent, pg_get_expr(t.relpartbound, t.oid) AS bound"
    for piece in of_tables(catalog, columns, "JOIN pg_inherits AS i ON i.inhrelid = t.oid", "t.relispartition"):
        bound = re.fullmatch(r"FOR VALUES FROM \('(.*)'\) TO \('(.*)'\)", piece["bound"])
        assert bound is not None, f"{piece['table']}: {piece['bound']}"  # such as DEFAULT
        lower, upper = (UUID(text).int for text in bound.groups())
        assert lower % (1 << 80) == upper % (1 << 80) == 0
        times = [datetime.fromtimestamp((value >> 80) / 1000, UTC) for value in (lower, upper)]
        found[piece["parent"], piece["table"].removeprefix(f"{piece['parent']}_")] = times[0], times[1]
    return found


def test_history_is_cut_into_weeks(catalog: Catalog) -> None:
    """From a Monday in UTC to the next, named for it, whatever the session's time zone; made ahead; no DEFAULT."""
    found = partitions(catalog)
    assert {parent for parent, _ in found} == {"workflow_executions", "node_executions"}
    for (_, suffix), (lower, upper) in found.items():
        assert (lower.weekday(), lower.hour, lower.minute, lower.microsecond) == (0, 0, 0, 0)
        assert upper - lower == timedelta(days=7)
        assert suffix == f"p{lower:%Y%m%d}"
    now = datetime.now(UTC)
    ahead = [lower for (parent, _), (lower, upper) in found.items() if parent == "node_executions" and upper > now]
    assert len(ahead) >= 1 + 4, "this week, four more, and that of the fixture"
    assert min(ahead) <= now


def test_siblings_have_the_same_bounds(catalog: Catalog) -> None:
    found = partitions(catalog)
    executions, results = (
        {suffix: bounds for (parent, suffix), bounds in found.items() if parent == table}
        for table in ("workflow_executions", "node_executions")
    )
    assert executions == results


def test_results_refer_to_the_sibling(catalog: Catalog) -> None:
    """Partition to partition, so that a period goes by dropping both; and nothing else refers to history."""
    history = """
        c.confrelid IN (
            SELECT relid FROM unnest('{workflow_executions,node_executions}'::regclass[]) AS parent,
                pg_partition_tree(parent)
        )
    """
    into_history = constraints(catalog, f"c.contype = 'f' AND {history}")
    told = {(k["table"], k["name"], k["refers_to"], tuple(k["columns"]), k["on_delete"]) for k in into_history}
    assert told == {
        (f"node_executions_{suffix}", f"node_executions_{suffix}_execution_fkey", f"workflow_executions_{suffix}",
         ("tenant_id", "execution_id"), "c")
        for parent, suffix in partitions(catalog)
        if parent == "node_executions"
    }  # fmt: skip


def test_partitions_are_as_their_parent(catalog: Catalog) -> None:
    """Every index of the parent is there, attached, once; every CHECK and foreign key too."""
    found = indexes(catalog)
    keys = constraints(catalog, "c.contype IN ('c', 'f') AND c.conname NOT LIKE '%_execution_fkey'")
    for parent, suffix in partitions(catalog):
        mine = [i for i in found if i["table"] == f"{parent}_{suffix}"]
        assert sorted(i["parent"] or "" for i in mine) == sorted(i["name"] for i in found if i["table"] == parent)
        inherited = {k["name"] for k in keys if k["table"] == f"{parent}_{suffix}"}
        assert inherited == {k["name"] for k in keys if k["table"] == parent}
