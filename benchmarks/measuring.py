"""How a rate and a latency are taken: callers that repeat a call for a time, and what their calls took."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import median, quantiles

from benchmarks.model import NotRun, Sample

_WARM_UP = 0.25  # of the time that is measured


def runner() -> asyncio.Runner:
    """A runner of tasks, with uvloop where it is installed: for all that is measured alike."""
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


def p99_of(milliseconds: Sequence[float]) -> float | None:
    """The 99th percentile; None of fewer than a hundred."""
    return quantiles(milliseconds, n=100)[98] if len(milliseconds) >= 100 else None


def rate(done: int, seconds: float, milliseconds: Sequence[float]) -> Sample:
    """Make a sample of so many calls in so long; NotRun of none, which is no rate to compare with."""
    if not done:
        raise NotRun(f"no call ended within {seconds:g} s")
    return Sample(done / seconds, p99_of(milliseconds))


async def crowd(callers: Sequence[Callable[[], Awaitable[None]]], seconds: float) -> Sample:
    """Let each caller repeat its call until the time is over; count what ends after a warm-up."""
    begin = time.perf_counter() + seconds * _WARM_UP
    end = begin + seconds
    took: list[float] = []

    async def repeat(call: Callable[[], Awaitable[None]]) -> None:
        before = time.perf_counter()
        while before < end:
            await call()
            after = time.perf_counter()
            if begin <= after < end:
                took.append((after - before) * 1000)
            before = after

    await asyncio.gather(*map(repeat, callers))
    return rate(len(took), seconds, took)


def threads(callers: Sequence[Callable[[], None]], seconds: float) -> Sample:
    """As `crowd`, with a thread for each caller; the clock starts when all of them do."""
    gate = threading.Barrier(len(callers) + 1)
    times: list[float] = []

    def repeat(call: Callable[[], None]) -> list[float]:
        gate.wait()
        gate.wait()
        begin, end = times
        took: list[float] = []
        before = time.perf_counter()
        while before < end:
            call()
            after = time.perf_counter()
            if begin <= after < end:
                took.append((after - before) * 1000)
            before = after
        return took

    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(repeat, call) for call in callers]
        gate.wait()
        begin = time.perf_counter() + seconds * _WARM_UP
        times += [begin, begin + seconds]
        gate.wait()
        took = [each for future in running for each in future.result()]
    return rate(len(took), seconds, took)


def latency(call: Callable[[], object], times: int) -> Sample:
    """The median time of a call in milliseconds, after a tenth as many that do not count."""
    took = []
    for turn in range(times + times // 10 + 1):
        before = time.perf_counter()
        call()
        if turn > times // 10:
            took.append((time.perf_counter() - before) * 1000)
    return Sample(median(took), p99_of(took))


async def async_latency(call: Callable[[], Awaitable[object]], times: int) -> Sample:
    """As `latency`, of an async call."""
    took = []
    for turn in range(times + times // 10 + 1):
        before = time.perf_counter()
        await call()
        if turn > times // 10:
            took.append((time.perf_counter() - before) * 1000)
    return Sample(median(took), p99_of(took))
