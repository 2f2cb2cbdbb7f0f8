"""The plans that are pinned: for each query the indexes it uses, and how many rows it may touch.

A bound is a formula in the query's parameters (of an array its length) and in these facts about the tenant:

    people, workflows       its users, its workflows
    document                nodes of its largest workflow; connections, terms and versions are about as many
    queued                  what it has in the queue
    others, due             what in the claimed queue is ready and of tenants that the claim is not for; what is due
    parked                  what of the workflow is parked because it is paused
    results                 its node results since `since_id`
    counts, totals          its rows of the roll-up since `since_id`: all, and those that say what the whole tenant did
    periods, since          partitions of history: all, and those since `since_id`

It holds with 50,000 rows as with 100,000. Touched is what a scan returns or throws away, the scans of arrays and
of CTEs included: that is the factor before the number of ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Pin:
    """What must hold for the plan of a query."""

    query: str
    indexes: str
    """Those that are used, no others; `a|b`: one or both."""
    rows: str
    """The most rows that are touched."""
    plan: Literal["either", "custom", "generic"] = "either"
    """With which kind of plan that holds; if only with one, PostgreSQL must choose it of itself."""
    role: str = "wfstore_app"
    periods: str = "0"
    """The most partitions of history that are visited."""
    blocks: str = "20 + 4 * rows + 4 * periods"
    """The most blocks that scans look at: what an index walks over without returning it is in no count of rows."""
    others_plan: str | None = None
    """The rows where the generic plan was made for another tenant, if those are more."""


WORKER = "wfstore_worker"
PAGE = "2 * limit"
HISTORY = "workflow_executions_pkey"
RESULTS = "node_executions_pkey"
QUEUE = "execution_queue_pkey"
PARENT = "execution_queue_parent_idx"
SIGNALS = "execution_signals_pkey"
KEYS = "execution_keys_pkey"
LIMITS = "concurrency_limits_pkey"
PAUSES = "execution_pauses_pkey"
STATS = "execution_stats_pkey"
STATS_HOURS = "execution_stats_hour_idx"
DEAD = "dead_letters_pkey"
WORKFLOWS = "workflows_pkey"
TERMS = "workflow_terms_workflow_idx"
EMAIL_OR_KEY = "users_pkey|users_email_key"

PINS = [
    # --- definitions ---
    Pin("workflows.create", "", rows="0"),
    Pin("workflows.delete", WORKFLOWS, rows="1"),
    Pin("workflows.get", WORKFLOWS, rows="1"),
    Pin("workflows.lock", "", rows="1"),
    Pin("history.present", HISTORY, rows="execution_ids", periods="execution_ids"),
    Pin("workflows.names", WORKFLOWS, rows="ids"),
    Pin("workflows.page", WORKFLOWS, rows="limit"),
    # Of each term a sample is counted, then those with the rarest are looked at: here one in a hundred workflows. For
    # each the array is read once more, and the other terms are probed.
    Pin(
        "workflows.page_by_terms",
        f"workflow_terms_pkey|{TERMS} {WORKFLOWS}|workflow_terms_pkey",
        rows="3 * terms + terms * sample + (1 + workflows / 100) * 2 * terms + 2 * limit",
    ),
    Pin("workflows.page_templates", "workflows_template_idx", rows="limit"),
    Pin("workflows.page_by_user", "workflows_user_idx", rows="limit"),
    Pin("workflows.revision", WORKFLOWS, rows="1"),
    Pin("workflows.save", WORKFLOWS, rows="1"),
    Pin("workflows.set_active", WORKFLOWS, rows="1"),
    Pin("workflows.set_pin_data", WORKFLOWS, rows="1"),
    Pin("workflows.set_settings", WORKFLOWS, rows="1"),
    Pin("workflows.set_static_data", WORKFLOWS, rows="1"),
    Pin("workflow_versions.create", f"{WORKFLOWS} workflow_versions_pkey", rows="1"),
    Pin("workflow_versions.get", "workflow_versions_pkey", rows="1"),
    # a few hundred rows of one workflow may be sorted rather than followed in their order
    Pin("workflow_versions.page", "workflow_versions_pkey", rows="document"),
    # --- projections: of one workflow, whose nodes are as many as its document holds ---
    Pin("nodes.get", "nodes_pkey", rows="1"),
    Pin("nodes.page_by_workflow", "nodes_pkey", rows="document"),
    Pin("nodes.remove_others", "nodes_pkey", rows="2 * document"),
    Pin("nodes.upsert_many", "nodes_pkey", rows="node_ids"),
    Pin("node_connections.get", "node_connections_pkey", rows="1"),
    Pin("node_connections.page_by_workflow", "node_connections_pkey", rows="document"),
    Pin("node_connections.remove_others", "node_connections_pkey", rows="2 * document"),
    Pin("node_connections.upsert_many", "node_connections_pkey", rows="ordinals"),
    Pin("workflow_terms.add_many", "workflow_terms_pkey", rows="terms"),
    Pin("workflow_terms.page_by_workflow", f"{TERMS}|workflow_terms_pkey", rows="1.1 * document"),
    Pin("workflow_terms.remove_others", TERMS, rows="terms + 1.1 * document"),
    # --- history ---
    Pin("executions.get", HISTORY, rows="1", periods="1"),
    Pin("executions.get_many", HISTORY, rows="execution_ids", periods="execution_ids"),
    Pin("executions.delete", f"{HISTORY}|{STATS}", rows="9", periods="1"),
    Pin("executions.update_metadata", HISTORY, rows="1", periods="1"),
    # pages go from the latest period to older ones until they are full
    Pin("executions.page", HISTORY, rows="limit", periods="periods"),
    Pin(
        "executions.page_by_workflow",
        f"workflow_executions_workflow_idx|{HISTORY}",
        rows="3 * limit",
        periods="periods",
    ),
    # of the queue all that the tenant has there may have another status
    Pin("executions.page_active", f"{QUEUE} {HISTORY}", rows="queued + 2 * limit", periods="limit"),
    Pin("executions.page_children", "workflow_executions_parent_idx", rows="limit", periods="periods"),
    Pin("executions.page_canceled", "workflow_executions_rare_idx", rows="limit", periods="periods"),
    Pin("executions.page_failed", "workflow_executions_rare_idx", rows="limit", periods="periods"),
    # before PostgreSQL 17 a tenant with less than a hundred rows may go by those
    Pin(
        "executions.start_many",
        HISTORY,
        rows="3 * execution_ids",
        role=WORKER,
        periods="1",
        blocks="20 + 6 * rows",
    ),
    Pin("node_executions.count_by_execution", RESULTS, rows="4", periods="1"),
    Pin("node_executions.get", RESULTS, rows="1", periods="1"),
    Pin("node_executions.page_by_execution", RESULTS, rows="limit", periods="1"),
    Pin("node_executions.page_results", RESULTS, rows="limit", periods="1"),
    Pin(
        "node_executions.get_many",
        RESULTS,
        rows="execution_ids * (2 + node_ids)",
        periods="execution_ids",
    ),
    Pin("node_executions.copy_results", RESULTS, rows="500", periods="2"),
    # --- the queue, and what is written under its fence ---
    Pin("executions.cancel", f"{QUEUE} {PARENT} {HISTORY}|{STATS}", rows="70", periods="2"),
    Pin("executions.enqueue_many", f"{WORKFLOWS} {HISTORY} {KEYS} {LIMITS}", rows="20 * execution_ids"),
    Pin(
        "executions.fail_many",
        f"{QUEUE} {HISTORY}|{DEAD}|{STATS}",
        rows="20 * execution_ids",
        role=WORKER,
        periods="1",
    ),
    Pin(
        "executions.finish_many",
        f"{QUEUE} {HISTORY}|{STATS}",
        rows="15 * execution_ids",
        role=WORKER,
        periods="1",
    ),
    Pin("executions.get_queue_entry", QUEUE, rows="1"),
    Pin("executions.heartbeat_many", QUEUE, rows="5 * execution_ids", role=WORKER),
    Pin("executions.lock", QUEUE, rows="1"),
    Pin("executions.lock_many", f"{QUEUE}|{LIMITS}", rows="10 * execution_ids", role=WORKER),
    Pin("executions.page_queue", QUEUE, rows="10 * limit"),
    Pin("executions.suspend", f"{QUEUE} {SIGNALS}|{PARENT}|{HISTORY}", rows="20", role=WORKER, periods="1"),
    Pin("executions.unfinished", QUEUE, rows="execution_ids"),
    Pin("executions.wake_signaled", f"{QUEUE}|{SIGNALS}", rows="10"),
    Pin("node_executions.record_many", f"{QUEUE} {RESULTS}", rows="9 * execution_ids", role=WORKER),
    # The index of what is ready is walked from the most urgent on: over the rows of other tenants too. A tenant with
    # little goes by its own rows.
    Pin(
        "executions.claim",
        f"execution_queue_ready_idx|{QUEUE}|{PAUSES}|execution_pauses_name_idx",
        rows="10 * limit + others + min(queued, 100)",
        role=WORKER,
    ),
    Pin(
        "executions.wake_due",
        f"execution_queue_due_idx|{QUEUE}",
        rows="10 * limit + due + min(queued, 100)",
        role=WORKER,
    ),
    Pin("execution_signals.add", f"{QUEUE} {SIGNALS}", rows="1"),
    Pin("execution_signals.delete_by_execution", SIGNALS, rows="10"),
    Pin("execution_signals.page_by_execution", SIGNALS, rows="10"),
    Pin("execution_signals.take", f"{QUEUE} {SIGNALS}", rows="30", role=WORKER),
    Pin(
        "execution_keys.delete_expired",
        f"execution_keys_expires_idx|{KEYS}",
        rows="3 * limit",
        plan="custom",
    ),
    Pin("execution_keys.get_many", KEYS, rows="2 * idempotency_keys"),
    # --- what governs the queue, and what was given up ---
    Pin("concurrency_limits.delete", LIMITS, rows="1"),
    Pin("concurrency_limits.get", LIMITS, rows="1"),
    Pin("concurrency_limits.page", LIMITS, rows="100"),
    # what is counted is read
    Pin(
        "concurrency_limits.page_use",
        f"{LIMITS} execution_queue_active_idx execution_queue_parked_idx",
        rows="100 + queued",
    ),
    Pin("concurrency_limits.refill", "", rows="1"),
    Pin("concurrency_limits.set_limit", LIMITS, rows="1"),
    Pin("execution_pauses.create", PAUSES, rows="1"),
    Pin("execution_pauses.delete", f"{PAUSES}|execution_pauses_name_idx", rows="1"),
    # few; they may be sorted rather than followed in their order
    Pin("execution_pauses.page", PAUSES, rows="document + 2"),
    Pin("execution_pauses.unpark", "execution_queue_paused_idx", rows="2 * parked"),
    Pin("dead_letters.delete_many", DEAD, rows="10 * execution_ids", plan="custom"),
    Pin("dead_letters.get", DEAD, rows="1"),
    Pin("dead_letters.page", DEAD, rows="limit"),
    # --- monitoring: what is counted is read, and nothing from before the window ---
    Pin("monitoring.active_by_status", QUEUE, rows="queued"),
    Pin("monitoring.queue_depth", f"{QUEUE} {PAUSES}|execution_pauses_name_idx", rows="queued + 5"),
    Pin("monitoring.by_status", f"{STATS}|{STATS_HOURS} {QUEUE}", rows="2 * totals + queued + 12"),
    Pin("monitoring.performance", f"{STATS}|{STATS_HOURS}", rows="2 * totals + 1"),
    Pin("monitoring.performance_by_workflow", f"{STATS}|{STATS_HOURS} {WORKFLOWS}", rows="2 * counts + 3 * limit"),
    Pin("monitoring.failing_nodes", f"{RESULTS}|{HISTORY}", rows="2 * results", periods="since"),
    Pin("monitoring.slowest_nodes", f"{RESULTS}|{HISTORY}", rows="2 * results", periods="since"),
    # --- people: a plan made for a tenant of three users may take either index for the other ---
    Pin("users.create", "", rows="0"),
    Pin("users.delete", EMAIL_OR_KEY, rows="3", others_plan="people"),
    Pin("users.get", EMAIL_OR_KEY, rows="3", others_plan="people"),
    Pin("users.get_by_email", EMAIL_OR_KEY, rows="3", others_plan="people"),
    Pin("users.page", "users_pkey", rows="limit"),
    Pin("users.update", EMAIL_OR_KEY, rows="3", others_plan="people"),
]
