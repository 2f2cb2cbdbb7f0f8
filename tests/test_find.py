"""Finding workflows: what they are found by, and that all and only those are found that meet the criteria."""

from __future__ import annotations

import itertools
import sys
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import facekit
from wfstore import Store, uuid7
from wfstore.documents import project
from wfstore.documents.terms import LONGEST_TERM, MOST_WORDS, fold
from wfstore.errors import InvalidInput
from wfstore.ids import LAST_ID
from wfstore.models import WorkflowSummary
from wfstore.vocabulary import TermKind

face, app = facekit.face, facekit.app

Admin = psycopg.Connection[Any]
Document = dict[str, Any]
Criteria = Mapping[str, Any]


def workflow(name: str = "w", *nodes: Document, **more: Any) -> Document:
    numbered = [{"node_id": str(number), "node_type": "ACTION", **node} for number, node in enumerate(nodes)]
    return {"name": name, "nodes": numbered, "connections": [], **more}


def ids(found: list[WorkflowSummary]) -> list[UUID]:
    return [each.id for each in found]


def find(store: Store, **criteria: Any) -> list[UUID]:
    return ids(store.workflows.find(**criteria))


def terms_of(document: Document, kind: TermKind) -> set[str]:
    return {term for of_kind, term in project(document).terms if of_kind is kind}


# --- by each criterion --------------------------------------------------------------------------------------

MAILER = workflow(
    "Send the Weekly Mail",
    {"node_type": "TRIGGER", "node_subtype": "cron"},
    {
        "node_type": "EXTERNAL_ACTION",
        "integration": "telegram",
        "credentials": {
            "telegramApi": {"id": "17", "name": "Our bot"},
            "smtp": "Mail server",
            "counted": {"id": 4711},
            "odd": [{"id": "nothing"}],
            "none": None,
        },
    },
    tags=["prod", "Ops team"],
)
FOUND_BY: list[Criteria] = [
    {"name": "Send the Weekly Mail"},
    {"name": "  SEND  the\tweekly mail "},
    {"name": "mail weekly"},
    {"name": "mail, mail; weekly!"},
    {"tag": "prod"},
    {"tag": "Ops team"},
    {"node_type": "TRIGGER"},
    {"node_type": "EXTERNAL_ACTION"},
    {"node_subtype": "cron"},
    {"integration": "telegram"},
    {"credential": "telegramApi"},
    {"credential": "17"},
    {"credential": "Our bot"},
    {"credential": "smtp"},
    {"credential": "Mail server"},
    {"credential": "4711"},
    {"credential": "odd"},
    {"credential": "none"},
    {"name": "weekly", "tag": "prod", "node_type": "TRIGGER", "node_subtype": "cron", "integration": "telegram",
     "credential": "17"},
]  # fmt: skip
NOT_FOUND_BY: list[Criteria] = [
    {"name": "week"},
    {"name": "daily"},
    {"name": "weekly daily"},
    {"name": "prod"},
    {"tag": "Prod"},
    {"tag": "Ops"},
    {"tag": "mail"},
    {"node_type": "TOOL"},
    {"node_subtype": "CRON"},
    {"integration": "slack"},
    {"credential": "nothing"},
    {"credential": "Our"},
    {"tag": "prod", "name": "daily"},
    {"tag": "other"},
]


@pytest.mark.parametrize("criteria", FOUND_BY, ids=str)
def test_found_by(store: Store, criteria: Criteria) -> None:
    store.workflows.add(workflow("another", {"node_type": "MEMORY"}, tags=["other"]))
    saved = store.workflows.add(MAILER)
    [found] = store.workflows.find(**criteria)
    assert (found.id, found.name, found.tags) == (saved.id, "Send the Weekly Mail", ["prod", "Ops team"])


@pytest.mark.parametrize("criteria", NOT_FOUND_BY, ids=str)
def test_not_found_by(store: Store, criteria: Criteria) -> None:
    store.workflows.add(MAILER)
    assert store.workflows.find(**criteria) == []


