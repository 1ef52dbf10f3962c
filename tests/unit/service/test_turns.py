"""A large request has one turn among those of its user, when it is found to be large."""

import asyncio
from types import SimpleNamespace

import pytest

from farshot.accounts import User
from farshot.service.context import LARGE_BODY_BYTES, Call


def call_of(service, length):
    return Call(service, SimpleNamespace(headers={"content-length": str(length)}), User("ann"))


@pytest.fixture
def service():
    """What a call asks of its service for this: here with one turn at a time."""
    turn = asyncio.Semaphore(1)
    return SimpleNamespace(large_slots={"ann": turn})


def test_what_was_large_from_the_start_has_its_turn(service):
    async def run():
        async with (
            asyncio.timeout(30),
            service.large_slots["ann"],
            call_of(service, LARGE_BODY_BYTES + 1).large_slot(),
        ):
            return service.large_slots["ann"].locked()

    assert asyncio.run(run())


def test_what_turns_out_large_waits_for_one(service):
    async def run():
        async with call_of(service, 10).large_slot():
            return service.large_slots["ann"].locked()

    assert asyncio.run(run())
