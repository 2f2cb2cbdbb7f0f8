"""What a handler raises, and what it meets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from wfstore.errors import WfstoreError


class PermanentError(WfstoreError):
    """To try again would be no use: raised in a step it is not repeated, out of a handler the execution is given up."""


class Retry(Exception):
    """Let this attempt fail and the execution be tried again, after `wait` or as its policy says.

    Raised in a step it leaves the step without a result, whatever the node's retries: the next attempt runs it.
    """

    def __init__(self, reason: str = "the handler asked for a retry", *, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class StepFailed(PermanentError):
    """A step has failed for good; the same comes of the step whenever the execution runs again.

    A handler may catch it and go on another way. If it does not, the execution is given up, and is a dead letter.
    """

    def __init__(self, node_id: str, run_index: int, error_data: Any) -> None:
        facts = error_data if isinstance(error_data, dict) else {}
        what = f"{facts.get('type', 'an error')}: {facts.get('message', '')}".rstrip(": ")
        again = f", run {run_index}," if run_index else ""
        super().__init__(f"node {node_id!r}{again} failed: {what}")
        self.node_id = node_id
        self.run_index = run_index
        self.error_data = error_data
        """What is stored: `type`, `message` and `tries`."""


class SignalTimedOut(StepFailed):
    """No signal came in time; it stays so, even when one comes later."""


class Suspended(BaseException):
    """The execution waits and its lease is given back: the handler ends here, and runs again when it is woken.

    Not an Exception, so that `except Exception` does not swallow it. Let it pass.
    """
