"""Who is served next, and what becomes of work that nobody waits for."""

import asyncio
import threading
import time

import pytest

from tintype.server.problems import Full, Gone, Stopping
from tintype.server.queue import Queue

PATIENCE = 60
"""Seconds within which anything must have happened."""


class Held:
    """A work that lasts until it is let go."""

    def __init__(self):
        self.begun, self.go = threading.Event(), threading.Event()

    def __call__(self, watch):
        self.begun.set()
        assert self.go.wait(PATIENCE)


async def when(condition) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until
        await asyncio.sleep(0.005)


async def order(queue: Queue, works) -> list[str]:
    """In which order works (name, client, quick, turn) are done that arrive one after the other while one lasts."""
    held, done = Held(), []
    first = asyncio.ensure_future(queue.do(held, "somebody", quick=True))
    await when(held.begun.is_set)
    tasks = []
    for name, client, quick, turn in works:
        tasks.append(
            asyncio.ensure_future(queue.do(lambda watch, name=name: done.append(name), client, quick=quick, turn=turn))
        )
        await asyncio.sleep(0)
    held.go.set()
    await asyncio.gather(first, *tasks)
    return done


def test_quick_works_go_first_and_clients_take_turns():
    works = [
        ("a1", "a", False, None), ("a2", "a", True, None), ("a3", "a", True, None), ("a4", "a", True, None),
        ("b1", "b", True, None), ("c1", "c", False, None), ("b2", "b", True, None),
    ]  # fmt: skip
    assert asyncio.run(order(Queue(1), works)) == ["a2", "b1", "a3", "b2", "a4", "a1", "c1"]


def test_long_works_leave_one_thread_to_quick_ones():
    async def run():
        queue, helds = Queue(2), [Held(), Held()]
        long = [asyncio.ensure_future(queue.do(held, "a", quick=False)) for held in helds]
        await when(helds[0].begun.is_set)
        assert await queue.do(lambda watch: "quick", "b", quick=True) == "quick"
        assert not helds[1].begun.is_set()
        for held in helds:
            held.go.set()
        await asyncio.gather(*long)

    asyncio.run(run())


def test_works_of_one_turn_are_done_one_at_a_time():
    async def run():
        queue, held = Queue(3), Held()
        first = asyncio.ensure_future(queue.do(held, "a", quick=True, turn="photo"))
        await when(held.begun.is_set)
        second = asyncio.ensure_future(queue.do(lambda watch: "second", "a", quick=True, turn="photo"))
        assert await queue.do(lambda watch: "other", "a", quick=True, turn="other photo") == "other"
        assert not second.done()
        held.go.set()
        await first
        assert await second == "second"

    asyncio.run(run())


def test_one_client_cannot_fill_it_for_others():
    async def run():
        queue, held = Queue(1, waiting=3, of_a_client=2), Held()
        tasks = [asyncio.ensure_future(queue.do(held, "a", quick=True))]
        await when(held.begun.is_set)
        for client in "aab":
            tasks.append(asyncio.ensure_future(queue.do(lambda watch: None, client, quick=True)))
            await asyncio.sleep(0)
            if client == "a" and len(tasks) == 3:
                with pytest.raises(Full) as refused:
                    await queue.do(lambda watch: None, "a", quick=True)
                assert refused.value.status == 429
                assert refused.value.retry_after > 0
        with pytest.raises(Full):
            await queue.do(lambda watch: None, "c", quick=True)
        held.go.set()
        await asyncio.gather(*tasks)

    asyncio.run(run())


def test_what_a_work_raises_arrives():
    async def run():
        with pytest.raises(ZeroDivisionError):
            await Queue(1).do(lambda watch: 1 / 0, "a", quick=True)

    asyncio.run(run())


def test_work_ends_when_its_client_has_left():
    async def run():
        queue, begun, ended = Queue(1), threading.Event(), threading.Event()

        def work(watch):
            begun.set()
            until = time.monotonic() + PATIENCE
            try:
                while time.monotonic() < until:
                    watch()
                    time.sleep(0.005)
            except BaseException:
                ended.set()
                raise

        leave = asyncio.Event()
        task = asyncio.ensure_future(queue.do(work, "a", quick=True, left=leave.wait))
        waiting = asyncio.ensure_future(
            queue.do(lambda watch: pytest.fail("it was begun"), "b", quick=True, left=leave.wait)
        )
        await when(begun.is_set)
        leave.set()
        for gone in (task, waiting):
            with pytest.raises(Gone):
                await gone
        await when(ended.is_set)
        assert await queue.do(lambda watch: "free again", "c", quick=True) == "free again"

    asyncio.run(run())


def test_a_queue_that_stops_refuses_what_waits_and_finishes_what_runs():
    async def run():
        queue, held = Queue(1), Held()
        runs = asyncio.ensure_future(queue.do(held, "a", quick=True))
        await when(held.begun.is_set)
        waits = asyncio.ensure_future(queue.do(lambda watch: None, "b", quick=True))
        await asyncio.sleep(0)
        queue.stop()
        with pytest.raises(Stopping):
            await waits
        with pytest.raises(Stopping):
            await queue.do(lambda watch: None, "c", quick=True)
        held.go.set()
        await runs
        queue.join(PATIENCE)

    asyncio.run(run())


def test_what_still_runs_at_the_end_is_given_up():
    async def run():
        queue, begun = Queue(1), threading.Event()

        def work(watch):
            begun.set()
            while True:
                watch()
                time.sleep(0.005)

        task = asyncio.ensure_future(queue.do(work, "a", quick=True))
        await when(begun.is_set)
        queue.end()
        with pytest.raises(Stopping):
            await task
        threads = list(queue._threads)
        queue.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)

    asyncio.run(run())
