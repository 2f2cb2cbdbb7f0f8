"""The timeline of nodes: bars where the scale says, whatever the width; and the words for what the queue does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from wfstore.cli.queue_words import state
from wfstore.cli.scale import Scale, short
from wfstore.cli.timeline import Timeline
from wfstore.models import ExecutionPause, NodeExecutionSummary, QueueEntry
from wfstore.vocabulary import ExecutionStatus, NodeStatus, NodeType, ParkReason, PauseKind

TENANT, EXECUTION, WORKFLOW = (UUID(int=(7 << 76) + (2 << 62) + number) for number in range(3))
BARS = "█▌▓░▶┄"
HOUR = 3_600_000


def ran(node_id: str, start: int | None, end: int | None, **facts: Any) -> NodeExecutionSummary:
    """A run of a node; times are milliseconds from the start of the execution."""
    status = NodeStatus.PENDING if start is None else NodeStatus.RUNNING if end is None else NodeStatus.SUCCESS
    given: dict[str, Any] = {
        "tenant_id": TENANT,
        "execution_id": EXECUTION,
        "node_id": node_id,
        "run_index": 0,
        "node_type": NodeType.ACTION,
        "status": status,
        "start_time": start,
        "end_time": end,
        "retry_count": 0,
        "max_retries": 0,
    }
    return NodeExecutionSummary(**given | facts)


def drawn(runs: list[NodeExecutionSummary], end: int = 10_000, width: int = 100, **facts: Any) -> list[str]:
    lines = Timeline(runs, facts.pop("names", {}), 0, end, width, **facts).lines()
    assert all("\x1b" not in line.plain for line in lines)
    assert max(cell_len(line.plain) for line in lines) <= width
    return [line.plain for line in lines]


def bar(line: str, signs: str = BARS) -> tuple[int, int]:
    """Where a line's bar begins and ends."""
    places = [place for place, sign in enumerate(line) if sign in signs]
    assert places == list(range(places[0], places[-1] + 1)), line
    return places[0], places[-1]


# --- bars ---------------------------------------------------------------------------------------------------


def test_bars_are_where_the_scale_says() -> None:
    axis, first, second, third = drawn([ran("a", 0, 5_000), ran("b", 2_000, 8_000), ran("c", 8_000, 10_000)])
    zero, two, eight = (axis.index(text) for text in ("│0", "│2 s", "│8 s"))
    assert bar(first)[0] == zero
    assert bar(second)[0] == two
    assert bar(second)[1] == eight - 1
    assert bar(third)[0] == eight
    assert set(range(*bar(first))) & set(range(*bar(second)))  # they overlapped
    assert [line.split()[:4] for line in (first, second)] == [
        ["a", "SUCCESS", "+0", "ms"],
        ["b", "SUCCESS", "+2.0", "s"],
    ]
    assert "6.0 s" in second


def test_what_has_not_ended_is_open_to_the_right() -> None:
    _, running, waiting, pending, skipped = drawn(
        [
            ran("a", 1_000, None),
            ran("b", 2_000, None, status=NodeStatus.WAITING),
            ran("c", None, None),
            ran("d", None, None, status=NodeStatus.SKIPPED),
        ]
    )
    assert running.endswith("▓▓▶")
    assert "9.0 s+" in running
    assert waiting.endswith("░░▶")
    assert len(running) == len(waiting) == 100
    assert pending.split() == ["c", "PENDING"]
    assert skipped.split() == ["d", "SKIPPED"]


def test_passes_of_a_loop_come_in_their_order_with_their_number() -> None:
    runs = [ran(node, at, at, run_index=index) for index, at in enumerate((5, 5, 7)) for node in ("a", "b")]
    lines = drawn([*runs[::-1], ran("once", 0, 3)], end=9)
    assert [" ".join(line.split()[:2]) for line in lines[1:]] == [
        *("once SUCCESS", "a #0", "b #0", "a #1", "b #1", "a #2", "b #2"),
    ]


def test_retries_have_a_column_where_there_are_any() -> None:
    assert "retries" not in drawn([ran("a", 0, 5)])[0]
    heading, first, second = drawn([ran("a", 0, 5, retry_count=2, max_retries=3), ran("b", 6, 7)])
    assert "retries" in heading
    assert "2/3" in first
    assert "/" not in second


def test_a_run_that_begins_in_the_future_lasts_no_time() -> None:
    [_, line] = drawn([ran("a", 20_000, None)])
    assert line.split()[2:6] == ["+20.0", "s", "0", "ms+"]


