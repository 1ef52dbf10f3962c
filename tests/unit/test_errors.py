"""Exceptions and the problems of the HTTP API are told from each other by one name."""

import copy
import inspect
import pickle

import httpx2
import pytest

from farshot import errors
from farshot.backends.http.problems import error_of
from farshot.service.problems import KINDS, problem_of
from farshot.wire import PROBLEM, encode

CLASSES = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.FarshotError) and kind is not errors.CircuitError
]
OF_THE_PROTOCOL = {"http", "head-too-large", "method", "timeout"}
OF_THE_SERVICE = {"internal", "store", "not-completed"}


def made(kind):
    """Return an error of this class."""
    if kind is errors.SubmissionError:
        return kind("text", key="key", job_id=None)
    if kind is errors.CircuitsInvalidError:
        return kind({})
    return kind("job", "text") if kind is errors.BrokenJobError else kind("text")


def answered(error):
    """Return what a client raises of the answer of a service that met `error`."""
    problem = problem_of(error)
    request = httpx2.Request("GET", "http://lab:8080/v1/me")
    body = encode(problem)
    return error_of(httpx2.Response(problem.status, content=body, headers={"Content-Type": PROBLEM}, request=request))


def test_an_error_is_the_same_in_another_process():
    """A pool of processes passes errors on: one that cannot be read there is waited for without end."""
    fault = errors.CircuitError(errors.FaultCode.PARSE, "text", line=3, column=7)
    for error in [
        fault,
        errors.JobNotCompletedError("text", {"a": fault}),
        errors.CircuitsInvalidError({"a": fault}),
        errors.QuotaError("text", 2.5),
        errors.EndedError("text", "job", "COMPLETED"),
        *map(made, CLASSES),
    ]:
        for found in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 -- its own
            assert type(found) is type(error)
            assert (str(found), found.args) == (str(error), error.args)
            assert shown(found) == shown(error)


def shown(error):
    """Return the attributes of an error, with errors among them as text."""
    return {name: str(value) for name, value in vars(error).items()}


def test_every_class_has_a_code_of_its_own():
    codes = [vars(kind)["code"] for kind in CLASSES]
    assert len(set(codes)) == len(codes)
    assert errors.errors_by_code() == dict(zip(codes, CLASSES, strict=True))


def test_every_problem_has_an_error_unless_no_application_is_asked():
    assert set(KINDS) - set(errors.errors_by_code()) == OF_THE_PROTOCOL


@pytest.mark.parametrize("name", sorted(set(KINDS) - OF_THE_PROTOCOL - OF_THE_SERVICE))
def test_an_error_is_the_same_on_both_sides(name):
    kind = errors.errors_by_code()[name]
    assert type(answered(made(kind))) is kind


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_what_has_no_problem_of_its_own_is_told_as_its_base(kind):
    problem = problem_of(made(kind))
    base = errors.errors_by_code()[problem.type.rpartition("/")[2]]
    assert issubclass(kind, base) or kind is errors.HandleError


@pytest.mark.parametrize("name", sorted(OF_THE_SERVICE))
def test_what_only_the_service_can_mend_is_an_error_of_the_service(name):
    assert type(answered(made(errors.errors_by_code()[name]))) is errors.ServiceError


def test_a_fault_of_a_circuit_is_a_wrong_batch():
    assert problem_of(errors.CircuitError(errors.FaultCode.PARSE, "text")).type == "/problems/batch"


@pytest.mark.parametrize("name", sorted(OF_THE_PROTOCOL))
def test_what_the_protocol_refuses_is_an_error_of_the_service(name):
    kind = KINDS[name]
    body = b'{"type": "%b", "title": "t", "status": %d, "detail": "text"}' % (kind.uri.encode(), kind.status)
    request = httpx2.Request("GET", "http://lab:8080/v1/me")
    answer = httpx2.Response(kind.status, content=body, headers={"Content-Type": PROBLEM}, request=request)
    assert type(error_of(answer)) is errors.ServiceError
