"""Graphs as text: what people see of chains, branches, loops, agents, and of what is wrong with a document."""

from __future__ import annotations

import re
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests import documentkit
from tests.documentkit import Document
from tests.workkit import growth
from wfstore.documents.drawing import draw
from wfstore.documents.drawing_words import clean

HOSTILE = "\x1b[31mred\x1b[0m\r\n\tname\x07 \u202egnp.exe\u200b\ud800\x9b"
CATEGORIES = {"categories": {"categories": [{"category": "A"}]}}
KINDS = {"t": "TRIGGER", "i": "FLOW", "A": "AI_AGENT"}


def graph(*edges: str, **more: Any) -> Document:
    """A document of edges like `a -> b`, `a [1] -> b`, `a -> b@1`, `m =AI_TOOL=> A`, or of nodes alone.

    Nodes are made: `t...` are triggers, `if...` conditions, `A...` agents.
    """
    nodes: dict[str, Document] = {}
    connections = []
    for edge in edges:
        found = re.fullmatch(r"(\w+)(?: \[(\d)\])?(?: (?:->|=(\w+)=>) (\w+)(?:@(\d))?)?", edge)
        assert found, edge
        source, index, flow, target, entry = found.groups()
        for each in filter(None, (source, target)):
            subtype = {"node_subtype": "n8n-nodes-base.if"} if each.startswith("if") else {}
            nodes[each] = {"node_id": each, "name": each, "node_type": KINDS.get(each[0], "ACTION"), **subtype}
        if target:
            ends = {"source_node_id": source, "source_index": int(index or 0), "target_node_id": target}
            connections.append({**ends, "target_index": int(entry or 0), "connection_type": flow or "MAIN"})
    return {"name": "n", "nodes": list(nodes.values()), "connections": connections, **more}


def check(document: Document, expected: str) -> None:
    """Compare the drawing, its columns of types left out."""
    lines = [re.sub(r"  +(trigger|flow|action|agent)\b(?:  +if)?", "", line) for line in draw(document).splitlines()]
    shown = "\n".join(re.sub(r"(?<=\w) +←", " ←", line) for line in lines)
    assert shown == dedent(expected).strip("\n")


# --- flow ---------------------------------------------------------------------------------------------------


def test_the_whole_of_a_small_one() -> None:
    document = graph("t -> if", "if -> a", "if [1] -> b", "a -> c", "b -> d", "d -> c", "c -> e", annotations=[{}, {}])
    assert draw(document) == dedent("""\
        ● t     trigger
        ● if    flow     if
        ├─ [true]
        │  ● a  action
        │  → c, below
        └─ [false]
           ● b  action
           ● d  action
           → c, below
        ◆ c     action       ← a, d
        ● e     action

        and 2 notes on the canvas""")


def test_a_chain_stays_at_one_level() -> None:
    lines = draw(graph("t -> n0", *(f"n{n} -> n{n + 1}" for n in range(199)))).splitlines()
    assert len(lines) == 201
    assert all(line.startswith("● ") for line in lines)


def test_a_single_way_out_of_a_condition_is_no_branch() -> None:
    expected = """
        ● t
        ● if
        [false]
        ● a
    """
    check(graph("t -> if", "if [1] -> a"), expected)


def test_several_targets_of_one_output_are_branches_without_names() -> None:
    expected = """
        ● t
        ├─ ● a
        │  ● c
        └─ ● b
    """
    check(graph("t -> a", "t -> b", "a -> c"), expected)


def test_a_second_way_from_the_same_node_is_a_reference() -> None:
    expected = """
        ● t
        ● if
        ├─ [true]
        │  ● a
        └─ [false] → a [input 1], above
    """
    check(graph("t -> if", "if -> a", "if [1] -> a@1"), expected)


def test_loops() -> None:
    document = graph("t -> loop", "loop -> b", "loop [1] -> a", "a -> loop", "b -> b")
    document["nodes"][1] |= {"node_subtype": "x.splitInBatches", "type_version": 3}
    document["nodes"][2]["disabled"] = True
    assert draw(document) == dedent("""\
        ● t                trigger
        ● loop             action   splitInBatches
        ├─ [done]
        │  ● b (disabled)  action
        │  (back to b)
        └─ [loop]
           ● a             action
           (back to loop)""")
    document["nodes"][1]["type_version"] = 1
    assert draw(document).index("[loop]") < draw(document).index("[done]")


def test_several_triggers_and_where_their_ways_meet() -> None:
    expected = """
        ● t1
        → a, below

        ● t2
        ● b
        → a, below

        ◆ a ← t1, b
        ● c

        ● t3
        ● d
    """
    check(graph("t1 -> a", "t2 -> b", "b -> a", "a -> c", "t3 -> d"), expected)


