"""A document's graph as text: from the triggers down, in branches, each node once.

    ● Ticket form          trigger   formTrigger
    ● Sort it              agent     agent
        model: GPT         tool      lmChatOpenAi
    ● Urgent?              flow      if
    ├─ [true]
    │  ● Page on-call      external  slack
    │  → Close, below
    └─ [false]
       ● Answer            external  emailSend
       → Close, below
    ◆ Close                action    noOp          ← Page on-call, Answer

A node is drawn below the last one that every way to it passes through (its immediate dominator): as a branch of it
if that is the only way in, else after all its branches, marked as a place where ways meet. So a chain stays at one
level, and what comes after a fork and a join is at the level of the fork.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len, set_cell_size

from wfstore.documents.drawing_graph import Edge, Forest, Graph, forest
from wfstore.documents.drawing_words import clean, kind, subtype

_NARROWEST = 24  # cells of a name; shorter ones say nothing
_DEEPEST = 8 * 3  # cells of indent; what is nested deeper is drawn as a tree of its own


@dataclass(frozen=True, slots=True)
class _Glyphs:
    node: str
    join: str
    branch: str
    last: str
    through: str
    to: str
    come_from: str
    cut: str


_UNICODE = _Glyphs("● ", "◆ ", "├─ ", "└─ ", "│  ", "→ ", "← ", "…")
_ASCII = _Glyphs("* ", "+ ", "|- ", "`- ", "|  ", "-> ", "<- ", "~")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line: what stands at its left, the columns beside it, and what comes after them."""

    left: str
    columns: tuple[str, str] | None = None
    notes: tuple[str, ...] = ("",)
    """Of these the first that fits."""


@dataclass(frozen=True, slots=True)
class _Visit:
    """A node to draw, with what stands before it and before the lines below it."""

    node: int
    lead: str
    indent: str
    is_join: bool = False


@dataclass(frozen=True, slots=True)
class _Reference:
    """A way to a node that is drawn elsewhere; where that is will be known when its turn comes."""

    lead: str
    edge: Edge
    source: int


_Step = _Visit | _Reference | _Line


def draw(document: dict[str, Any], *, width: int = 100, ascii_only: bool = False) -> str:
    """Return the graph of a document, in lines of at most `width` cells, unless it is nested too deep for that.

    Nodes that no trigger leads to come last, under a heading, then connections from nowhere and the number of
    notes. Names are made safe for a terminal, and with `ascii_only` other characters are escaped.
    """
    pen = _Pen(Graph.of(document), _ASCII if ascii_only else _UNICODE)
    pen.draw_all()
    notes = document.get("annotations")
    if isinstance(notes, list) and notes:
        pen.heading(f"and {len(notes)} note{'s' * (len(notes) > 1)} on the canvas")
    lines = [_ascii(line) for line in pen.lines] if ascii_only else pen.lines
    return "\n".join(_laid_out(lines, width, pen.glyphs))


