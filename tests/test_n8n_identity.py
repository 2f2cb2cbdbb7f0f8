"""Which exports are revisions of one workflow."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from tests.n8nkit import Json
from wfstore.n8n import workflow_id, workflow_key

LONG = "dgBdnnnY0622JwGy"


def of(**keys: Any) -> Json:
    """An export with these keys."""
    return {"nodes": [], "connections": {}} | keys


def test_the_id_of_an_identity_never_changes() -> None:
    assert workflow_id(of(id=LONG), "here") == UUID("2d799111-9c39-5be5-974b-866cec72d06f")


@pytest.mark.parametrize("own", [LONG, "c5d3b0a1-7b51-4a9c-9d0e-0f1e2d3c4b5a", "a_b-c_d-e1"])
def test_a_random_id_is_enough(own: str) -> None:
    export = of(id=own, name="a", meta={"instanceId": "i"})
    assert workflow_id(export, "here") == workflow_id(of(id=own, name="b"), "there")
    assert workflow_id(export, "here") != workflow_id(of(id=own + "x"), "here")


@pytest.mark.parametrize("own", ["1", 1, "55", "12345678901234", "short", "[CENSORED]", "my workflow", 1.5])
def test_a_counted_id_is_of_an_installation_and_a_name(own: Any) -> None:
    export = of(id=own, name="a", meta={"instanceId": "i"})
    assert workflow_id(export, "here") == workflow_id(of(id=own, name="a", meta={"instanceId": "i", "x": 1}), "there")
    strangers = [
        of(id=own, name="b", meta={"instanceId": "i"}),
        of(id=own, name="a", meta={"instanceId": "j"}),
        of(id=own, name="a"),
        of(id=own, meta="i"),
        of(id=own, name=["a"], meta={"instanceId": {}}),
    ]
    assert workflow_id(export, "here") not in {workflow_id(stranger, "here") for stranger in strangers}


def test_a_counted_id_is_the_same_as_text() -> None:
    assert workflow_key(of(id=12, name="a"), "here") == workflow_key(of(id="12", name="a"), "there")


@pytest.mark.parametrize("keys", [{}, {"id": None}, {"id": ""}, {"id": 0}, {"id": True}, {"id": []}, {"id": {"a": 1}}])
def test_without_an_id_the_origin_tells(keys: Json) -> None:
    assert workflow_id(of(**keys, name="a"), "here") == workflow_id(of(name="b"), "here")
    assert workflow_id(of(**keys), "here") != workflow_id(of(**keys), "there")


def test_no_origin_is_taken_for_an_id() -> None:
    assert workflow_id(of(), LONG) != workflow_id(of(id=LONG), LONG)