def test_a_short_run_is_seen() -> None:
    _, first, second = drawn([ran("a", 0, 1), ran("b", 0, HOUR)], end=HOUR)
    assert first.count("▌") == 1
    assert "█" in second


def test_names_of_nodes() -> None:
    names = {"a": "First", "7f0c9b1e-8a3b-4a52-9f5e-0a6e1b1b0c11": "Second", "c": "Same", "d-with-a-long-id": "Same"}
    lines = drawn([ran(node, at, 9) for at, node in enumerate([*names, "e"])], names=names, width=120)
    assert [line.split("  ")[0] for line in lines[1:]] == [
        *("First (a)", "Second", "Same (c)", "Same (d-with-a-long-id)", "e"),
    ]
    narrow = drawn([ran("a", 0, 9, run_index=12)], names={"a": "A name of very many words " * 5}, width=80)
    assert "… #12  " in narrow[1]
    assert "(a)" not in narrow[1]


def test_names_say_nothing_to_the_terminal() -> None:
    [_, line] = drawn([ran("a", 0, 9)], names={"a": "[red]x\x1b[31m\ny"})
    assert line.startswith("[red]x\ufffd[31m y (a)")


def test_ascii() -> None:
    lines = drawn([ran("a", 0, 5_000), ran("b", 1, None), ran("c" * 99, 2 * HOUR, 3 * HOUR)], 3 * HOUR, ascii_only=True)
    assert all(line.isascii() for line in lines)
    assert "=>" in lines[2]


# --- the scale ----------------------------------------------------------------------------------------------


def test_time_in_which_nothing_happens_is_cut_where_it_is_almost_all() -> None:
    ending = 3 * HOUR
    lines = drawn(
        [ran("a", 0, 1_000), ran("ask", 1_000, ending), ran("b", ending, ending + 500)], end=ending + 1_000, width=120
    )
    axis, before, ask, after = lines
    assert "┄ 2 h 59 min ┄" in axis
    assert axis.index("│0") < axis.index("2 h 59") < axis.index("┄│")
    assert bar(after)[0] == axis.index("┄│") + 1
    assert bar(before)[1] - bar(before)[0] > 10
    assert bar(ask)[0] - bar(before)[1] in (0, 1)
    assert "█┄" in ask


def test_nothing_is_cut_where_much_happens() -> None:
    assert "┄" not in "".join(drawn([ran("a", 0, 1_000), ran("b", 1_000, 9_000)]))
    assert "┄" not in "".join(drawn([ran("a", 0, HOUR)], end=HOUR))
    assert "┄" not in "".join(drawn([ran("a", 0, 5), ran("b", 5, HOUR)], end=HOUR))


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [(5, "5 ms"), (1_500, "1.5 s"), (60_000, "1 min"), (HOUR, "1 h"), (90 * 60_000, "90 min"), (24 * HOUR, "1 d")],
)
def test_times_of_the_scale_are_short(milliseconds: int, text: str) -> None:
    assert short(milliseconds) == text


TIMES = st.integers(0, 10**11) | st.integers(0, 50)


@st.composite
def some_runs(draw: st.DrawFn) -> list[NodeExecutionSummary]:
    runs = []
    for index in range(draw(st.integers(1, 12))):
        start = draw(st.none() | TIMES)
        length = draw(st.none() | TIMES)
        end = None if start is None or length is None else start + length
        node = draw(st.sampled_from(["a", "日本語のノード", "long " * 20]))
        runs.append(ran(node, start, end, run_index=index, retry_count=draw(st.integers(0, 1))))
    return runs


@given(some_runs(), st.integers(0, 10**11), st.integers(80, 250), st.booleans())
def test_whatever_has_run_fits_and_shows(
    runs: list[NodeExecutionSummary], end: int, width: int, ascii_only: bool
) -> None:
    lines = drawn(runs, end, width, ascii_only=ascii_only)
    assert len(lines) == len(runs) + 1
    signs = "#|=.>~" if ascii_only else BARS
    begun = [line for line in lines[1:] if line.rstrip()[-1] in signs]
    assert len(begun) >= sum(run.start_time is not None for run in runs)


@given(st.lists(TIMES, max_size=12), TIMES, st.integers(1, 10**13), st.integers(20, 200))
def test_the_scale_keeps_the_order_of_time(events: list[int], begin: int, length: int, width: int) -> None:
    end = begin + length
    inside = sorted({begin, end, *(event for event in events if begin <= event <= end)})
    scale = Scale.of(begin, end, inside, width)
    places = [scale.position(event) for event in inside]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] == pytest.approx(width)
    for first, second in pairwise(inside):
        left, right = scale.span(first, second)
        assert 0 <= left <= right < width
    assert len(scale.axis("│", "┄")) == width


