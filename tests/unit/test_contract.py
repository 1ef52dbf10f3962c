import inspect
from dataclasses import FrozenInstanceError
from inspect import Parameter

import pytest

from farshot.backends.local import LocalBackend
from farshot.contract import AsyncJobBackend, ExecutionResult, JobStatus

POSITIONAL, KEYWORD, REST = Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY, Parameter.VAR_KEYWORD
EMPTY = Parameter.empty
SIGNATURES = {
    "submit_circuits": [
        ("circuits", POSITIONAL, EMPTY),
        ("cancellation_event", KEYWORD, None),
        ("kwargs", REST, EMPTY),
    ],
    "poll_job_status": [
        ("execution_result", POSITIONAL, EMPTY),
        ("loop_until_complete", POSITIONAL, False),
        ("on_complete", POSITIONAL, None),
        ("verbose", POSITIONAL, True),
        ("progress_callback", POSITIONAL, None),
        ("cancellation_event", POSITIONAL, None),
    ],
    "get_job_results": [("execution_result", POSITIONAL, EMPTY)],
    "cancel_job": [("execution_result", POSITIONAL, EMPTY)],
}


def parameters(function):
    found = list(inspect.signature(function).parameters.values())[1:]
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_protocol_has_exactly_these_parameters(name):
    assert parameters(getattr(AsyncJobBackend, name)) == SIGNATURES[name]


def test_the_protocol_has_exactly_these_members():
    members = {name for name in vars(AsyncJobBackend) if not name.startswith("_")}
    assert members == {"shots", *SIGNATURES}


@pytest.mark.parametrize("name", ["poll_job_status", "get_job_results", "cancel_job"])
def test_the_local_backend_takes_the_same_first(name):
    expected = SIGNATURES[name]
    assert parameters(getattr(LocalBackend, name))[: len(expected)] == expected


def test_statuses_are_their_own_text():
    assert [status.value for status in JobStatus] == ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
    assert JobStatus.COMPLETED == "COMPLETED"


def test_a_handle_cannot_be_changed():
    handle = ExecutionResult(job_id="x")
    assert (handle.results, handle.backend_jobs, handle.run_time) == (None, 1, 0.0)
    with pytest.raises(FrozenInstanceError):
        handle.job_id = "y"


@pytest.mark.parametrize(
    ("result", "is_async"),
    [
        (ExecutionResult(), False),
        (ExecutionResult(job_id="x"), True),
        (ExecutionResult(results=[]), False),
        (ExecutionResult(results=[], job_id="x"), False),
    ],
)
def test_a_handle_is_async_until_it_has_results(result, is_async):
    assert result.is_async() is is_async


def test_with_results_copies():
    handle = ExecutionResult(job_id="x")
    done = handle.with_results([{"label": "a"}], 1.5)
    assert (done.job_id, done.results, done.run_time) == ("x", [{"label": "a"}], 1.5)
    assert handle.results is None
    assert done.with_results([]).run_time == 1.5
