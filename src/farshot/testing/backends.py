"""The contract of a backend, as a test suite for your own backend.

Subclass `BackendSuite` in a test module and define a fixture `backend` that yields an open backend with a store of its
own and without a seed.
"""

from __future__ import annotations

import itertools
import math
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from farshot.backends.estimates import NO_OUTLOOK
from farshot.contract import AsyncJobBackend, ExecutionCancelledError, ExecutionResult, JobStatus
from farshot.errors import (
    AmbiguousJobError,
    CircuitError,
    CircuitsInvalidError,
    FarshotError,
    JobNotCompletedError,
    KeyConflictError,
    UnknownJobError,
)
from farshot.model import Counts
from farshot.packing import unpack
from farshot.templates.template import Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from farshot.backends.estimates import Outlook
    from farshot.backends.jobs import Job
    from farshot.model import JobRecord

__all__ = ["BackendSuite", "slow_circuits"]

_HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
_BELL = _HEAD + "qreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n"
_SPREAD_OUT = _HEAD + "qreg q[8];\ncreg c[8];\nh q;\nmeasure q -> c;\n"
_ONE_OF_THREE = _HEAD + "qreg q[3];\ncreg c[3];\nx q[0];\nmeasure q -> c;\n"
_ROTATED = _HEAD + "qreg q[2];\ncreg c[2];\nrx(2*β[0]) q[0];\ncx q[0],q[1];\nrz(-w_0[10]/2) q[1];\nmeasure q -> c;\n"
_BROKEN = _HEAD + "qreg q[2];\ncreg c[2];\nh q[0];\nnonsense q[1];\nmeasure q -> c;\n"


class _Backend(AsyncJobBackend, Protocol):
    def submit_circuits(self, circuits: Mapping[str, str] | Template, **kwargs: Any) -> ExecutionResult: ...  # noqa: ANN401 -- the contract allows any option
    def get_job_results(self, execution_result: ExecutionResult, *, partial: bool = False) -> ExecutionResult: ...
    def jobs(self, status: JobStatus | str | None = None, tag: str | None = None, limit: int = 50) -> Sequence[Job]: ...
    def job(self, job: ExecutionResult | Job | str) -> Job: ...
    def run(self, circuits: Mapping[str, str] | Template | str, **options: Any) -> Job: ...  # noqa: ANN401 -- as above
    def record(self, job: ExecutionResult | Job | str) -> JobRecord: ...
    def outlook(self, job: ExecutionResult | Job | str) -> Outlook: ...
    def wait(self, job: ExecutionResult | Job | str) -> JobStatus: ...
    def delete(self, job: ExecutionResult | Job | str) -> None: ...
    def ended(self, jobs: Sequence[ExecutionResult | Job | str]) -> Iterator[str]: ...
    def stream(self, job: ExecutionResult | Job | str) -> Iterator[dict[str, Any]]: ...


def slow_circuits(count: int, qubits: int = 20) -> dict[str, str]:
    """Return circuits that each take a good part of a second of one core; with two qubits less, a quarter of that."""
    layer = "".join(f"ry(0.3) q[{i}];\ncx q[{i}],q[{(i + 1) % qubits}];\n" for i in range(qubits))
    source = f"{_HEAD}qreg q[{qubits}];\ncreg c[{qubits}];\n{layer * 15}measure q -> c;\n"
    return {f"slow{number}": source for number in range(count)}


def _rotated(rows: dict[str, list[float]]) -> Template:
    return Template(_ROTATED, ["β[0]", "w_0[10]", "unused"], rows)


def _run(backend: _Backend, circuits: dict[str, str] | Template, **options: Any) -> list[dict[str, Any]]:  # noqa: ANN401 -- any option
    handle = backend.submit_circuits(circuits, **options)
    assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is JobStatus.COMPLETED
    return backend.get_job_results(handle).results or []