# --- the queue in words -------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SOON, BEFORE = NOW + timedelta(minutes=5), NOW - timedelta(minutes=5)
RUNNING = {"status": ExecutionStatus.RUNNING, "ready": False, "worker_id": "w1"}
WAITING = {"status": ExecutionStatus.WAITING, "ready": False}
LATER = {"ready": False, "visible_at": SOON}
PARKED = {"ready": False, "parked_by": ParkReason.CONCURRENCY, "concurrency_key": "customer-42"}


def local(time: datetime) -> str:
    return f"{time.astimezone():%H:%M:%S}"


def queue_entry(**facts: Any) -> QueueEntry:
    given: dict[str, Any] = {
        "tenant_id": TENANT,
        "execution_id": EXECUTION,
        "workflow_id": WORKFLOW,
        "queue": "mail",
        "status": ExecutionStatus.NEW,
        "priority": 0,
        "visible_at": BEFORE,
        "ready": True,
        "parked_by": None,
        "attempt": 0,
        "failures": 0,
        "max_attempts": 5,
        "worker_id": None,
        "concurrency_key": None,
        "wait_signal": None,
        "wait_children": False,
    }
    return QueueEntry(**given | facts)


STATES: list[tuple[dict[str, Any], str]] = [
    ({}, f"ready for a worker since {local(BEFORE)}"),
    ({"failures": 2}, f"ready for a worker since {local(BEFORE)}, 2 of 5 attempts failed"),
    (LATER, f"starts at {local(SOON)}"),
    (LATER | {"failures": 2}, f"retries at {local(SOON)}, 2 of 5 attempts failed"),
    ({"ready": False}, f"due since {local(BEFORE)}; the next claim takes it"),
    (PARKED, "parked: all 3 places of key customer-42 are taken"),
    ({"ready": False, "parked_by": ParkReason.WORKFLOW}, "parked: its workflow is paused"),
    (RUNNING | {"visible_at": SOON}, f"runs on worker w1, whose lease ends at {local(SOON)}"),
    (RUNNING, f"the lease of worker w1 ran out at {local(BEFORE)}; the next claim takes it over"),
    (
        RUNNING | {"failures": 4},
        f"the lease of worker w1 ran out at {local(BEFORE)}; the next claim gives it up, 4 of 5 attempts failed",
    ),
    (WAITING | {"visible_at": SOON}, f"waits until {local(SOON)}"),
    (WAITING | {"visible_at": None, "wait_signal": "approved"}, "waits for signal approved"),
    (WAITING | {"visible_at": SOON, "wait_signal": "ok"}, f"waits for signal ok until {local(SOON)}"),
    (WAITING | {"visible_at": None, "wait_children": True}, "waits for its children"),
    (
        WAITING | {"visible_at": SOON, "wait_children": True, "wait_signal": "\x1b[31m"},
        f"waits for signal \ufffd[31m or for its children until {local(SOON)}",
    ),
    (WAITING, f"its wait was over at {local(BEFORE)}; the next claim wakes it"),
]


@pytest.mark.parametrize(("facts", "said"), STATES, ids=[said for _, said in STATES])
def test_the_state_in_words(facts: dict[str, Any], said: str) -> None:
    assert state(queue_entry(**facts), {}, NOW, places=3) == said


@pytest.mark.parametrize(
    ("places", "said"),
    [
        (None, "all places of key customer-42 are taken"),
        (1, "the one place of key customer-42 is taken"),
        (0, "key customer-42 has no places, its limit is 0"),
    ],
)
def test_what_is_parked_for_a_key(places: int | None, said: str) -> None:
    assert state(queue_entry(**PARKED), {}, NOW, places=places) == f"parked: {said}"


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        (PauseKind.QUEUE, "mail", "but queue mail is paused (too [b]fast)"),
        (PauseKind.WORKFLOW, str(WORKFLOW), "but its workflow is paused (too [b]fast)"),
    ],
)
def test_what_is_ready_and_paused(kind: PauseKind, name: str, said: str) -> None:
    pause = ExecutionPause(tenant_id=TENANT, kind=kind, name=name, reason="too [b]fast", created_at=NOW)
    assert state(queue_entry(), {(kind, name): pause}, NOW) == f"ready since {local(BEFORE)}, {said}"


def test_another_day_is_named() -> None:
    tomorrow = NOW + timedelta(days=1)
    said = state(queue_entry(**LATER | {"visible_at": tomorrow}), {}, NOW)
    assert said == f"starts on {tomorrow.astimezone():%Y-%m-%d %H:%M:%S}"
