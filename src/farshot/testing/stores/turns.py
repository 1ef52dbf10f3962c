"""Tests of fairness: owners are served in turn, and priority counts within an owner only."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, cycle
from typing import TYPE_CHECKING
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from farshot.model import ResultSlice
from farshot.testing.stores.values import (
    LEASE_SECONDS,
    RUNNING_LIMIT,
    all_of,
    few_examples,
    finish,
    make_queue,
    make_result,
    make_submission,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farshot.model import Shard
    from farshot.protocols import JobStore
    from farshot.testing.stores.values import ManualClock

_OWNERS = ["ada", "bob", "cyd"]
_costs = st.lists(st.sampled_from([0.25, 0.5, 1.0, 3.0]), min_size=1, max_size=8)
_arrival = st.tuples(st.sampled_from(_OWNERS), _costs, st.sampled_from([0, 0, 0, 1, 2]))
_steps = st.lists(st.one_of(_arrival, st.integers(1, 6)), min_size=1, max_size=20)


class _Ledger:
    """The seconds that each owner was served, checked to be nearly equal for any two owners that keep waiting.

    Owners have unique names, since the last turn of an owner counts when it comes again. With `seconds`, every shard is
    recorded before the next one is claimed, as by one worker, and takes the next of these, which are then compared.
    """

    def __init__(self, store: JobStore, seconds: Iterator[float] | None = None) -> None:
        self.store = store
        self.seconds = seconds
        self.suffix = uuid4().hex
        self.owners: dict[str, str] = {}
        self.costs: dict[tuple[str, int], float] = {}
        self.waiting = Counter[str]()
        self.largest = Counter[str]()
        self.served: dict[str, float] = dict.fromkeys(_OWNERS, 0.0)
        self.leads: dict[tuple[str, str], list[float]] = {}

    def add(self, owner: str, costs: list[float], priority: int) -> None:
        """Submit a job for `owner`."""
        job = self.store.add(make_queue(owner + self.suffix, costs, priority))
        self.owners[job.id] = owner
        self.costs |= {(job.id, number): cost for number, cost in enumerate(costs)}
        self.waiting[owner] += len(costs)
        self.largest[owner] = max(self.largest[owner], *costs)  # type: ignore[assignment]  # seconds, not counts
        self.check()

    def claim(self) -> bool:
        """Claim one shard and check; return whether there was one."""
        found = self.store.claim("me", 1)
        for shard in found:
            owner = self.owners[shard.lease.job_id]
            self.waiting[owner] -= 1
            self.served[owner] += self._serve(shard, owner)
        self.check()
        return bool(found)

    def _serve(self, shard: Shard, owner: str) -> float:
        estimated = self.costs[shard.lease.job_id, shard.lease.shard]
        if self.seconds is None:
            return estimated
        result = make_result(seconds=next(self.seconds))
        self.largest[owner] = max(self.largest[owner], result.seconds)  # type: ignore[assignment]  # seconds, not counts
        assert self.store.record([all_of(shard, result)])[0].accepted
        return result.seconds

    def check(self) -> None:
        """Check that of two owners who both wait, neither gets ahead by more than a shard of each."""
        for pair in combinations(_OWNERS, 2):
            one, two = pair
            if not (self.waiting[one] and self.waiting[two]):
                self.leads.pop(pair, None)
                continue
            leads = self.leads.setdefault(pair, [])
            leads.append(self.served[one] - self.served[two])
            assert max(leads) - min(leads) <= self.largest[one] + self.largest[two]


def _owners_of(store: JobStore, shards: Iterable[Shard]) -> list[str]:
    return [store.job(shard.lease.job_id).owner for shard in shards]


def _add(store: JobStore, owner: str, count: int, *, cost: float = 1.0, priority: int = 0) -> str:
    return store.add(make_queue(owner, [cost] * count, priority)).id


class TurnSuite:
    """Tests of the order in which owners are served."""

    def test_many_with_little_and_one_with_much_take_turns(self, store: JobStore) -> None:
        """Each round has one shard of every owner, although the large job came first."""
        owners = ["large", *(f"small{number}" for number in range(10))]
        for owner in owners:
            _add(store, owner, 60 if owner == "large" else 3)
        for _ in range(3):
            assert sorted(_owners_of(store, store.claim("me", 11))) == sorted(owners)
        assert set(_owners_of(store, store.claim("me", 99))) == {"large"}

    def test_turns_go_by_seconds_not_by_shards(self, store: JobStore) -> None:
        """Four shards of one second equal one shard of four seconds."""
        _add(store, "long", 5, cost=4.0)
        _add(store, "short", 20)
        assert Counter(_owners_of(store, store.claim("me", 15))) == {"short": 12, "long": 3}

    def test_a_newcomer_is_not_behind_a_backlog(self, store: JobStore) -> None:
        """It gets its share from now on, and no more."""
        _add(store, "ada", 60)
        store.claim("me", 20)
        _add(store, "bob", 10)
        assert Counter(_owners_of(store, store.claim("me", 10))) == {"ada": 5, "bob": 5}

    def test_who_was_idle_has_saved_nothing(self, store: JobStore) -> None:
        """This holds for an owner whose work has ended and for one with a long shard running."""
        for owner in ("ada", "bob"):
            _add(store, owner, 1)
        finish(store, store.claim("me", 2)[0])
        _add(store, "cyd", 60)
        store.claim("me", 30)
        for owner in ("ada", "bob"):
            _add(store, owner, 10)
        assert Counter(_owners_of(store, store.claim("me", 15))) == {"ada": 5, "bob": 5, "cyd": 5}

    def test_several_jobs_of_an_owner_share_its_turn(self, store: JobStore) -> None:
        """Ten jobs count as one, in the order in which they were added."""
        jobs = [_add(store, "ada", 1) for _ in range(10)]
        _add(store, "bob", 10)
        shards = store.claim("me", 10)
        assert Counter(_owners_of(store, shards)) == {"ada": 5, "bob": 5}
        assert [shard.lease.job_id for shard in shards if shard.lease.job_id in jobs] == jobs[:5]

    def test_what_was_given_back_comes_first_and_gains_nothing_more(self, store: JobStore) -> None:
        """The next attempt is early; the other shards of the owner keep their turns."""
        for priority in (0, 1):
            _add(store, "ada", 1)
            (first,) = store.claim("me", 1)
            _add(store, "bob", 60)
            store.claim("me", 20)
            store.release(first.lease)
            if priority == 0:
                (again,) = store.claim("me", 1)
                assert (again.lease.job_id, again.lease.attempt) == (first.lease.job_id, 2)
            job = _add(store, "ada", 10, priority=priority)
            shards = store.claim("me", 10)
            assert Counter(_owners_of(store, shards))["ada"] in {5, 6}
            assert sum(shard.lease.job_id == job for shard in shards) >= 5
            for record in store.jobs():
                store.delete(record.id)

    def test_priority_comes_first_within_an_owner(self, store: JobStore) -> None:
        """The highest priority is first, then the oldest job."""
        low, high = _add(store, "ada", 3), _add(store, "ada", 2, priority=5)
        middle, equal = _add(store, "ada", 2, priority=3), _add(store, "ada", 1, priority=5)
        assert [shard.lease.job_id for shard in store.claim("me", 8)] == [high, high, equal, middle, middle, *[low] * 3]

    def test_priority_takes_nothing_from_others(self, store: JobStore) -> None:
        for cost in (0.25, 1.0, 3.0):
            _add(store, "bob", 24)
            _add(store, "ada", 24, cost=cost)
            _add(store, "ada", 8, cost=3.0, priority=9)
            claimed = [store.claim("me", 1)[0] for _ in range(16)]
            assert abs(Counter(_owners_of(store, claimed))["ada"] * 3 - 12) <= 3
            for record in store.jobs():
                store.delete(record.id)

    def test_priority_costs_an_owner_nothing(self, store: JobStore) -> None:
        """An owner with a long waiting shard keeps its share although it repeatedly puts short ones first."""
        long = _add(store, "ada", 1, cost=8.0)
        _add(store, "bob", 60)
        claimed: list[Shard] = []
        for _ in range(20):
            _add(store, "ada", 1, cost=0.5, priority=1)
            claimed += store.claim("me", 2)
        assert Counter(_owners_of(store, claimed)) == {"ada": 21, "bob": 19}
        assert long in {shard.lease.job_id for shard in claimed}

    def test_ahead_counts_the_jobs_that_come_first(self, store: JobStore) -> None:
        """The count is 0 for a job with nothing waiting."""
        big, small = _add(store, "ada", 20), _add(store, "bob", 1)
        assert (store.ahead(big), store.ahead(small)) == (0, 1)
        later = _add(store, "ada", 1)
        assert store.ahead(later) == 2
        store.claim("me", 2)
        assert (store.ahead(big), store.ahead(small), store.ahead(later)) == (0, 0, 1)

    @few_examples(25)
    @given(steps=_steps)
    def test_no_two_who_wait_are_served_unequally(self, store: JobStore, steps: list[object]) -> None:
        """This holds for any order, size and priority of jobs."""
        _follow(_Ledger(store), steps)

    @few_examples(25)
    @given(steps=_steps, seconds=st.lists(st.sampled_from([0.0, 0.125, 1.0, 8.0]), min_size=1, max_size=9))
    def test_no_two_who_wait_are_served_unequally_in_truth(
        self, store: JobStore, steps: list[object], seconds: list[float]
    ) -> None:
        """The seconds that shards took count, however wrong the estimates are."""
        _follow(_Ledger(store, cycle(seconds)), steps)

    def test_what_takes_longer_than_guessed_is_charged_when_it_is_recorded(self, store: JobStore) -> None:
        """Four shards that took five seconds each equal twenty of one second."""
        _add(store, "ada", 40, cost=2.0**-14)
        long = store.claim("me", 4)
        _add(store, "bob", 60)
        recorded = store.record([all_of(shard, make_result(seconds=5.0)) for shard in long])
        assert all(done.accepted for done in recorded)
        assert Counter(_owners_of(store, store.claim("me", 20))) == {"bob": 20}
        assert _owners_of(store, store.claim("me", 1)) == ["ada"]

    def test_what_takes_longer_than_guessed_is_charged_while_it_runs(self, store: JobStore) -> None:
        """It is charged once, and not again when it is recorded or given back."""
        _add(store, "ada", 40, cost=0.5)
        one, two = store.claim("me", 2)
        _add(store, "bob", 60)
        for seconds in (3.0, 2.0, 5.0):
            assert store.renew([one.lease, two.lease], {one.lease: seconds, two.lease: seconds}) == []
        store.record([all_of(one, make_result(seconds=5.0))])
        store.release(two.lease, seconds=5.0)
        assert Counter(_owners_of(store, store.claim("me", 10))) == {"bob": 10}
        assert _owners_of(store, store.claim("me", 1)) == ["ada"]

    def test_what_takes_less_than_guessed_is_given_back_but_nothing_is_saved(self, store: JobStore) -> None:
        """An owner with overestimated shards continues beside the others, and not before a newcomer."""
        _add(store, "ada", 40, cost=9.0)
        held = store.claim("me", 4)
        _add(store, "bob", 40)
        assert Counter(_owners_of(store, store.claim("me", 4))) == {"bob": 4}
        store.record([all_of(shard, make_result(seconds=0.125)) for shard in held])
        _add(store, "cyd", 40)
        assert Counter(_owners_of(store, store.claim("me", 3))) == {"ada": 1, "bob": 1, "cyd": 1}

    def test_a_part_is_charged_once(self, store: JobStore) -> None:
        """The charge of the claim covers the parts; the difference is settled at the end of the shard."""
        for owner in ("ada", "bob"):
            store.add(make_submission(circuits=8, shard=4, owner=owner, cost=4.0))
        shard, other = store.claim("me", 2)
        for number in range(3):
            one = ResultSlice.of(shard.lease, shard.first + number, [make_result(seconds=1.0)], last=False)
            assert store.record([one])[0].accepted
        store.record([ResultSlice.of(shard.lease, shard.first + 3, [make_result(seconds=1.0)], last=True)])
        store.record([all_of(other, *[make_result(seconds=1.0)] * 4)])
        assert sorted(_owners_of(store, store.claim("me", 2))) == ["ada", "bob"]
        _add(store, "cyd", 1)
        _add(store, "cyd", 1)
        assert _owners_of(store, store.claim("me", 2)) == ["cyd", "cyd"]


def _follow(ledger: _Ledger, steps: list[object]) -> None:
    """Submit jobs and claim shards in the order of `steps`, then claim the rest."""
    for step in steps:
        if isinstance(step, tuple):
            ledger.add(*step)
        else:
            all(ledger.claim() for _ in range(step))  # type: ignore[call-overload]  # how many to claim
    while ledger.claim():
        pass
    assert +ledger.waiting == Counter()
    for job_id in ledger.owners:
        ledger.store.delete(job_id)


class LimitSuite:
    """Tests of the limit of running shards. The fixture `limited` is a store that allows RUNNING_LIMIT for an owner."""

    def test_an_owner_runs_no_more_than_the_limit(self, limited: JobStore) -> None:
        """Others get the rest; an ended shard frees its place."""
        _add(limited, "ada", 9)
        _add(limited, "bob", 2)
        shards = limited.claim("me", 9)
        assert Counter(_owners_of(limited, shards)) == {"ada": RUNNING_LIMIT, "bob": 2}
        assert limited.claim("you", 9) == []
        finish(limited, next(shard for shard in shards if limited.job(shard.lease.job_id).owner == "ada"))
        assert _owners_of(limited, limited.claim("you", 9)) == ["ada"]

    def test_what_an_exchange_ends_makes_room_in_it(self, limited: JobStore) -> None:
        """An owner at its limit gets its next shard in the transaction that records the end of one."""
        for _ in range(RUNNING_LIMIT + 2):
            _add(limited, "ada", 1)
        held = limited.claim("me", 9)
        assert len(held) == RUNNING_LIMIT
        recorded, claimed, _ = limited.exchange([all_of(shard) for shard in held[:2]], "me", 9)
        assert [done.accepted for done in recorded] == [True, True]
        assert len(claimed) == 2

    def test_a_full_owner_hides_nobody(self, limited: JobStore) -> None:
        """A claim is filled with shards of others, however many of the full owner wait before them."""
        _add(limited, "ada", 20, cost=0.25)
        _add(limited, "bob", 2, cost=9.0)
        assert Counter(_owners_of(limited, limited.claim("me", 5))) == {"ada": RUNNING_LIMIT, "bob": 2}

    def test_lapsed_leases_fill_no_limit(self, limited: JobStore, clock: ManualClock) -> None:
        """Shards of a dead holder are taken over, up to the limit."""
        _add(limited, "ada", 9)
        dead = limited.claim("dead", 9)
        assert len(dead) == RUNNING_LIMIT
        clock.advance(LEASE_SECONDS + 1)
        taken = limited.claim("me", 9)
        assert [shard.lease.shard for shard in taken] == [shard.lease.shard for shard in dead]
        assert limited.claim("me", 9) == []

    def test_a_limit_gives_no_credit(self, limited: JobStore) -> None:
        """An owner that waited because of its limit is not ahead of newcomers."""
        _add(limited, "ada", 9)
        held = limited.claim("me", 9)
        _add(limited, "bob", 40)
        for _ in range(10):
            finish(limited, *limited.claim("me", 2))
        finish(limited, *held)
        _add(limited, "cyd", 9)
        assert Counter(_owners_of(limited, limited.claim("me", 9)))["cyd"] == RUNNING_LIMIT
