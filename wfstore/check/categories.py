"""Every kind of fault that `wfstore check` can find: what it is, why it is one, how to mend it.

`docs/check.md` is made here: `python -m wfstore.check.categories > docs/check.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wfstore.check.category_texts import TEXTS, Group

_GROUPS: Mapping[Group, str] = {
    "file": "The file and its headers",
    "server": "What PostgreSQL says",
    "types": "Parameters, results and models",
    "habits": "Statements that fail when the tables grow",
    "tenants": "Tenants, row-level security and Citus, in queries",
    "migrations": "Tenants, row-level security and Citus, in migrations",
}


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of fault."""

    key: str
    """What stands in `error[...]` and behind `-- allow:`."""
    group: Group
    title: str
    """One line, without a full stop."""
    doc: str
    """One paragraph: what, why, how to mend."""

    @property
    def about_tenants(self) -> bool:
        """Whether it is left out with `--no-tenant-rules`."""
        return self.group in ("tenants", "migrations")


_ALL = tuple(Category(*text) for text in TEXTS)

CATEGORIES: Mapping[str, Category] = {category.key: category for category in _ALL}
"""All categories by key."""


def page() -> str:
    """Return the reference page."""
    text = [
        "# What `wfstore check` finds",
        "",
        "Generated from `wfstore/check/category_texts.py`. `wfstore check --explain KEY` shows one of these.",
        "",
        "An exception stands in the query's header, or in a migration above the statement (at the top of the file: for "
        "all of it), with a reason: `-- allow: no-cap (a tenant has three statuses)`. "
        "`wfstore check --exceptions` lists them. `--no-tenant-rules` leaves the last two parts out.",
    ]
    for group, title in _GROUPS.items():
        text += ["", f"## {title}"]
        for category in _ALL:
            if category.group == group:
                text += ["", f"### {category.key}", "", f"*{category.title}.* {category.doc}"]
    return "\n".join(text) + "\n"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201
