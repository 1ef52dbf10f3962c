"""Numbers beyond all bounds as arguments of a backend: a `ValueError` before anything is stored."""

import inspect
import math

import pytest

import farshot
from farshot.backends.base import Backend
from farshot.errors import BatchError
from samples import BELL

EXTREMES = [
    -1,
    2**31,
    2**63,
    2**64,
    2**65,
    10**400,
    10**5000,
    -(10**5000),
    1e308,
    5e-324,
    math.inf,
    -math.inf,
    math.nan,
    0.5,
    True,
    "7",
]
HARMLESS = {
    ("shots", 2**31): False,
    ("workers", 2**31): False,
    ("seed", 2**31): True,
    ("max_retries", 2**31): True,
    ("memory_limit", 2**31): True,
}
"""Whether an integer that is within all machines' bounds is taken; no other number is, but for times."""
TIMES = {"circuit_timeout", "job_timeout", "polling_interval", "retry_seconds", "timeout"}


def numbers_of(function):
    """Return the parameters that take a number."""
    found = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in found if {"int", "float"} & set(str(parameter.annotation).split(" | "))]


def is_good(name, value):
    if name in TIMES:
        return type(value) in {int, float} and 0 < value <= 1e9
    return type(value) is int and HARMLESS.get((name, value), False)


def wrong(names):
    return [(name, value) for name in names for value in EXTREMES if not is_good(name, value)]


def shown(value):
    return f"{value!r:.9}" if not isinstance(value, int) or abs(value) < 2**70 else f"{value.bit_length()} bits"


def test_every_number_is_known():
    assert set(numbers_of(farshot.LocalBackend)) == TIMES - {"retry_seconds", "timeout"} | {
        name for name, _ in HARMLESS
    }
    assert set(numbers_of(farshot.RemoteBackend)) <= TIMES | {name for name, _ in HARMLESS}
    assert set(numbers_of(Backend.submit_circuits)) == {"shots", "seed", "priority", "timeout"}


@pytest.mark.parametrize(("name", "value"), wrong(numbers_of(farshot.LocalBackend)), ids=shown)
def test_a_local_backend_is_not_made_with_a_number_beyond_bounds(tmp_path, name, value):
    with pytest.raises(BatchError, match=name):
        farshot.LocalBackend(data_dir=tmp_path / "data", **{name: value})
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(("name", "value"), wrong(numbers_of(farshot.RemoteBackend)), ids=shown)
def test_a_remote_backend_is_not_made_with_a_number_beyond_bounds(name, value):
    with pytest.raises(BatchError, match=name):
        farshot.RemoteBackend("http://127.0.0.1:9", "token", **{name: value})


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("data"), workers=0) as backend:
        yield backend


@pytest.mark.parametrize(("name", "value"), wrong(numbers_of(Backend.submit_circuits)), ids=shown)
def test_nothing_is_stored_of_a_submission_with_a_number_beyond_bounds(backend, name, value):
    with pytest.raises(BatchError, match=name):
        backend.submit_circuits({"bell": BELL}, **{name: value})
    assert backend.jobs() == []


@pytest.mark.parametrize("value", [value for value in EXTREMES if value not in {2**31, "7"}], ids=shown)
@pytest.mark.parametrize("place", range(3))
def test_nor_of_one_whose_ranges_hold_one(backend, place, value):
    group = [0, 1, 7]
    group[place] = value
    with pytest.raises(BatchError):
        backend.submit_circuits({"bell": BELL}, shot_groups=[group])
    with pytest.raises(BatchError):
        backend.submit_circuits({"bell": BELL}, ham_ops="ZZ", circuit_ham_map=[group[:2] if place < 2 else group])
    assert backend.jobs() == []


@pytest.mark.parametrize("value", [10**400, 10**5000, "7", True, None], ids=shown)
def test_nor_of_one_whose_rows_hold_one(backend, value):
    template = farshot.Template("qubit q; rx(a) q;", ["a"], {"row": [value]})
    with pytest.raises(BatchError, match="row"):
        backend.submit_circuits(template)
    assert backend.jobs() == []


@pytest.mark.parametrize("name", ["dask", "slurm", "nonsense"])
def test_an_executor_that_is_not_there_yet_is_refused_by_name(tmp_path, name):
    with pytest.raises(BatchError, match=name):
        farshot.LocalBackend(data_dir=tmp_path / "data", executor=name)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("timeout", [float("nan"), "1", True])
def test_a_wait_has_a_time_or_none(tmp_path, timeout):
    with farshot.LocalBackend(data_dir=tmp_path, workers=0) as backend:
        job = backend.job(backend.submit_circuits({"bell": BELL}).job_id)
        for wait in (job.wait, job.result):
            with pytest.raises(farshot.OptionError, match="timeout must be a number of seconds"):
                wait(timeout=timeout)
        with pytest.raises(farshot.PollingTimeoutError):
            job.wait(timeout=0)


def test_a_closed_backend_submits_nothing_and_says_so():
    """And not that there may be a job."""
    backend = farshot.RemoteBackend("http://127.0.0.1:9", "token")
    backend.close()
    with pytest.raises(farshot.ServiceError, match="closed") as caught:
        backend.submit_circuits({"a": "text"})
    assert type(caught.value) is farshot.ServiceError
