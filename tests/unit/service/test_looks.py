"""One look for all who ask the same at the same time."""

import asyncio

import pytest

from farshot.service.shared_lookups import SharedLookups


def test_who_asks_the_same_at_the_same_time_shares_a_look():
    asked = []

    async def run():
        looks, gate = SharedLookups(), asyncio.Event()

        async def look():
            asked.append(1)
            await gate.wait()
            return "found"

        waiting = [asyncio.ensure_future(looks.share("a", look)) for _ in range(5)]
        other = asyncio.ensure_future(looks.share("b", look))
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*waiting, other)
        assert len(asked) == 2
        await looks.share("a", look)
        assert len(asked) == 3

    asyncio.run(run())


def test_what_a_look_meets_is_told_to_all_who_wait_for_it_and_to_nobody_else():
    async def run():
        looks = SharedLookups()

        async def fail():
            await asyncio.sleep(0)
            message = "no"
            raise ValueError(message)

        async def find():
            return "found"

        met = await asyncio.gather(*(looks.share("a", fail) for _ in range(3)), return_exceptions=True)
        return [type(error) for error in met], await looks.share("a", find)

    assert asyncio.run(run()) == ([ValueError] * 3, "found")


def test_who_leaves_takes_nobody_along():
    async def run():
        looks, gate = SharedLookups(), asyncio.Event()
        first = asyncio.ensure_future(looks.share("a", gate.wait))
        second = asyncio.ensure_future(looks.share("a", gate.wait))
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    assert asyncio.run(run()) is True