class BackendSuite:
    """Tests of the contract of a backend."""

    def test_it_meets_the_protocol(self, backend: _Backend) -> None:
        assert isinstance(backend, AsyncJobBackend)

    def test_a_submission_gives_a_handle(self, backend: _Backend) -> None:
        """The handle carries a job id and no results."""
        handle = backend.submit_circuits({"bell": _BELL})
        assert isinstance(handle.job_id, str)
        assert handle.is_async()

    def test_results_keep_order_and_labels(self, backend: _Backend) -> None:
        """A label may be any text."""
        labels = ["z", "a", "ü/..\\", "line\nbreak", "<b>", "'; DROP TABLE jobs;", "é", "e\u0301", "x" * 1024]
        entries = _run(backend, dict.fromkeys(labels, _ONE_OF_THREE))
        assert [entry["label"] for entry in entries] == labels

    def test_the_rightmost_character_is_bit_zero(self, backend: _Backend) -> None:
        """Counts are in the order of Qiskit."""
        (entry,) = _run(backend, {"x": _ONE_OF_THREE}, shots=10)
        assert entry["results"] == {"001": 10}

    def test_counts_sum_to_the_shots(self, backend: _Backend) -> None:
        """The metadata says how the counts were computed."""
        (entry,) = _run(backend, {"bell": _BELL}, shots=123, seed=5)
        assert sum(entry["results"].values()) == 123
        assert set(entry["results"]) <= {"00", "11"}
        assert {"simulator", "method", "exact", "seed", "shots", "seconds", "attempt"} <= set(entry["metadata"])

    def test_how_a_circuit_is_run_is_said_while_it_runs(self, backend: _Backend) -> None:
        """The outlook gives the simulator, the method and the estimated seconds before the first circuit is done."""
        job = backend.run(slow_circuits(1, 25))
        while not (outlook := backend.outlook(job)).running:
            assert not backend.record(job).status.is_terminal
            time.sleep(0.02)
        (forecast,) = outlook.running
        assert forecast.simulator
        assert forecast.method == "statevector"
        assert forecast.seconds is not None
        assert forecast.seconds > 1.0
        assert outlook.seconds is None or 0 < outlook.seconds <= forecast.seconds
        assert job.outlook.running == outlook.running
        job.cancel()
        assert backend.outlook(job) == NO_OUTLOOK

    def test_results_are_a_new_object(self, backend: _Backend) -> None:
        """The handle does not change; fetching twice gives equal results."""
        handle = backend.submit_circuits({"bell": _BELL})
        backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        done = backend.get_job_results(handle)
        assert handle.results is None
        assert done.job_id == handle.job_id
        assert done.results == backend.get_job_results(handle).results

    def test_a_seed_repeats_its_counts(self, backend: _Backend) -> None:
        """The counts of a circuit do not depend on other circuits or on their order."""
        others = {f"o{number}": _BELL for number in range(20)}
        alone = _run(backend, {"bell": _BELL}, seed=3)[0]["results"]
        among = _run(backend, {**others, "bell": _BELL}, seed=3)
        backwards = _run(backend, dict(reversed({**others, "bell": _BELL}.items())), seed=3)
        assert among[-1]["results"] == backwards[0]["results"] == alone
        assert {entry["label"]: entry["results"] for entry in among} == {
            entry["label"]: entry["results"] for entry in backwards
        }

    def test_without_a_seed_submissions_differ(self, backend: _Backend) -> None:
        """A seed is drawn and recorded."""
        first, second = (_run(backend, {"many": _SPREAD_OUT}, shots=10_000)[0] for _ in range(2))
        assert first["metadata"]["seed"] != second["metadata"]["seed"]
        assert first["results"] != second["results"]

    def test_shot_groups_give_each_circuit_its_shots(self, backend: _Backend) -> None:
        circuits = {f"c{number}": _BELL for number in range(5)}
        entries = _run(backend, circuits, shot_groups=[[0, 2, 10], [2, 5, 20]])
        assert [sum(entry["results"].values()) for entry in entries] == [10, 10, 20, 20, 20]

    def test_observables_give_exact_values(self, backend: _Backend) -> None:
        """The leftmost character is qubit 0; final measurements are ignored; keys are the terms as given."""
        (entry,) = _run(backend, {"x": _ONE_OF_THREE}, ham_ops="ZII;IZI;III;XII")
        assert entry["results"] == pytest.approx({"ZII": -1.0, "IZI": 1.0, "III": 1.0, "XII": 0.0}, abs=1e-9)

    def test_groups_of_observables_follow_their_map(self, backend: _Backend) -> None:
        """A circuit outside every range is measured for all terms; a short term acts on the first qubits."""
        circuits = {f"c{number}": _ONE_OF_THREE for number in range(3)}
        entries = _run(backend, circuits, ham_ops="ZZI|Z", circuit_ham_map=[[0, 1], [2, 3]])
        assert [set(entry["results"]) for entry in entries] == [{"ZZI"}, {"ZZI", "Z"}, {"Z"}]
        assert entries[2]["results"]["Z"] == pytest.approx(-1)
        assert "warnings" in entries[2]["metadata"]

    @pytest.mark.parametrize(
        "options",
        [
            {"shots": 0},
            {"shots": True},
            {"shot_groups": [[0, 2, 5]]},
            {"shot_groups": [[0, 1, 0]]},
            {"shot_groups": [[0, 1, 5]], "shots": 5},
            {"shot_groups": [[0, 1, 5]], "ham_ops": "Z"},
            {"ham_ops": "Z;ZZ"},
            {"ham_ops": "ZQ"},
            {"ham_ops": ""},
            {"ham_ops": "Z|X", "circuit_ham_map": [[0, 1]]},
            {"circuit_ham_map": [[0, 1]]},
            {"seed": -1},
            {"target": "no such target"},
        ],
    )
    def test_a_wrong_call_is_a_value_error_and_stores_nothing(self, backend: _Backend, options: dict[str, Any]) -> None:
        with pytest.raises(ValueError):  # noqa: PT011 -- the texts are the backend's own
            backend.submit_circuits({"bell": _BELL}, **options)
        assert not backend.jobs()

    def test_an_unknown_option_is_a_type_error(self, backend: _Backend) -> None:
        with pytest.raises(TypeError, match="shotz"):
            backend.submit_circuits({"bell": _BELL}, shotz=5)

    def test_a_circuit_fails_alone(self, backend: _Backend) -> None:
        """The job ends FAILED, the other results are readable, and the error gives the line."""
        handle = backend.submit_circuits({"a": _BELL, "bad": _BROKEN, "b": _BELL})
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is JobStatus.FAILED
        with pytest.raises(JobNotCompletedError, match="partial=True"):
            backend.get_job_results(handle)
        good, bad, last = backend.get_job_results(handle, partial=True).results or []
        assert "results" in good
        assert "results" in last
        assert bad["label"] == "bad"
        assert (bad["error"]["code"], bad["error"]["line"]) == ("parse", 6)

    def test_a_term_longer_than_the_register_fails_that_circuit(self, backend: _Backend) -> None:
        """The other circuits of the batch are measured."""
        handle = backend.submit_circuits({"two": _BELL, "three": _ONE_OF_THREE}, ham_ops="ZZZ")
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is JobStatus.FAILED
        two, three = backend.get_job_results(handle, partial=True).results or []
        assert two["error"]["code"] == "admission"
        assert three["results"] == pytest.approx({"ZZZ": -1})

    def test_rows_of_a_template_give_what_their_circuits_give(self, backend: _Backend) -> None:
        """Rows keep their order, labels, seeds and shots."""
        rows = {f"row {number}": [number / 7, -1e-07 * number, 3.0] for number in range(5)}
        template = _rotated(rows)
        circuits = {label: template.bind(label) for label in rows}
        sampling = {"seed": 5, "shot_groups": [[0, 2, 50], [2, 5, 500]]}
        evaluating = {"seed": 5, "ham_ops": "ZI;XY|ZZ", "circuit_ham_map": [[0, 2], [2, 5]]}
        for options in (sampling, evaluating):
            found, expected = _run(backend, template, **options), _run(backend, circuits, **options)
            assert [entry["label"] for entry in found] == list(rows)
            assert [entry["results"] for entry in found] == [entry["results"] for entry in expected]
            assert [entry["metadata"]["seed"] for entry in found] == [entry["metadata"]["seed"] for entry in expected]

    @pytest.mark.parametrize("number", [1e308, math.nan, -math.inf])
    def test_a_row_fails_alone(self, backend: _Backend, number: float) -> None:
        """The fault is in the text of the template or is the number itself. Validation finds it before storing."""
        template = _rotated({"good": [0.5, 1.0, 0.0], "bad": [number, 1.0, 0.0]})
        with pytest.raises(CircuitsInvalidError, match="bad"):
            backend.submit_circuits(template, validate=True)
        assert not backend.jobs()
        handle = backend.submit_circuits(template)
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is JobStatus.FAILED
        good, bad = backend.get_job_results(handle, partial=True).results or []
        assert "results" in good
        assert (bad["error"]["code"], bad["error"]["line"]) in {("admission", 4), ("admission", 5)}

    @pytest.mark.parametrize(
        ("names", "rows"),
        [
            (["a"], {}),
            (["a"], {"short": []}),
            (["a"], {"long": [1.0, 2.0]}),
            (["a", "a"], {"twice": [1.0, 2.0]}),
            (["q"], {"register": [1.0]}),
            ([""], {"empty": [1.0]}),
        ],
    )
    def test_a_wrong_template_is_a_value_error_and_stores_nothing(
        self, backend: _Backend, names: list[str], rows: dict[str, list[float]]
    ) -> None:
        with pytest.raises(ValueError, match=r"empty|short|long|twice|register|name"):
            backend.submit_circuits(Template(_ROTATED, names, rows))
        assert not backend.jobs()

    def test_a_parameter_that_an_exporter_renamed_is_named_with_its_new_name(self, backend: _Backend) -> None:
        """The error is raised before anything is stored."""
        source = _ROTATED.replace("β[0]", "_β_0_")
        with pytest.raises(ValueError, match=r"β\[0\].*_β_0_"):
            backend.submit_circuits(Template(source, ["β[0]", "w_0[10]"], {"row": [0.5, 1.0]}))
        assert not backend.jobs()
        given = Template(source, ["_β_0_", "w_0[10]"], {"row": [0.5, 1.0]})
        assert (
            _run(backend, given, seed=1)[0]["results"]
            == _run(backend, _rotated({"row": [0.5, 1.0, 0.0]}), seed=1)[0]["results"]
        )

    def test_a_template_under_a_key_is_one_job(self, backend: _Backend) -> None:
        """Other rows under the same key are a conflict."""
        first = backend.submit_circuits(_rotated({"x": [1, 2, 3]}), key="k", seed=1)
        assert backend.submit_circuits(_rotated({"x": [1.0, 2.0, 3.0]}), key="k", seed=1).job_id == first.job_id
        with pytest.raises(KeyConflictError):
            backend.submit_circuits(_rotated({"x": [1, 2, 4]}), key="k", seed=1)

    def test_validation_lists_every_bad_circuit(self, backend: _Backend) -> None:
        """Each is listed with its line, before anything is stored."""
        circuits = {"a": _BELL, "bad": _BROKEN, "worse": "OPENQASM 2.0;\nqreg", "blind": _HEAD + "qreg q[1];\nx q[0];"}
        with pytest.raises(CircuitsInvalidError, match="blind") as caught:
            backend.submit_circuits(circuits, validate=True)
        assert not backend.jobs()
        assert list(caught.value.faults) == ["bad", "worse", "blind"]
        assert caught.value.faults["bad"].line == 6

    def test_a_set_event_stops_the_submission(self, backend: _Backend) -> None:
        event = threading.Event()
        event.set()
        with pytest.raises(ExecutionCancelledError):
            backend.submit_circuits({"bell": _BELL}, cancellation_event=event)
        assert not backend.jobs()

    def test_the_same_key_gives_the_same_job(self, backend: _Backend) -> None:
        """Another body under the same key is a conflict."""
        first = backend.submit_circuits({"bell": _BELL}, key="k")
        assert backend.submit_circuits({"bell": _BELL}, key="k").job_id == first.job_id
        with pytest.raises(KeyConflictError):
            backend.submit_circuits({"bell": _BELL}, key="k", shots=7)
        assert len(backend.jobs()) == 1

    def test_a_single_look_calls_nothing_back(self, backend: _Backend) -> None:
        handle = backend.submit_circuits(slow_circuits(2))
        looks: list[object] = []
        status = backend.poll_job_status(handle, progress_callback=lambda *look: looks.append(look))
        assert status in {JobStatus.PENDING, JobStatus.RUNNING}
        assert looks == []
        backend.cancel_job(handle)

    def test_the_loop_reports_open_looks_and_completes_once(self, backend: _Backend) -> None:
        """Attempts count from 1, no terminal status is reported, and the response gives the final status."""
        handle = backend.submit_circuits(slow_circuits(1))
        looks: list[tuple[int, str]] = []
        responses: list[Any] = []
        status = backend.poll_job_status(
            handle,
            loop_until_complete=True,
            on_complete=responses.append,
            progress_callback=lambda *look: looks.append(look),
        )
        assert status is JobStatus.COMPLETED
        assert [attempt for attempt, _ in looks] == list(range(1, len(looks) + 1))
        assert {text for _, text in looks} <= {"PENDING", "RUNNING"}
        assert [(response.status_code, response.json()["status"]) for response in responses] == [(200, "COMPLETED")]

    def test_a_single_look_at_an_ended_job_completes_too(self, backend: _Backend) -> None:
        """`on_complete` is called by every poll that finds the job ended."""
        handle = backend.submit_circuits({"bell": _BELL})
        backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        responses: list[Any] = []
        backend.poll_job_status(handle, on_complete=responses.append)
        assert len(responses) == 1

    def test_an_event_ends_the_loop_and_leaves_the_job(self, backend: _Backend) -> None:
        """A terminal status takes precedence over the event."""
        handle = backend.submit_circuits(slow_circuits(4))
        event = threading.Event()
        with pytest.raises(ExecutionCancelledError):
            backend.poll_job_status(
                handle, loop_until_complete=True, progress_callback=lambda *_: event.set(), cancellation_event=event
            )
        assert backend.poll_job_status(handle) in {JobStatus.PENDING, JobStatus.RUNNING}
        backend.cancel_job(handle)
        assert (
            backend.poll_job_status(handle, loop_until_complete=True, cancellation_event=event) is JobStatus.CANCELLED
        )

    def test_cancel_ends_the_job_for_good(self, backend: _Backend) -> None:
        """Cancelling again answers 409 and raises nothing."""
        handle = backend.submit_circuits(slow_circuits(40))
        response = backend.cancel_job(handle)
        assert response.status_code == 200
        assert response.json()["circuits_cancelled"] > 0
        assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is JobStatus.CANCELLED
        assert backend.cancel_job(handle).status_code == 409
        entries = backend.get_job_results(handle, partial=True).results or []
        assert len(entries) == 40
        assert {"cancelled"} == {entry["error"]["code"] for entry in entries if "error" in entry}

    def test_cancel_of_an_ended_job_keeps_its_results(self, backend: _Backend) -> None:
        handle = backend.submit_circuits({"bell": _BELL})
        backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
        assert backend.cancel_job(handle).status_code == 409
        assert backend.poll_job_status(handle) is JobStatus.COMPLETED
        assert len(backend.get_job_results(handle).results or []) == 1

    def test_cancel_leaves_other_jobs_alone(self, backend: _Backend) -> None:
        """Cancelling frees the workers for other jobs."""
        slow = backend.submit_circuits(slow_circuits(40))
        quick = backend.submit_circuits({"bell": _BELL})
        backend.cancel_job(slow)
        assert backend.poll_job_status(quick, loop_until_complete=True, verbose=False) is JobStatus.COMPLETED

    def test_results_of_an_open_job_are_an_error(self, backend: _Backend) -> None:
        """With `partial` the results so far are returned."""
        handle = backend.submit_circuits(slow_circuits(4))
        with pytest.raises(JobNotCompletedError):
            backend.get_job_results(handle)
        assert len(backend.get_job_results(handle, partial=True).results or []) <= 4
        backend.cancel_job(handle)

    def test_a_handle_without_an_id_is_a_value_error(self, backend: _Backend) -> None:
        for ask in (backend.poll_job_status, backend.get_job_results, backend.cancel_job):
            with pytest.raises(ValueError, match="job_id"):
                ask(ExecutionResult())

    def test_an_unknown_id_is_an_error(self, backend: _Backend) -> None:
        for ask in (backend.poll_job_status, backend.get_job_results, backend.cancel_job):
            with pytest.raises(FarshotError, match="nowhere"):
                ask(ExecutionResult(job_id="nowhere"))

    def test_jobs_of_several_threads_do_not_mix(self, backend: _Backend) -> None:
        batches = [{f"t{number}c{index}": _ONE_OF_THREE for index in range(number + 1)} for number in range(6)]
        with ThreadPoolExecutor(len(batches)) as pool:
            results = list(pool.map(lambda batch: _run(backend, batch), batches))
        assert [[entry["label"] for entry in entries] for entries in results] == [list(batch) for batch in batches]

    def test_jobs_are_listed_and_found(self, backend: _Backend) -> None:
        handle = backend.submit_circuits({"bell": _BELL}, tag="mine")
        backend.submit_circuits({"bell": _BELL})
        job = backend.job(str(handle.job_id))
        assert job.wait(timeout=60) is JobStatus.COMPLETED
        assert [found.id for found in backend.jobs(tag="mine")] == [job.id]
        assert job.id in {found.id for found in backend.jobs(status="COMPLETED")}
        assert [entry["label"] for entry in job.result()] == ["bell"]

    def test_a_job_is_named_by_its_handle_its_id_and_the_beginning_of_it(self, backend: _Backend) -> None:
        """Handles and jobs both have `.id` and `.job_id`. Anything else is a `TypeError`."""
        handle = backend.submit_circuits({"bell": _BELL})
        name = str(handle.job_id)
        for given in (handle, name, name[:10], name[:10].upper(), backend.job(name)):
            job = backend.job(given)
            assert job.id == job.job_id == handle.id == handle.job_id
        asks: list[Callable[..., object]] = [backend.wait, backend.record, backend.poll_job_status]
        for ask in (*asks, backend.get_job_results, backend.cancel_job):
            for given in (handle, name, backend.job(name)):
                ask(given)
            with pytest.raises(TypeError, match="handle"):
                ask(7)
        assert list(backend.ended([handle])) == [name]
        assert [entry["label"] for entry in backend.stream(handle)] == ["bell"]

    @pytest.mark.parametrize("given", ["", "abc", "zzzzzz", "f" * 32, "a b", "\ud800", "0\0", "x" * 5000])
    def test_an_id_that_names_no_job_is_a_lookup_error(self, backend: _Backend, given: str) -> None:
        backend.submit_circuits({"bell": _BELL})
        with pytest.raises(UnknownJobError):
            backend.job(given)

    def test_the_beginning_of_several_ids_is_ambiguous(self, backend: _Backend) -> None:
        """Of seventeen ids two share their first letter; at least four characters are required."""
        for number in range(17):
            backend.submit_circuits({"bell": _BELL}, key=str(number))
        first = sorted(job.id[0] for job in backend.jobs())
        twice = next(letter for letter, other in itertools.pairwise(first) if letter == other)
        with pytest.raises(AmbiguousJobError, match="too short"):
            backend.job(twice)

    def test_running_a_batch_gives_a_job_whose_result_waits(self, backend: _Backend) -> None:
        """Outcomes are read by position, by label, or packed."""
        job = backend.run({"bell": _BELL, "one": _ONE_OF_THREE, "slow": slow_circuits(1)["slow0"]}, shots=100, seed=5)
        result = job.result()
        assert job.status is JobStatus.COMPLETED
        assert len(result) == 3
        assert result.labels == ("bell", "one", "slow")
        assert result.counts("one") == result["one"]["results"] == result[1]["results"] == {"001": 100}
        assert result[-2] == result["one"]
        assert result[:2] == list(result)[:2] == [result["bell"], result["one"]]
        assert result == backend.get_job_results(job.handle).results
        assert "bell" in result  # type: ignore[comparison-overlap]  # a label is looked for among the labels
        assert "bells" not in result  # type: ignore[comparison-overlap]
        packed = result.packed()["one"]
        assert packed.shots == 100
        assert isinstance(packed.outcome, Counts)
        assert unpack(packed.outcome) == {"001": 100}
        assert not result.faults

    def test_one_text_alone_is_a_batch_of_one(self, backend: _Backend) -> None:
        """The label may be left out."""
        assert backend.run(_ONE_OF_THREE, shots=10).result().counts() == {"001": 10}
        assert backend.run(_ONE_OF_THREE, ham_ops="ZII").result().values() == pytest.approx({"ZII": -1.0})

    def test_a_result_says_which_label_and_which_outcome_it_does_not_have(self, backend: _Backend) -> None:
        sampled = backend.run({"a": _ONE_OF_THREE, "b": _ONE_OF_THREE}).result()
        for ask, expected in (
            (sampled.counts, "say which; it has 'a', 'b'"),
            (lambda: sampled["c"], "no outcome of a circuit 'c'"),
            (lambda: sampled.values("a"), "was sampled"),
            (lambda: sampled[2], "none at 2"),
        ):
            with pytest.raises(LookupError, match=expected):
                ask()
        with pytest.raises(LookupError, match="observables"):
            backend.run(_ONE_OF_THREE, ham_ops="Z").result().counts()
        with pytest.raises(CircuitError, match="'circuit' failed"):
            backend.run(_BROKEN).result(partial=True).counts()

    def test_the_result_of_a_job_with_faults_raises_them(self, backend: _Backend) -> None:
        """The message lists the first few and says how to read the rest; the error carries the first hundred."""
        job = backend.run({"good": _BELL, **{f"bad{number}": _BROKEN for number in range(120)}})
        for ask in (job.result, lambda: backend.get_job_results(job.handle)):
            with pytest.raises(JobNotCompletedError, match=r"(?s)partial=True.*'bad0': line 6.*and 115 more") as caught:
                ask()
            assert list(caught.value.faults) == [f"bad{number}" for number in range(100)]
            assert (caught.value.faults["bad3"].code, caught.value.faults["bad3"].line) == ("parse", 6)
        assert len(job.partial()) == 121
        assert len(job.partial().faults) == 120
        assert sum(job.partial().counts("good").values()) == 1000

    @pytest.mark.parametrize(
        "options",
        [
            {},
            {"shots": 37, "seed": 2**63 - 1, "tag": "mine", "priority": 3, "timeout": 1000.0},
            {"shot_groups": [[0, 1, 10], [1, 3, 20]], "seed": 5, "target": "prism"},
            {"ham_ops": "ZZI;XXI|IZI", "circuit_ham_map": [[2, 3], [0, 1]]},
            {"ham_ops": "ZII"},
        ],
    )
    def test_a_job_submitted_again_gives_the_same(self, backend: _Backend, options: dict[str, Any]) -> None:
        """The options, including the seed, and the circuits can be read from the job."""
        circuits = {label: _ONE_OF_THREE.replace("x q[0];", "h q;") for label in ("a", "ü/..", "<b>")}
        job = backend.run(circuits, **options)
        first = job.result()
        assert {name: job.options[name] for name in options} == options
        assert isinstance(job.options["seed"], int)
        assert dict(job.circuits()) == circuits
        again = backend.run(job.circuits(), **job.options)
        assert [entry["results"] for entry in again.result()] == [entry["results"] for entry in first]
        assert again.options == job.options

    def test_a_template_submitted_again_gives_the_same(self, backend: _Backend) -> None:
        """A template can be submitted by its rows or by their texts. A row that has no text fails again."""
        template = _rotated({f"r{number}": [number / 7, -1e-07 * number, 3.0] for number in range(1200)})
        job = backend.run(template, shots=20)
        assert job.result()
        assert job.circuits()["r3"] == template.bind("r3")
        read = job.circuits().template
        rows = {label: tuple(row) for label, row in template.rows.items()}
        assert read == Template(_ROTATED, ("β[0]", "w_0[10]", "unused"), rows)
        assert read is not None
        by_text, by_row = backend.run(job.circuits(), **job.options), backend.run(read, **job.options)
        for again in (by_text, by_row):
            assert [entry["results"] for entry in again.result()] == [entry["results"] for entry in job.result()]
        bad = backend.run(_rotated({"bad": [math.nan, 1.0, 0.0]}))
        assert bad.result(partial=True)["bad"]["error"]["code"] == "admission"
        assert backend.run(bad.circuits(), **bad.options).wait() is JobStatus.FAILED

    def test_a_large_job_is_read_whole(self, backend: _Backend) -> None:
        circuits = {f"c{number}": f"{_BELL}// {'x' * (number * 700)}\n" for number in range(130)}
        job = backend.run(circuits, shots=1)
        assert list(job.circuits().items()) == list(circuits.items())
        job.cancel()

    def test_a_deleted_job_is_gone(self, backend: _Backend) -> None:
        """A running or ended job is deleted with its results; other jobs stay."""
        kept, ended, slow = backend.run(_BELL), backend.run(_BELL), backend.run(slow_circuits(40))
        kept.result()
        ended.result()
        ended.delete()
        backend.delete(slow.handle)
        for job in (ended, slow):
            for ask in (lambda job=job: job.status, job.result, job.partial, job.delete):
                with pytest.raises(UnknownJobError):
                    ask()
        assert [job.id for job in backend.jobs()] == [kept.id]
        assert len(kept.result()) == 1

    def test_a_wait_for_a_job_that_is_deleted_ends(self, backend: _Backend) -> None:
        job = backend.run(slow_circuits(40))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(job.wait)
            job.delete()
            with pytest.raises(UnknownJobError):
                waiting.result()

    def test_a_job_is_pickled_by_its_id_and_a_backend_is_not(self, backend: _Backend) -> None:
        """A pickled job holds only where the job is kept, and no token."""
        job = backend.run(_ONE_OF_THREE, shots=10)
        assert job.result().counts() == {"001": 10}
        packed = pickle.dumps(job)
        assert len(packed) < 1000
        assert b"farshot_" not in packed
        with pytest.raises(TypeError, match="make one in each process"):
            pickle.dumps(backend)
