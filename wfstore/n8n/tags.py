"""n8n's tags (objects with a name, or names) and the document's (names).

The residue `tags` has an entry for each of n8n's: the name itself, {"name": ..., "rest": other keys}, or
{"raw": value} for what has no name.
"""

from __future__ import annotations

from typing import Any

from wfstore.n8n.fields import is_filled_text, part


def read(tags: list[Any]) -> tuple[list[str], list[Any]]:
    """Return the names, each once, in n8n's order, and the residue."""
    forms = [_form(tag) for tag in tags]
    return _names(forms), forms


def write(names: list[str], forms: list[Any]) -> list[Any]:
    """Return n8n's tags: those of the names that were there, as they were, and new ones alike."""
    if names == _names(forms):
        return [_raw(form) for form in forms]
    by_name: dict[str, list[Any]] = {}
    for form in forms:
        by_name.setdefault(_name(form), []).append(form)
    plain = bool(forms) and all(isinstance(form, str) for form in forms)
    tags: list[Any] = []
    for name in dict.fromkeys(names):
        tags += [_raw(form) for form in by_name.get(name, [name if plain else {"name": name}])]
    return tags + [_raw(form) for form in by_name.get("", [])]


def _form(tag: Any) -> Any:
    if is_filled_text(tag):
        return tag
    if isinstance(tag, dict) and is_filled_text(tag.get("name")):
        rest = {key: value for key, value in tag.items() if key != "name"}
        return {"name": tag["name"], "rest": rest}
    return {"raw": tag}


def _names(forms: list[Any]) -> list[str]:
    return list(dict.fromkeys(name for form in forms if (name := _name(form))))


def _name(form: Any) -> str:
    """The tag's name; empty where it has none."""
    name = form.get("name") if isinstance(form, dict) else form
    return name if isinstance(name, str) else ""


def _raw(form: Any) -> Any:
    if not isinstance(form, dict):
        return form
    if _name(form):
        return part(form, "rest") | {"name": form["name"]}
    return form.get("raw", form)
