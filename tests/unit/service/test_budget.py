"""Bytes are given in order, to one user at most half of them, and are taken from whoever is slow while others wait."""

import asyncio

import pytest

from farshot.errors import BusyError
from farshot.service.read_budget import ReadBudget


async def settled():
    """Let everything run that can."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_one_user_has_at_most_half():
    async def run():
        budget = ReadBudget(100)
        first, second, other = (budget.share(owner) for owner in ("ann", "ann", "ben"))
        await first.hold(30, 0)
        with pytest.raises(BusyError):
            await second.hold(30, 0)
        await other.hold(50, 0)
        await second.hold(20, 0)

    asyncio.run(run())


def test_more_than_one_user_may_have_is_granted_alone():
    async def run():
        budget = ReadBudget(100)
        first, second = budget.share("ann"), budget.share("ann")
        await first.hold(10**9, 0)
        with pytest.raises(BusyError):
            await second.hold(1, 0)
        first.close()
        await second.hold(10**9, 0)

    asyncio.run(run())


def test_who_waits_is_served_in_order_and_held_up_by_no_other_user():
    async def run():
        budget = ReadBudget(100)
        held, large, own, small = (budget.share(owner) for owner in ("ann", "ben", "ann", "cyd"))
        await held.hold(50, 0)
        await budget.share("dan").hold(20, 0)
        order = []

        async def wait(share, nbytes):
            await share.hold(nbytes, 60)
            order.append(share)

        tasks = [asyncio.create_task(wait(*each)) for each in ((own, 10), (small, 20), (large, 40))]
        await settled()
        assert order == [small]
        held.close()
        await asyncio.gather(*tasks)
        assert order == [small, own, large]

    asyncio.run(run())


def test_whoever_gives_up_is_forgotten():
    async def run():
        budget = ReadBudget(100)
        held, waiting, other = (budget.share(owner) for owner in ("ann", "ben", "cyd"))
        await held.hold(50, 0)
        await budget.share("dan").hold(50, 0)
        task = asyncio.create_task(waiting.hold(50, 60))
        await settled()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        waiting.close()
        held.close()
        await other.hold(50, 0)

    asyncio.run(run())


def test_slow_readers_are_cut_only_where_somebody_waits():
    async def run():
        budget = ReadBudget(100)
        slow, quick, waiting = (budget.share(owner) for owner in ("ann", "dan", "ben"))
        cut = []
        for share in (slow, quick):
            await share.hold(50, 0)
            share.cut = lambda share=share: (cut.append(share), share.close())
        slow.until = 0.0
        await settled()
        assert cut == []
        await waiting.hold(50, 60)
        assert cut == [slow]

    asyncio.run(run())