def test_on_both_faces(app: Store, other_tenant: UUID) -> None:
    """Nor are another tenant's found, by one who shares the pool."""
    saved = app.workflows.add(MAILER)
    theirs = app.for_tenant(other_tenant).workflows.add(MAILER)
    assert ids(app.workflows.find(name="mail", tag="prod")) == [saved.id]
    assert ids(app.for_tenant(other_tenant).workflows.find(name="mail", tag="prod")) == [theirs.id]
    with app.transaction() as transaction:
        assert ids(transaction.workflows.find(tag="prod")) == [saved.id]


# --- names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "searches"),
    [
        ("İSTANBUL Ihlara", ["istanbul", "İstanbul", "ISTANBUL", "i\u0307stanbul ihlara"]),
        ("Straßenmeldung", ["STRASSENMELDUNG", "strassenmeldung", "STRAẞENMELDUNG"]),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ ①", ["full width", "FULL 1", "width"]),  # noqa: RUF001
        ("ﬁle ﬂow", ["FILE", "flow"]),
        ("Σίσυφος", ["ΣΊΣΥΦΟΣ", "σίσυφοσ"]),
        ("re\u0301sume\u0301", ["résumé", "RÉSUMÉ"]),
        ("हिन्दी रिपोर्ट", ["हिन्दी"]),
        ("メール送信", ["メール送信", "ﾒｰﾙ送信"]),
        ("🚀", ["🚀", " 🚀 "]),
        ("❤️ list", ["❤️ list", "❤ list", "list"]),
        ("!!!", ["!!!"]),
        ("send_mail-v2 (don't)", ["mail v2", "don't", "send"]),
    ],
)
def test_names_are_folded(store: Store, name: str, searches: list[str]) -> None:
    saved = store.workflows.add(workflow(name))
    store.workflows.add(workflow("another one"))
    for search in searches:
        assert ids(store.workflows.find(name=search)) == [saved.id], search


@pytest.mark.parametrize(("name", "search"), [("🚀 list", "🚀"), ("résumé", "resume"), ("メール送信", "メール")])
def test_what_a_name_is_not_found_by(store: Store, name: str, search: str) -> None:
    store.workflows.add(workflow(name))
    assert store.workflows.find(name=search) == []


def test_folding_has_an_end_and_forgets_case() -> None:
    """For every character there is."""
    for code in itertools.chain(range(0xD800), range(0xE000, sys.maxunicode + 1)):
        character = chr(code)
        folded = fold(character)
        assert fold(folded) == folded, hex(code)
        assert fold(unicodedata.normalize("NFD", character)) == folded, hex(code)
        if character != "\N{LATIN SMALL LETTER DOTLESS I}":  # whose capital is that of i
            assert fold(character.upper()) == fold(character.lower()) == folded, hex(code)


