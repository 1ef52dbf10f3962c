"""How jobs end, what is left of them, and what several of them do to each other."""

import threading

import pytest
import requests
from circuits import BELL, by_label, drawn, finished, measured, slow, status_of, wait
from qoro import INSTALLED, MODULE, VERSION, ExecutionResult, JobStatus, QoroService, job_config

FAILING = {"good": BELL, "bad": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\n'}
"""The second one measures nothing, so that there is nothing to sample."""


def refused(status):
    return pytest.raises(requests.HTTPError, match=rf"^{status} ")


@pytest.fixture
def failed(service):
    handle = service.submit_circuits(FAILING)
    if VERSION == "a":
        assert wait(service, handle) is JobStatus.FAILED
    else:
        with pytest.raises(MODULE.JobFailedError):
            wait(service, handle)
    return handle


def test_r11_a_cancelled_job_stays_cancelled(service, begun):
    answer = service.cancel_job(begun)
    assert answer.json() == {"status": "cancelled", "job_id": begun.job_id, "circuits_cancelled": 8}
    for _ in range(3):
        assert status_of(service, begun) is JobStatus.CANCELLED


def test_r12_cancelling_again_is_answered_as_the_first_time(service, begun):
    answers = [service.cancel_job(begun) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


def test_r13_a_completed_job_is_not_cancelled(service):
    handle = service.submit_circuits({"bell": BELL})
    before = finished(service, handle)
    with refused(409) as caught:
        service.cancel_job(handle)
    assert caught.value.response.status_code == 409
    assert service.get_job_results(handle).results == before


def test_r14_an_unknown_job_is_not_cancelled(service):
    with refused(404):
        service.cancel_job(ExecutionResult(job_id="f" * 32))


def test_r15_a_handle_without_an_id_is_refused(service):
    for call in (service.poll_job_status, service.get_job_results, service.cancel_job, service.delete_job):
        with pytest.raises(ValueError, match="job_id"):
            call(ExecutionResult(results=[]))


def test_r16_results_are_there_once_the_job_is_completed(service, begun):
    with refused(400):
        service.get_job_results(begun)
    service.cancel_job(begun)
    with refused(400):
        service.get_job_results(begun)


def test_r17_results_come_in_a_new_object(service):
    handle = service.submit_circuits({"bell": BELL})
    wait(service, handle)
    found = service.get_job_results(handle)
    assert found is not handle
    assert (handle.results, found.job_id) == (None, handle.job_id)
    assert not found.is_async()


def test_r18_fetching_twice_is_equal(service):
    handle = service.submit_circuits({str(seed): drawn(4, 3, seed) for seed in range(120)})
    assert finished(service, handle) == service.get_job_results(handle).results


def test_r20_a_page_that_fails_fails_the_fetch(service, relay):
    handle = service.submit_circuits({str(number): BELL for number in range(250)})
    wait(service, handle)
    relay.broken.append("offset=100")
    with refused(500):
        service.get_job_results(handle)
    relay.broken.clear()
    assert len(service.get_job_results(handle).results) == 250


@pytest.mark.only("a")
def test_r47_a_configuration_is_readable_and_is_fixed_once_the_job_has_begun(make_service):
    from divi.backends import ExecutionConfig, SimulationMethod, Simulator

    config = ExecutionConfig(simulator=Simulator.QCSim, simulation_method=SimulationMethod.Statevector)
    service = make_service(execution_config=config)
    handle = service.submit_circuits({"bell": BELL})
    assert finished(service, handle)[0]["metadata"]["method"] == "statevector"
    assert service.get_execution_config(handle) == config
    with refused(409):
        service.set_execution_config(handle, config)
    with refused(404):
        plain = make_service()
        plain.get_execution_config(plain.submit_circuits({"bell": BELL}))


@pytest.mark.only("a")
def test_r47_a_waiting_job_takes_another_configuration(service, begun):
    from divi.backends import ExecutionConfig, SimulationMethod

    config = ExecutionConfig(simulation_method=SimulationMethod.MatrixProductState, api_meta={"max_execution_time": 60})
    handle = service.submit_circuits({"bell": BELL})
    answer = service.set_execution_config(handle, config)
    assert (answer["status"], answer["job_id"]) == ("ok", handle.job_id)
    assert service.get_execution_config(handle) == config
    service.cancel_job(begun)
    assert finished(service, handle)[0]["metadata"]["method"] == "mps"


@pytest.mark.only("a")
@pytest.mark.parametrize("name", ["bond_dimension", "truncation_threshold", "api_meta"])
def test_an_option_without_a_counterpart_is_refused_by_name(make_service, name):
    from divi.backends import ExecutionConfig

    value = {"bond_dimension": 4, "truncation_threshold": 0.1, "api_meta": {"optimization_level": 3}}[name]
    with refused(400) as caught:
        make_service(execution_config=ExecutionConfig(**{name: value})).submit_circuits({"bell": BELL})
    assert name in str(caught.value)


@pytest.mark.only("b")
def test_r47_the_settings_of_maestro_are_readable(make_service):
    import maestro
    from divi.backends import MaestroConfig

    config = MaestroConfig(simulation_type=maestro.SimulationType.MatrixProductState, seed=7)
    service = make_service(maestro_config=config)
    handles = [service.submit_circuits({"bell": BELL}) for _ in range(2)]
    first, second = [finished(service, handle)[0] for handle in handles]
    assert first["metadata"]["method"] == "mps"
    assert first["results"] == second["results"]
    assert service.get_maestro_config(handles[0]) == config
    assert service.get_device_config(handles[0]) is None
    plain = make_service()
    assert plain.get_maestro_config(plain.submit_circuits({"bell": BELL})) is None


@pytest.mark.only("b")
@pytest.mark.parametrize("name", ["max_bond_dimension", "noise_model", "noise_seed", "simulation_type"])
def test_a_setting_without_a_counterpart_is_refused_by_name(make_service, name):
    import maestro
    from divi.backends import MaestroConfig

    noise = maestro.NoiseModel()
    noise.set_depolarizing(0, 0.01)
    values = {"max_bond_dimension": 4, "noise_model": noise, "noise_seed": 3}
    value = values.get(name, maestro.SimulationType.PauliPropagator)
    with refused(400) as caught:
        make_service(maestro_config=MaestroConfig(**{name: value})).submit_circuits({"bell": BELL})
    assert name in str(caught.value)


def test_r48_a_deleted_job_is_gone(service):
    handle = service.submit_circuits({"bell": BELL})
    assert service.delete_job(handle).status_code == 204
    for call in (service.poll_job_status, service.get_job_results, service.cancel_job, service.delete_job):
        with refused(404):
            call(handle)


def test_r49_a_failed_job_has_no_results_and_is_not_cancelled(service, failed):
    with refused(400):
        service.get_job_results(failed)
    with refused(409):
        service.cancel_job(failed)


def test_r51_the_run_time_is_a_number(service):
    handle = service.submit_circuits({"bell": BELL})
    wait(service, handle)
    assert service._make_request("get", f"job/{handle.job_id}/status/").json()["run_time"] > 0
    if VERSION == "b":
        assert service.get_job_results(handle).run_time > 0


def test_r52_jobs_of_several_threads_do_not_mix(service):
    found = {}

    def run(number):
        circuit = measured(4, *(f"x q[{bit}];" for bit in range(4) if number >> bit & 1))
        handle = service.submit_circuits({f"{number} {place}": circuit for place in range(30)})
        found[number] = finished(service, handle)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, results in found.items():
        wanted = {f"{number} {place}": {f"{number:04b}": 1000} for place in range(30)}
        assert by_label(results) == wanted


def test_another_thread_may_cancel(service):
    handle = service.submit_circuits({"slow": slow()})
    threading.Timer(0.1, service.cancel_job, (handle,)).start()
    if VERSION == "a":
        assert wait(service, handle) is JobStatus.CANCELLED
    else:
        with pytest.raises(MODULE.JobCancelledError):
            wait(service, handle)


def test_the_versions_are_those_that_are_served():
    assert INSTALLED in {"0.12.1", "0.15.1"}
    assert job_config().simulator_cluster is not None
    assert QoroService.__module__ == MODULE.__name__