def test_triggers_stand_as_on_the_canvas() -> None:
    document = graph("t1", "t2")
    document["nodes"][0]["position_y"] = 10
    check(document, "● t2\n● t1")


@pytest.mark.parametrize(
    ("facts", "index", "expected"),
    [
        ({"node_subtype": "x.filter"}, 1, "[discarded]"),
        ({"node_subtype": "if"}, 1, "[false]"),
        ({"error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR"}, 1, "[error]"),
        ({"error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR", "node_subtype": "x.if"}, 2, "[error]"),
        ({"error_handling": "CONTINUE_ERROR_OUTPUT_ON_ERROR"}, 0, None),
        ({"node_subtype": "x.switch", "parameters": {"rules": {"values": [{}, {"outputKey": "big"}]}}}, 1, "[big]"),
        ({"node_subtype": "x.switch", "parameters": {"rules": {"values": [{}, {"outputKey": "big"}]}}}, 2, "[2]"),
        ({"node_subtype": "x.switch", "parameters": {"rules": [7]}}, 3, "[3]"),
        ({"node_subtype": "x.textClassifier", "parameters": CATEGORIES}, 0, "[A]"),
        ({}, 4, "[4]"),
        ({}, 0, None),
    ],
)  # fmt: skip
def test_names_of_outputs(facts: Document, index: int, expected: str | None) -> None:
    document = graph(f"t [{index}] -> a")
    document["nodes"][0] |= facts
    labels = re.findall(r"\[.*\]", draw(document))
    assert labels == ([expected] if expected else [])


def test_the_label_of_a_connection_goes_before_all() -> None:
    document = graph("t -> if", "if -> a", "if [1] -> b")
    document["connections"][1]["label"] = "large\norders"
    assert "[large orders]" in draw(document)


# --- agents -------------------------------------------------------------------------------------------------


def test_the_parts_of_an_agent_stand_under_it() -> None:
    document = graph(
        *("t -> A", "A -> b", "A -> c", "b -> B"),
        *("gpt =AI_LANGUAGE_MODEL=> A", "store =AI_TOOL=> A", "mem =AI_MEMORY=> A"),
        *("words =AI_EMBEDDING=> store", "gpt =AI_LANGUAGE_MODEL=> store"),
        *("mem =AI_MEMORY=> B", "odd =AI_SPELL_BOOK=> B"),
    )  # fmt: skip
    expected = """
        ● t
        ● A
        │   model: gpt
        │   memory: mem
        │   tool: store
        │       model: gpt (see above)
        │       embedding: words
        ├─ ● b
        │  ● B
        │      memory: mem (see above)
        │      spell book: odd
        └─ ● c
    """
    check(document, expected)


def test_a_node_of_the_flow_may_be_a_part_too() -> None:
    expected = """
        ● t
        ● store
        ● A
            tool: store (see above)
    """
    check(graph("t -> store", "store -> A", "store =AI_TOOL=> A"), expected)


# --- what is wrong ------------------------------------------------------------------------------------------


def test_what_no_trigger_leads_to_comes_last() -> None:
    expected = """
        ● t
        ● a

        No trigger leads here:
        ● x
        → a, above

        ● w
        (back to w)

        ● y
        ● z
        (back to y)
    """
    check(graph("t -> a", "x -> a", "y -> z", "z -> y", "w -> w"), expected)


def test_without_a_trigger_it_begins_with_what_nothing_leads_to() -> None:
    check(graph("b -> c", "a -> b"), "● a\n● b\n● c")
    check(graph("a -> b", "b -> a"), "● a\n● b\n(back to a)")
    check(graph("a", "b"), "● a\n● b")


def test_parts_of_each_other() -> None:
    expected = """
        ● t

        Parts of each other:
        ● a
            tool: b
                tool: a (see above)
    """
    check(graph("t", "a =AI_TOOL=> b", "b =AI_TOOL=> a"), expected)


def test_connections_to_nowhere_and_from_nowhere() -> None:
    document = graph("t -> a")
    edges = [("a", "gone\x1b[2J"), ("lost", "a"), ("lost", "gone")]
    document["connections"] += [{"source_node_id": source, "target_node_id": target} for source, target in edges]
    assert draw(document).splitlines()[2:] == [
        "→ gone\ufffd[2J? (there is no such node)",
        "",
        "From nodes that are not there:",
        "lost? -> a",
        "lost? -> gone?",
    ]


def test_disabled_nodes_and_second_nodes_of_an_id() -> None:
    document = graph("t -> a")
    document["nodes"].append({"node_id": "a", "name": "another", "node_type": "ACTION", "disabled": True})
    assert re.search(r"^● another \(disabled\)  action$", draw(document), re.MULTILINE)


