"""The same workload in a handler of the library's own worker."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

from tests.chaos.journal import Journal
from tests.chaos.workload import CHILDREN, LIMITS, POLICY, SIGNAL, child_facts
from wfstore.worker import Context, Retry, Worker


class Walker:
    """The handler."""

    def __init__(self, journal: Journal, name: str) -> None:
        self._journal = journal
        self._name = name

    async def __call__(self, ctx: Context) -> None:
        """Walk the nodes; each step's answer means that it is stored."""
        lease, facts = ctx.lease, ctx.metadata
        # Its heartbeats are its own affair: it surely holds the lease until what the claim said.
        self._journal.holds(lease, lease.lease_until.timestamp())
        try:
            for place in range(facts["nodes"]):
                signal = await self._specialty(ctx) if place == facts["at"] else None
                output = {"nonce": uuid4().hex, "by": self._name, "signal": signal}

                async def node(output: dict[str, Any] = output) -> dict[str, Any]:
                    await asyncio.sleep(0.002)
                    return output

                stored = await ctx.step(f"n{place}", node)
                self._journal.acknowledged(lease, f"n{place}", stored["nonce"])
        finally:
            self._journal.leaves(lease)

    async def _specialty(self, ctx: Context) -> Any:
        match ctx.metadata["kind"]:
            case "time":
                self._journal.leaves(ctx.lease)  # it is given back inside, before the handler ends
                await ctx.sleep("pause", timedelta(seconds=0.4))
            case "fail" if ctx.lease.failures == 0:
                raise Retry("on purpose", wait=timedelta(seconds=0.2))
            case "signal":
                self._journal.leaves(ctx.lease)  # perhaps: it suspends if there is none yet
                return await ctx.wait_signal(SIGNAL, node_id="signal")
            case "children":
                for place in range(CHILDREN):
                    facts = child_facts(place)
                    await ctx.start_child(
                        ctx.lease.workflow_id,
                        node_id=f"child{place}",
                        metadata=facts,
                        retry=POLICY,
                        concurrency_key=facts["key"],
                        concurrency_limit=LIMITS.get(facts["key"], 1),
                    )
                self._journal.leaves(ctx.lease)
                await ctx.wait_children()
        return None


def work(url: str, journal: Journal, name: str, lease: timedelta) -> None:
    """Work until SIGTERM."""
    worker = Worker(
        url,
        Walker(journal, name),
        worker_id=name,
        lease=lease,
        concurrency=4,
        poll_interval=timedelta(seconds=0.2),
        longest_pause=timedelta(seconds=0.05),
        drain_timeout=timedelta(seconds=5),
    )
    journal.tell("ready")
    asyncio.run(worker.run())