class _Pen:
    """Draws a graph, line by line."""

    def __init__(self, graph: Graph, glyphs: _Glyphs) -> None:
        self.graph = graph
        self.glyphs = glyphs
        self.lines: list[_Line] = []
        self._drawn: set[int] = set()
        self._postponed: list[int] = []

    def draw_all(self) -> None:
        """Draw everything."""
        graph, drawn = self.graph, self._drawn
        triggers = graph.triggers()
        self._trees(forest(graph, triggers or graph.beginnings(drawn)))
        if orphans := graph.beginnings(drawn):
            self.heading("No trigger leads here:")
            self._trees(forest(graph, orphans, frozenset(drawn)), first=True)
        if circle := [node for node in range(len(graph.nodes)) if node not in drawn]:
            self.heading("Parts of each other:")
            for node in circle:
                if node not in drawn:
                    self._node(_Visit(node, "", ""), ("",))
        if graph.nowhere:
            self.heading("From nodes that are not there:")
            self.lines += [_Line(text) for text in graph.nowhere]
        if not graph.nodes:
            self.lines.append(_Line("(no nodes)"))

    def heading(self, text: str) -> None:
        """Begin a section."""
        if self.lines:
            self.lines.append(_Line(""))
        self.lines.append(_Line(text))

    def _trees(self, trees: Forest, *, first: bool = False) -> None:
        """Draw the trees of a forest; a join of several comes as soon as all the ways to it are drawn."""
        waiting = trees.joins(None)
        alone = first
        for start in trees.starts:
            is_alone = not (self.graph.flows[start] or self.graph.parts[start])
            if self.lines and not (alone and is_alone) and not first:
                self.lines.append(_Line(""))
            first, alone = False, is_alone
            self._tree(trees, _Visit(start, "", ""))
            while ready := [join for join in waiting if trees.entries[join] - {-1} <= self._drawn]:
                waiting.remove(ready[0])
                self._tree_of_its_own(trees, ready[0])
        for join in waiting:
            self._tree_of_its_own(trees, join)

    def _tree_of_its_own(self, trees: Forest, join: int) -> None:
        self.lines.append(_Line(""))
        self._tree(trees, _Visit(join, "", "", is_join=True))

    def _tree(self, trees: Forest, start: _Visit) -> None:
        """Draw a node and all below it: with a stack, as a recursion would end in a long chain."""
        pending: list[_Step] = [start]
        while pending:
            step = pending.pop()
            match step:
                case _Line():
                    self.lines.append(step)
                case _Reference():
                    self.lines.append(_Line(f"{step.lead}{self._whither(step, trees)}"))
                case _Visit():
                    self._node(step, self._whence(step, trees) if step.is_join else ("",))
                    pending += reversed(list(self._below(step, trees)))
            if not pending and self._postponed:
                self.lines.append(_Line(""))
                pending.append(_Visit(self._postponed.pop(0), "", "", is_join=True))

    def _node(self, visit: _Visit, notes: tuple[str, ...]) -> None:
        """Write a node and its parts, and theirs."""
        graph = self.graph
        pending = [(visit.node, visit.lead + (self.glyphs.join if visit.is_join else self.glyphs.node), visit.indent)]
        while pending:
            node, lead, indent = pending.pop()
            name = graph.name(node)
            if node in self._drawn:
                self.lines.append(_Line(f"{lead}{name} (see above)"))
                continue
            self._drawn.add(node)
            what = graph.nodes[node]
            mark = " (disabled)" if what.get("disabled") is True else ""
            self.lines.append(_Line(f"{lead}{name}{mark}", (kind(what), subtype(what)), notes))
            notes = ("",)
            # beside the branches that may follow
            bar = self.glyphs.through[0] if node == visit.node and len(graph.flows[node]) > 1 else " "
            inner = f"{indent}{bar}   "
            pending += [(part, f"{inner}{role}: ", inner) for role, part in reversed(graph.parts[node])]

    def _below(self, visit: _Visit, trees: Forest) -> Iterator[_Step]:
        """Yield what comes below a node: its ways out, then the nodes where these meet."""
        edges, indent = self.graph.flows[visit.node], visit.indent
        branches = set(trees.branches(visit.node))
        for place, edge in enumerate(edges):
            label = f"[{edge.label}] " if edge.label else ""
            is_last = place == len(edges) - 1
            lead = indent if len(edges) == 1 else indent + (self.glyphs.last if is_last else self.glyphs.branch)
            inner = indent if len(edges) == 1 else indent + ("   " if is_last else self.glyphs.through)
            too_deep = edge.target in branches and len(inner) > _DEEPEST
            if too_deep or edge.target not in branches:
                self._postponed += [edge.target] if too_deep and edge.target is not None else []
                yield _Reference(f"{lead}{label}", edge, visit.node)
                branches.discard(edge.target or 0)
                continue
            branches.remove(edge.target)  # a second way to it is a reference
            if label:
                yield _Line(f"{lead}{label}".rstrip())
            yield _Visit(edge.target, inner if label else lead, inner)
        yield from (_Visit(join, indent, indent, is_join=True) for join in trees.joins(visit.node))

    def _whither(self, reference: _Reference, trees: Forest) -> str:
        """Say where a way leads: back in a loop, to what is above or below, or nowhere."""
        edge = reference.edge
        if edge.target is None:
            return f"{self.glyphs.to}{clean(edge.target_id) or '(no id)'}? (there is no such node)"
        name = self.graph.name(edge.target)
        if trees.is_above(edge.target, reference.source):
            return f"(back to {name})"
        entry = f" [input {edge.entry}]" if edge.entry else ""
        return f"{self.glyphs.to}{name}{entry}, {'above' if edge.target in self._drawn else 'below'}"

    def _whence(self, visit: _Visit, trees: Forest) -> tuple[str, ...]:
        """Name the nodes that lead to a join, or say how many they are."""
        names = [self.graph.name(node) for node in sorted(trees.entries[visit.node] - {-1})]
        named = [f"{', '.join(names[:count])} +{len(names) - count}" for count in range(len(names) - 1, 0, -1)]
        return tuple(self.glyphs.come_from + each for each in (", ".join(names), *named[-2:], f"{len(names)} nodes"))


def _laid_out(lines: list[_Line], width: int, glyphs: _Glyphs) -> Iterator[str]:
    """Align the columns, and cut what is too long."""
    kinds = max((cell_len(line.columns[0]) for line in lines if line.columns), default=0)
    subtypes = max((cell_len(line.columns[1]) for line in lines if line.columns), default=0)
    subtypes = min(subtypes, max(width // 4, 8))
    room = max(width - kinds - subtypes - 4, _NARROWEST)
    names = min(max((cell_len(line.left) for line in lines if line.columns), default=0), room)
    for line in lines:
        if line.columns is None:
            yield _cut(line.left, max(width, _NARROWEST), glyphs)
            continue
        left = set_cell_size(_cut(line.left, names, glyphs), names)
        what = set_cell_size(line.columns[0], kinds), set_cell_size(_cut(line.columns[1], subtypes, glyphs), subtypes)
        beside = "  ".join((left, *what, ""))
        note = next((each for each in line.notes if cell_len(beside + each) <= width), "")
        yield (beside + note).rstrip()


def _cut(text: str, cells: int, glyphs: _Glyphs) -> str:
    """Return a text of at most so many cells, its end marked if it is not the whole."""
    return text if cell_len(text) <= cells else set_cell_size(text, cells - 1).rstrip() + glyphs.cut


def _ascii(line: _Line) -> _Line:
    left, *beside = (
        text.encode("ascii", "backslashreplace").decode() for text in (line.left, *(line.columns or ()), *line.notes)
    )
    if line.columns is None:
        return _Line(left)
    return _Line(left, (beside[0], beside[1]), tuple(beside[2:]))
