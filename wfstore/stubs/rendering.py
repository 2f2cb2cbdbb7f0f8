"""Write stubs as text, formatted as ruff would."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from wfstore.stubs.describing import Namespace
from wfstore.stubs.signatures import Signature

Face = Literal["sync", "async"]

_WIDTH = 120
_STANDARD = {
    "Any": "typing",
    "Decimal": "decimal",
    "UUID": "uuid",
    "date": "datetime",
    "datetime": "datetime",
    "time": "datetime",
    "timedelta": "datetime",
}
_BUILTINS = ("bool", "bytes", "float", "int", "list", "str")
_WORD = re.compile(r"\b[A-Za-z_]\w*\b")


@dataclass(frozen=True, slots=True)
class Style:
    """How a face is spelled."""

    face: Face

    @property
    def prefix(self) -> str:
        """Return what the names of its classes begin with."""
        return "Async" if self.face == "async" else ""

    @property
    def keyword(self) -> str:
        """Return what its methods begin with."""
        return "async def" if self.face == "async" else "def"

    @property
    def package(self) -> str:
        """Return the package that it lies in."""
        return "wfstore.aio" if self.face == "async" else "wfstore.sync"

    def class_name(self, namespace: str, kind: str) -> str:
        """Return the name of a namespace's class: `UsersQueries`, `AsyncUsersNamespace`."""
        return self.prefix + "".join(part.capitalize() for part in namespace.split("_")) + kind


def queries_module(namespaces: Sequence[Namespace], style: Style, models: str, variable: str = "queries") -> str:
    """Return a stub for a module of an application, which has its queries in a variable."""
    body = [*_query_classes(namespaces, style), f"{variable}: {style.prefix}TypedQueries"]
    return _module(body, namespaces, models, [("psycopg", f"{style.prefix}Connection")])


def own_module(
    namespaces: Sequence[Namespace], style: Style, models: str, of_store: Mapping[str, frozenset[str]]
) -> str:
    """Return the stub of wfstore's own `typed`: the queries, and the namespaces of a store.

    Args:
        namespaces: all of them.
        style: the face.
        models: the package of the models.
        of_store: by namespace of the store, the methods that it has of its own in place of queries.
    """
    init = "    def __init__(self, catalogue: Catalogue) -> None: ..."
    body = [*_query_classes(namespaces, style)]
    body[-1] += f"\n{init}"
    base = f"{style.prefix}Namespace"
    for namespace in namespaces:
        if namespace.name not in of_store:
            continue
        mine = [each for each in namespace.queries if each.name not in of_store[namespace.name]]
        methods = [_method(each, style, of_store=True) for each in mine]
        name = style.class_name(namespace.name, "Namespace")
        body.append(_class(f"{name}({base})", namespace.doc, methods))
    imports = [
        ("psycopg", f"{style.prefix}Connection"),
        ("wfstore.queryfiles.catalogue", "Catalogue"),
        (f"{style.package}.namespaces", base),
    ]
    return _module(body, namespaces, models, imports)


def _query_classes(namespaces: Sequence[Namespace], style: Style) -> list[str]:
    classes = [
        _class(
            style.class_name(each.name, "Queries"),
            each.doc,
            [_method(query, style, taken=frozenset(other.name for other in each.queries)) for query in each.queries],
        )
        for each in namespaces
    ]
    attributes = [f"    {each.name}: {style.class_name(each.name, 'Queries')}" for each in namespaces]
    return [*classes, _class(f"{style.prefix}TypedQueries", "All queries, by namespace.", ["\n".join(attributes)])]


def _class(head: str, doc: str, parts: Iterable[str]) -> str:
    return "\n\n".join([f"class {head}:\n{_docstring(doc, '    ')}", *parts])


def _method(query: Signature, style: Style, *, of_store: bool = False, taken: frozenset[str] = frozenset()) -> str:
    connection = f"connection: {style.prefix}Connection[Any], /"
    parts = ["self"] if of_store else ["self", connection.removesuffix(", /"), "/"]
    parts += ["*"] if query.parameters else []
    for parameter in query.parameters:
        default = " = ..." if of_store and parameter.name == "tenant_id" else ""
        parts.append(f"{parameter.name}: {_safe(parameter.annotation, taken)}{default}")
    result = _safe(query.result, taken)
    head = f"    {style.keyword} {query.name}("
    end = f") -> {result}:"
    one_line = head + ", ".join(parts) + end
    inner = "        " + ", ".join(parts)
    if len(one_line) > _WIDTH:
        one_line = f"{head}\n{inner}\n    {end}"
        if len(inner) > _WIDTH or "*" in parts:  # ruff gives each its line where there are keyword-only ones
            one_line = f"{head}\n" + "".join(f"        {part},\n" for part in parts) + f"    {end}"
    return f"{one_line}\n{_docstring(query.doc, '        ')}"


def _safe(annotation: str, taken: frozenset[str]) -> str:
    """Spell built-in types so that a method of the same class cannot be meant."""
    return _WORD.sub(
        lambda match: f"builtins.{match[0]}" if match[0] in _BUILTINS and match[0] in taken else match[0], annotation
    )


def _docstring(text: str, indent: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    if escaped.endswith('"'):
        escaped = escaped[:-1] + '\\"'
    lines = [
        wrapped
        for line in escaped.split("\n")
        for wrapped in textwrap.wrap(line, _WIDTH - len(indent) - 6, break_long_words=False) or [""]
    ]
    if len(lines) == 1:
        return f'{indent}"""{escaped}"""'
    return "\n".join([f'{indent}"""{lines[0]}', *(f"{indent}{line}".rstrip() for line in lines[1:]), f'{indent}"""'])


def _module(
    body: Sequence[str], namespaces: Sequence[Namespace], models: str, imports: Sequence[tuple[str, str]]
) -> str:
    text = "\n\n".join(body)
    # Words of docstrings must not become imports, so only annotations are looked at.
    queries = [query for namespace in namespaces for query in namespace.queries]
    spelled = " ".join(
        [query.result for query in queries] + [each.annotation for query in queries for each in query.parameters]
    )
    words = set(_WORD.findall(spelled)) | {"Any"}
    wanted = {(module, name) for name, module in _STANDARD.items() if name in words}
    wanted |= {(models, name) for query in queries for name in query.models}
    lines = [*_imports(wanted | set(imports), builtin="builtins." in text)]
    head = '"""The types of queries: written by `wfstore stubs` from what the server says of them. Do not edit."""'
    return "\n".join([head, "", *lines, "", text, ""])


def _imports(wanted: set[tuple[str, str]], *, builtin: bool) -> list[str]:
    """Return the import lines: the standard library, then others, then wfstore or the application."""
    groups: list[list[str]] = [["import builtins"] if builtin else [], [], []]
    for module in sorted({module for module, _ in wanted}):
        names = sorted((name for owner, name in wanted if owner == module), key=lambda name: (not name.isupper(), name))
        line = f"from {module} import {', '.join(names)}"
        if len(line) > _WIDTH:
            line = f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"
        standard = module in _STANDARD.values()
        groups[0 if standard else 1 if module == "psycopg" else 2].append(line)
    lines: list[str] = []
    for group in groups:
        lines += [*group, ""] if group else []
    return lines[:-1]