def test_documents_without_nodes_or_shape() -> None:
    assert draw({}) == "(no nodes)"
    assert draw({"nodes": None, "connections": 7, "annotations": [{}]}) == "(no nodes)\n\nand 1 note on the canvas"
    odd: Document = {"nodes": [{}, 7, {"node_id": [], "name": 3, "node_type": 1}], "connections": [{}, None]}
    assert draw(odd).count("(no name)") == 3


# --- safety and alignment -----------------------------------------------------------------------------------


def test_no_name_reaches_the_terminal_as_a_command() -> None:
    document = graph("t -> if", "if -> a", "if -> b", "a -> c", "b -> c", "m =AI_TOOL=> c")
    for node in document["nodes"]:
        node |= {"name": node["node_id"] + HOSTILE, "node_subtype": HOSTILE, "node_type": HOSTILE}
    document["connections"][1]["label"] = HOSTILE
    for text in (draw(document), draw(document, ascii_only=True)):
        assert all(line.isprintable() or "\ufffd" in line for line in text.splitlines())
        assert not set(text) & set(HOSTILE.replace("\n", "")) - set(" [];0123456789abcdefghijklmnopqrstuvwxyz.")
        text.encode("utf-8")
    assert draw(document, ascii_only=True).isascii()


@given(st.text())
def test_cleaned_texts_are_of_one_line_and_stay_as_they_are(text: str) -> None:
    cleaned = clean(text)
    assert clean(cleaned) == cleaned
    assert len(cleaned.splitlines()) <= 1
    assert "\x1b" not in cleaned


def test_columns_are_aligned_in_cells() -> None:
    document = graph("t -> a", "a -> b", "b -> c", "c -> d")
    for node, name in zip(document["nodes"], ["plain", "名前が長い", "😀 emoji", "é" * 9, "x" * 500], strict=True):
        node["name"] = name
    lines = draw(document, width=60).splitlines()
    words = [re.search(r"(trigger|action)$", line) for line in lines]
    assert len({cell_len(line[: word.start()]) for line, word in zip(lines, words, strict=True) if word}) == 1
    assert all(words)
    assert max(map(cell_len, lines)) <= 60
    assert "…" in lines[-1]


@given(documentkit.documents, st.integers(48, 120), st.booleans())
def test_each_node_is_drawn_once_in_any_document(document: Document, width: int, ascii_only: bool) -> None:
    nodes = document["nodes"]
    for place, node in enumerate(nodes):
        node["name"] = f"=={place}=="
    text = draw(document, width=width, ascii_only=ascii_only)
    drawn_at = re.findall(r"^[^→>\n]*?(?:[●◆*+] |: )(==\d+==)(?! \(see)", text, re.MULTILINE)
    assert sorted(drawn_at) == sorted(f"=={place}==" for place in range(len(nodes)))
    assert max(map(cell_len, text.splitlines())) <= max(width, 80)


# --- large --------------------------------------------------------------------------------------------------


def test_the_work_is_in_proportion_to_the_document() -> None:
    def drawn(size: int) -> Callable[[], object]:
        document = documentkit.chain(size)
        return lambda: draw(document)

    assert growth(drawn, 500) < 2.2


def _lines(document: Document) -> list[str]:
    return draw(document).splitlines()


def test_large_chains_and_fans() -> None:
    size = 1_400
    assert len(_lines(documentkit.chain(size))) >= size
    assert len(_lines(graph(*(f"t -> n{n}" for n in range(size))))) == size + 1
    ladder = [edge for n in range(700) for edge in (f"a{n} -> a{n + 1}", f"a{n} -> b{n}", f"b{n} -> a{n + 1}")]
    assert all(cell_len(line) <= 100 for line in _lines(graph("t -> a0", *ladder)))
    back = [edge for n in range(size) for edge in (f"n{n} -> n{n + 1}", f"n{n + 1} -> n0")]
    assert len(_lines(graph("t -> n0", *back))) > size


def test_nesting_has_an_end() -> None:
    nested = [edge for n in range(700) for edge in (f"if{n} -> if{n + 1}", f"if{n} [1] -> x{n}")]
    lines = _lines(graph("t -> if0", *nested))
    assert max(len(line) - len(line.lstrip("│├└─ ")) for line in lines) <= 30
    names = [line for line in lines if re.search(r"[●◆] if\d", line)]
    assert len(names) == 701


def test_deep_parts() -> None:
    lines = _lines(graph("t -> A", "p0 =AI_TOOL=> A", *(f"p{n + 1} =AI_TOOL=> p{n}" for n in range(1_400))))
    assert len(lines) == 1_403
