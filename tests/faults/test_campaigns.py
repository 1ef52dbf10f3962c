"""Short versions of what `python benchmarks/faults.py` runs in full."""

import signal

import pytest

from faults.campaigns import cancels, keys, kills, leases, service, workers


def test_killed_programs_lose_nothing(tmp_path):
    found = kills.one_after_another(tmp_path, kills=6, jobs=36)
    assert found.kills == 6
    assert found.accepted >= 36
    assert found.read
    assert not found.renamed
    assert found.audit.is_clean, found


def test_four_programs_on_one_store_lose_nothing(tmp_path):
    found = kills.side_by_side(tmp_path, processes=4, jobs=8, pause=0.1)
    assert found.kills
    assert found.accepted == 32
    assert not found.renamed
    assert found.audit.is_clean, found


def test_killed_workers_cost_nothing(tmp_path):
    found = workers.at_points(tmp_path, 5)
    assert set(found.kills.values()) == {1}
    assert found.repeated["native"] == 1
    assert found.is_clean, found


def test_stopped_programs_record_nothing_late(tmp_path):
    found = leases.outlived(tmp_path, 2)
    assert found.taken + found.locking
    assert not found.stale
    assert found.audit.is_clean, found


@pytest.mark.parametrize("target", ["prism:statevector", "aer:statevector"])
def test_a_cancel_ends_native_code(tmp_path, target):
    found = cancels.in_native_code(tmp_path, 2, target)
    assert len(found.ended) == 2
    assert not found.refused
    assert not found.unfinished
    assert not found.orphans


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_worker_in_native_code_ends_with_its_parent(tmp_path, how):
    found = cancels.of_parents(tmp_path, 1, "aer:statevector", how)
    assert len(found.ended) == 1
    assert not found.orphans


def test_threads_that_race_on_a_key_get_one_job(tmp_path):
    found = keys.on_keys(tmp_path, 100, 8)
    assert not found.divided
    assert found.jobs == found.keys == 12
    assert found.integrity == "ok"


def test_a_killed_service_costs_its_clients_nothing_but_time(tmp_path):
    found = service.killed(tmp_path, 4, pause=0.5)
    assert found.jobs
    assert not found.failed
    assert not found.renamed
    assert found.audit.is_clean, found