@given(text=st.text())
def test_a_folded_text_stays_as_it_is(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(f" {text}\n") == fold(text)


def test_a_long_name_is_found_by_its_first_words_and_whole(store: Store) -> None:
    words = [f"word{number}" for number in range(MOST_WORDS + 9)]
    saved = store.workflows.add(workflow(" ".join(words)))
    store.workflows.add(workflow("word1 word2"))
    assert ids(store.workflows.find(name=" ".join(words[:MOST_WORDS]))) == [saved.id]
    assert ids(store.workflows.find(name=" ".join(words).upper())) == [saved.id]
    assert store.workflows.find(name=words[MOST_WORDS]) == []
    assert store.workflows.find(name=" ".join(words[:-1])) == []


@pytest.mark.parametrize("character", ["x", "ß", "語", "😀"])
def test_long_texts_are_cut_and_found(store: Store, admin: Admin, character: str) -> None:
    """Not by what they begin with: what is cut off counts."""
    long, longer = character * 10_000, character * 10_000 + "y"
    nodes = [
        {"node_subtype": text, "integration": text, "credentials": {text: {"id": f"{text}i", "name": f"{text}n"}}}
        for text in (long, longer)
    ]
    first, second = (
        store.workflows.add(workflow(text, node, tags=[text])).id
        for text, node in zip((long, longer), nodes, strict=True)
    )
    for criterion in ("name", "tag", "node_subtype", "integration", "credential"):
        assert find(store, **{criterion: long}) == [first]
        assert find(store, **{criterion: longer}) == [second]
    assert ids(store.workflows.find(credential=f"{long}i")) == [first]
    assert store.workflows.find(name=character * 9_999) == []
    [(longest,)] = admin.execute("SELECT max(octet_length(term)) FROM workflow_terms").fetchall()
    assert LONGEST_TERM - 4 <= longest <= LONGEST_TERM


def test_a_text_that_just_fits_is_a_term_as_it_is() -> None:
    for text, kept in (("x" * LONGEST_TERM, True), ("x" * (LONGEST_TERM + 1), False), ("é" * 256, True)):
        assert (text in terms_of(workflow(tags=[text]), TermKind.TAG)) == kept
        [term] = terms_of(workflow(tags=[text]), TermKind.TAG)
        assert len(term.encode()) <= LONGEST_TERM


# --- rows and documents -------------------------------------------------------------------------------------


def test_the_rows(store: Store) -> None:
    saved = store.workflows.add(workflow("A b", {"integration": "telegram"}, {"integration": None}, tags=["", "t"]))
    page = store.workflow_terms.page_by_workflow(workflow_id=saved.id, after_kind="", after_term="", limit=99)
    assert [(each.kind, each.term) for each in page] == [
        ("INTEGRATION", "telegram"),
        ("NAME", "a"),
        ("NAME", "a b"),
        ("NAME", "b"),
        ("NODE_TYPE", "ACTION"),
        ("TAG", "t"),
    ]
    nodes = store.nodes.page_by_workflow(workflow_id=saved.id, after_ordinal=-1, limit=9)
    assert [node.integration for node in nodes] == ["telegram", ""]


def test_terms_follow_the_document(app: Store) -> None:
    saved = app.workflows.add(workflow("old name", {"integration": "a", "credentials": {"c": "1"}}, tags=["x", "y"]))
    new = workflow("new name", {"node_type": "TOOL", "integration": "b", "credentials": {"c": "2"}}, tags=["y", "z"])
    app.workflows.replace(saved.id, new, revision=1)
    gone: list[Criteria] = [
        {"name": "old"}, {"name": "old name"}, {"integration": "a"}, {"credential": "1"}, {"tag": "x"},
        {"node_type": "ACTION"},
    ]  # fmt: skip
    here: list[Criteria] = [
        {"name": "new"}, {"name": "name"}, {"integration": "b"}, {"credential": "c"}, {"credential": "2"},
        {"tag": "y"}, {"tag": "z"}, {"node_type": "TOOL"},
    ]  # fmt: skip
    assert [criteria for criteria in gone if app.workflows.find(**criteria)] == []
    assert [criteria for criteria in here if ids(app.workflows.find(**criteria)) != [saved.id]] == []
    app.workflows.delete(id=saved.id)
    assert [criteria for criteria in here if app.workflows.find(**criteria)] == []


# --- pages --------------------------------------------------------------------------------------------------


def test_pages_through_what_meets_all_criteria(store: Store) -> None:
    made = [
        store.workflows.add(workflow(f"number {number}", tags=["all", *(["third"] if number % 3 == 0 else [])])).id
        for number in range(20)
    ]
    expected = [identifier for number, identifier in enumerate(made) if number % 3 == 0]
    walked: list[UUID] = []
    while page := store.workflows.find(
        name="number", tag="third", limit=2, before_id=walked[-1] if walked else LAST_ID
    ):
        assert len(page) <= 2
        walked += ids(page)
    assert walked == sorted(expected, reverse=True)


@pytest.mark.parametrize("sample", [0, 1, 3, 1_000])
@pytest.mark.parametrize("order", [*itertools.permutations(["common", "often", "rare"])], ids=str)
def test_what_is_found_does_not_depend_on_what_is_counted(store: Store, order: tuple[str, ...], sample: int) -> None:
    saved = [store.workflows.add(workflow(tags=["common", "often", "rare"])).id for _ in range(2)]
    for number in range(8):
        store.workflows.add(workflow(tags=["common", *(["often"] if number % 2 else ["rare"][: number == 4])]))
    found = store.workflows.page_by_terms(kinds=["TAG"] * 3, terms=[*order], sample=sample, before_id=LAST_ID, limit=9)
    assert ids(found) == saved[::-1]


# --- refusals -----------------------------------------------------------------------------------------------


def test_no_criterion_is_refused(app: Store) -> None:
    with pytest.raises(InvalidInput, match="no criterion") as refused:
        app.workflows.find()
    assert "workflows.page" in (refused.value.hint or "")


@pytest.mark.parametrize("criterion", ["name", "tag", "node_type", "node_subtype", "integration", "credential"])
def test_an_empty_criterion_is_refused(store: Store, criterion: str) -> None:
    with pytest.raises(InvalidInput, match=f"find: {criterion} is empty"):
        find(store, **{criterion: ""})
    with pytest.raises(InvalidInput, match=f"find: {criterion} is empty"):
        find(store, **{"tag": "x", criterion: ""})


def test_a_name_of_spaces_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="find: name is empty"):
        store.workflows.find(name=" \t\u3000")


