"""What a node does about failures: n8n's four keys, and the document's `error_handling` and `max_retries`.

`onError` is the field itself. The older `continueOnFail` says less (true or false), and `retryOnFail` with
`maxTries` more than a number of retries: they stay in the residue, the field is what they mean, and they give
way when the field no longer says so.
"""

from __future__ import annotations

from typing import Any

from wfstore.n8n.fields import Json, is_count
from wfstore.vocabulary import ErrorHandling

ON_ERROR = {
    "stopWorkflow": ErrorHandling.STOP_WORKFLOW_ON_ERROR.value,
    "continueRegularOutput": ErrorHandling.CONTINUE_REGULAR_OUTPUT_ON_ERROR.value,
    "continueErrorOutput": ErrorHandling.CONTINUE_ERROR_OUTPUT_ON_ERROR.value,
}
"""n8n's word -> the document's."""
_TO_ON_ERROR = {word: key for key, word in ON_ERROR.items()}
_CONTINUE_ON_FAIL = {
    False: ErrorHandling.STOP_WORKFLOW_ON_ERROR.value,
    True: ErrorHandling.CONTINUE_REGULAR_OUTPUT_ON_ERROR.value,
}
_TO_CONTINUE_ON_FAIL = {word: flag for flag, word in _CONTINUE_ON_FAIL.items()}
_DEFAULT_TRIES = 3  # n8n's, where `maxTries` is absent


def take(rest: Json) -> Json:
    """Return the fields that a node's keys give; `onError` leaves the rest where the field says all of it."""
    fields: Json = {}
    word = _error_handling(rest)
    if word is not None:
        fields["error_handling"] = word
        if "continueOnFail" not in rest:
            del rest["onError"]
    retries = _retries(rest)
    if retries:
        fields["max_retries"] = retries
    return fields


def give(node: Json, raw: Json) -> None:
    """Put what the node's fields say into its keys, where these do not say it already."""
    word = node.get("error_handling")
    if word != _error_handling(raw):
        older = isinstance(raw.get("continueOnFail"), bool) and "onError" not in raw
        raw.pop("onError", None)
        raw.pop("continueOnFail", None)
        if older and word in _TO_CONTINUE_ON_FAIL:
            raw["continueOnFail"] = _TO_CONTINUE_ON_FAIL[word]
        elif word in _TO_ON_ERROR:
            raw["onError"] = _TO_ON_ERROR[word]
    retries = node.get("max_retries") or 0
    if retries != _retries(raw):
        raw["retryOnFail"] = retries > 0
        if retries:
            raw["maxTries"] = retries + 1


def _error_handling(rest: Json) -> str | None:
    on_error: Any = rest.get("onError")
    if isinstance(on_error, str) and on_error in ON_ERROR:
        return ON_ERROR[on_error]
    continues = rest.get("continueOnFail")
    return _CONTINUE_ON_FAIL[continues] if isinstance(continues, bool) else None


def _retries(rest: Json) -> int:
    if rest.get("retryOnFail") is not True:
        return 0
    tries: Any = rest.get("maxTries")
    return int(tries) - 1 if is_count(tries) and tries > 0 else _DEFAULT_TRIES - 1
