"""What the client asks beside its jobs, what it keeps to itself, and what becomes of lost answers."""

import os

import pytest
import requests
from circuits import BELL, by_label, finished, slow
from divi.backends import CircuitRunner
from qoro import VERSION, ExecutionResult, QoroService, job_config


def test_r42_depths_are_tracked_when_asked_for(make_service):
    assert make_service().depth_history == []
    service = make_service(track_depth=True)
    for batch in ({"a": BELL}, {"a": BELL, "b": BELL}):
        service.submit_circuits(batch)
    history = service.depth_history
    assert [len(depths) for depths in history] == [1, 2]
    history.clear()
    assert len(service.depth_history) == 2
    assert service.std_depth() == 0.0
    service.clear_depth_history()
    assert service.depth_history == []
    assert issubclass(QoroService, CircuitRunner)


def test_r44_a_handle_is_frozen_and_knows_what_it_is():
    handle = ExecutionResult(job_id="1")
    with pytest.raises(AttributeError):
        handle.job_id = "2"
    table = [(handle, True), (ExecutionResult(results=[]), False), (ExecutionResult(results=[], job_id="1"), False)]
    assert [each.is_async() for each, _ in table] == [wanted for _, wanted in table]


def test_r46_the_token_is_an_argument_or_from_the_environment(service, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("QORO_API_KEY", raising=False)
    with pytest.raises(ValueError, match="key"):
        QoroService()
    good = service.auth_token.removeprefix("Bearer ")
    monkeypatch.setenv("QORO_API_KEY", good)
    assert QoroService().auth_token == service.auth_token
    (tmp_path / ".env").write_text("QORO_API_KEY=wrong\n")
    for refused in (QoroService, lambda: QoroService("wrong")):
        with pytest.raises(requests.HTTPError, match=r"^401 ") as caught:
            refused()
        assert caught.value.response.status_code == 401


def test_the_connection_and_the_systems(service):
    assert service.test_connection().status_code == 200
    assert service.fetch_qpu_systems() == []
    names = [cluster.name for cluster in service.fetch_simulator_clusters()]
    assert names[0] == "qoro_maestro"
    assert {"auto", "prism", "prism:mps"} <= set(names)
    if VERSION == "b":
        assert service.fetch_vendor_blueprints() == {}


def test_a_cluster_is_a_target(make_service):
    make_service()
    service = make_service(job_config=job_config(shots=100, simulator_cluster="prism:statevector"))
    entry = finished(service, service.submit_circuits({"bell": BELL}))[0]
    assert (entry["metadata"]["simulator"], entry["metadata"]["method"]) == ("prism", "statevector")


def test_credits_count_the_shots(make_service):
    service = make_service(shots=50)
    before = service.get_credit_balance()
    handle = service.submit_circuits({"a": BELL, "b": BELL})
    after = service.get_credit_balance()
    assert int(after["total_used"]) - int(before["total_used"]) == 100
    assert float(before["balance"]) - float(after["balance"]) == 100
    assert {"created_at", "updated_at"} <= set(after)
    page = service.get_credit_transactions(page=1, page_size=1)
    assert page["total_pages"] == page["count"] >= 1
    assert page["previous"] is None
    newest = page["results"][0]
    assert (newest["job_id"], newest["amount"], newest["balance_after"]) == (handle.job_id, "-100", after["balance"])


def test_characterising_is_not_offered(service, relay):
    states = {"target_states" if VERSION == "a" else "reference_states": ["01"]}
    with pytest.raises(requests.HTTPError, match=r"^501 .*QUBO"):
        service.characterize_and_validate({"0,1": 1.0}, **states)
    assert not relay.calls("submit_qubo/")


@pytest.mark.only("a")
def test_a_repeated_beginning_leaves_nothing_that_runs(service, relay):
    relay.lost.append("job/init/")
    handle = service.submit_circuits({"bell": BELL})
    assert len(relay.calls("job/init/")) == 2
    assert list(by_label(finished(service, handle))) == ["bell"]


@pytest.mark.only("a")
def test_repeated_circuits_are_there_once(service, relay):
    relay.lost += ["add_circuits/"]
    handle = service.submit_circuits({"a": BELL, "b": BELL})
    assert len(relay.calls("add_circuits/")) == 2
    assert list(by_label(finished(service, handle))) == ["a", "b"]


@pytest.mark.only("a")
def test_repeated_circuits_of_a_large_job_are_there_once(service, relay):
    from check_submission import bulky

    relay.lost += ["add_circuits/", "add_circuits/"]
    handle = service.submit_circuits(bulky(60))
    sent = relay.calls("add_circuits/")
    assert len(sent) == len(set(sent)) + 2
    assert list(by_label(finished(service, handle))) == [f"c{number}" for number in range(60)]


@pytest.mark.only("a")
def test_a_repeated_cancel_is_answered(service, relay):
    handle = service.submit_circuits({"slow": slow()})
    relay.lost.append("cancel/")
    assert service.cancel_job(handle).json()["circuits_cancelled"] == 1
    assert len(relay.calls("cancel/")) == 2


@pytest.mark.only("b")
def test_a_newer_client_says_that_an_answer_was_lost(service, relay):
    relay.lost.append("add_circuits/")
    with pytest.raises(requests.ConnectionError):
        service.submit_circuits({"bell": BELL})
    assert len(relay.calls("add_circuits/")) == 1


def test_a_lost_look_is_repeated(service, relay):
    relay.lost += ["status/", "resultsV2/"]
    assert list(by_label(finished(service, service.submit_circuits({"bell": BELL})))) == ["bell"]


def test_users_do_not_see_each_other(service):
    other = QoroService(os.environ["DIVI_OTHER_TOKEN"], job_config=job_config(), polling_interval=0.05)
    handle = service.submit_circuits({"bell": BELL})
    for call in (other.poll_job_status, other.get_job_results, other.cancel_job, other.delete_job):
        with pytest.raises(requests.HTTPError, match=r"^404 "):
            call(handle)


@pytest.mark.usefixtures("service")
def test_a_queue_that_is_full_is_told_at_once():
    """The older client would wait in silence where it were told when to try again."""
    few = QoroService(os.environ["DIVI_FEW_TOKEN"], job_config=job_config(shots=100), polling_interval=0.05)
    with pytest.raises(requests.HTTPError, match=r"^429 .*circuits that wait or run"):
        few.submit_circuits({"a": BELL, "b": BELL})


@pytest.mark.usefixtures("service")
def test_a_quota_is_one_for_both_apis():
    poor = QoroService(os.environ["DIVI_POOR_TOKEN"], job_config=job_config(shots=100), polling_interval=0.05)
    assert poor.get_credit_balance()["balance"] == "150"
    finished(poor, poor.submit_circuits({"bell": BELL}))
    with pytest.raises(requests.HTTPError, match=r"^429 "):
        poor.submit_circuits({"bell": BELL})