def test_a_node_type_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="no node type 'trigger'") as refused:
        store.workflows.find(node_type="trigger")
    assert "TRIGGER, AI_AGENT" in (refused.value.hint or "")


@pytest.mark.parametrize(("text", "fault"), [("a\0b", "NUL"), ("\ud800", "surrogate")])
def test_a_text_that_no_document_can_hold_is_refused(store: Store, text: str, fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        store.workflows.find(tag=text)


# --- against a model ----------------------------------------------------------------------------------------

_words = st.lists(st.sampled_from(["mail", "Mail", "MAIL", "daily", "x", "🚀", "ß", "ss"]), min_size=1, max_size=3)
_names = _words.map(" ".join)
_few = st.sampled_from(["a", "b", "A"])
_credentials = st.dictionaries(
    _few, _few | st.fixed_dictionaries({}, optional={"id": _few | st.just(1), "name": _few}), max_size=2
)
_node = st.fixed_dictionaries(
    {"node_type": st.sampled_from(["TRIGGER", "ACTION", "TOOL"])},
    optional={"node_subtype": _few, "integration": _few, "credentials": _credentials},
)
_documents = st.lists(
    st.builds(
        lambda name, nodes, tags: workflow(name, *nodes, tags=tags),
        _names,
        st.lists(_node, max_size=2),
        st.lists(_few, max_size=2),
    ),
    max_size=7,
)
_criteria = st.fixed_dictionaries(
    {},
    optional={
        "name": _names,
        "tag": _few,
        "node_type": st.sampled_from(["TRIGGER", "ACTION", "TOOL"]),
        "node_subtype": _few,
        "integration": _few,
        "credential": _few | st.just("1"),
    },
).filter(bool)


def meets(document: Document, criteria: Criteria) -> bool:
    """Whether a document of those above meets the criteria, by another way than terms."""

    def words(name: str) -> set[str]:
        return {word.casefold() for word in name.split() if word != "🚀"}

    def named(credentials: Any) -> set[str]:
        flat = [
            reference.values() if isinstance(reference, dict) else [reference] for reference in credentials.values()
        ]
        return {str(text) for text in itertools.chain(credentials, *flat)}

    def meets_one(criterion: str, text: str) -> bool:
        nodes = document["nodes"]
        match criterion:
            case "name":
                wanted = words(text)
                return wanted <= words(document["name"]) if wanted else document["name"] == text
            case "tag":
                return text in document["tags"]
            case "credential":
                return any(text in named(node.get("credentials", {})) for node in nodes)
            case _:
                return any(node.get(criterion) == text for node in nodes)

    return all(meets_one(criterion, text) for criterion, text in criteria.items())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents=_documents, searches=st.lists(_criteria, min_size=1, max_size=4), limit=st.integers(1, 3))
def test_find_is_a_filter(store: Store, documents: list[Document], searches: list[Criteria], limit: int) -> None:
    made = {uuid7(): document for document in documents}
    for identifier, document in made.items():
        store.workflows.add(document, workflow_id=identifier)
    try:
        for criteria in searches:
            expected = sorted((it for it, document in made.items() if meets(document, criteria)), reverse=True)
            walked: list[UUID] = []
            while page := store.workflows.find(**criteria, limit=limit, before_id=walked[-1] if walked else LAST_ID):
                walked += ids(page)
            assert walked == expected, criteria
    finally:
        for identifier in made:
            store.workflows.delete(id=identifier)
