"""A worker loop: it claims executions, runs them in handlers of yours, and survives what happens to the database.

    async def greet(ctx: Context) -> dict[str, Any]:
        name = await ctx.step("ask", lambda: {"name": "Ada"})
        return await ctx.step("say", lambda: {"said": f"hello {name['name']}"})

    run_worker(None, greet, queues=["default"], concurrency=20)

A step that has a result is not run again, in whatever process the execution goes on. An engine may use the loop, or
only its parts: `wfstore.aio.group_commit`, the claims and leases of `store.executions`.
"""

from wfstore.worker.blocking import BlockingContext
from wfstore.worker.context import Context
from wfstore.worker.errors import PermanentError, Retry, SignalTimedOut, StepFailed, Suspended
from wfstore.worker.handlers import Choose, Handler
from wfstore.worker.health import Health
from wfstore.worker.worker import Worker, run_worker

__all__ = [
    "BlockingContext",
    "Choose",
    "Context",
    "Handler",
    "Health",
    "PermanentError",
    "Retry",
    "SignalTimedOut",
    "StepFailed",
    "Suspended",
    "Worker",
    "run_worker",
]
