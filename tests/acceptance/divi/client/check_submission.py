"""What is sent: refusals before anything is stored, calls in order, chunks, templates."""

import json
import random

import pytest
from circuits import BELL, assert_same_distribution, by_label, drawn, finished, measured
from qoro import VERSION, ExecutionResult, local, submit_templates

RX = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\ncreg c[1];\nrx(x) q[0];\nmeasure q -> c;\n'


def noise(bits, seed):
    """Return a comment that no compression makes small."""
    return f"// {random.Random(seed).getrandbits(bits):x}\n"


def bulky(count):
    """Return circuits of 30 kB each; number k flips the qubits of its binary digits."""
    return {
        f"c{number}": measured(8, *(f"x q[{bit}];" for bit in range(8) if number >> bit & 1)) + noise(240_000, number)
        for number in range(count)
    }


def test_r01_submitting_returns_a_handle(service):
    handle = service.submit_circuits({"bell": BELL})
    assert isinstance(handle, ExecutionResult)
    assert isinstance(handle.job_id, str)
    assert handle.results is None


def test_r19_labels_and_order_are_kept_over_several_pages(service):
    circuits = {f"('prog', {number})/spec:0/é {number}": drawn(2, 1, number) for number in range(250)}
    assert [entry["label"] for entry in finished(service, service.submit_circuits(circuits))] == list(circuits)


def test_r19_labels_and_order_are_kept_over_several_chunks(service, relay):
    circuits = bulky(120)
    found = finished(service, service.submit_circuits(circuits))
    assert len(relay.calls("add_circuits/")) >= 3
    assert sum(map(len, relay.calls("add_circuits/"))) > 2**20
    assert [entry["label"] for entry in found] == list(circuits)
    assert [entry["results"] for entry in found] == [{f"{number:08b}": 1000} for number in range(120)]


def test_a_circuit_larger_than_a_chunk_is_taken(service, relay):
    found = finished(service, service.submit_circuits({"large": BELL + noise(16_000_000, 1)}))
    assert max(map(len, relay.calls("add_circuits/"))) > 2**20
    assert set(found[0]["results"]) == {"00", "11"}


@pytest.mark.parametrize("ham_map", [[[0, 1]], [[0, 1], [1, 2], [2, 3]]])
def test_r29_as_many_ranges_as_groups(service, ham_map):
    with pytest.raises(ValueError, match="circuit_ham_map"):
        service.submit_circuits({"a": BELL, "b": BELL}, ham_ops="ZZ|XX", circuit_ham_map=ham_map)


@pytest.mark.parametrize("ham_ops", ["ZZ;Z", "ZA", "ZZ;"])
def test_r30_wrong_terms_are_refused(service, ham_ops):
    with pytest.raises(ValueError, match=r"(?i)ham|pauli"):
        service.submit_circuits({"a": BELL}, ham_ops=ham_ops)


def test_r31_observables_and_shot_groups_exclude_each_other(service):
    with pytest.raises(ValueError, match="shot_groups"):
        service.submit_circuits({"a": BELL}, ham_ops="ZZ", shot_groups=[[0, 1, 10]])


def test_r32_observables_need_their_type_of_job(service):
    from qoro import MODULE

    with pytest.raises(ValueError, match="EXPECTATION"):
        service.submit_circuits({"a": BELL}, ham_ops="ZZ", job_type=MODULE.JobType.EXECUTE)


@pytest.mark.parametrize("groups", [[[0, 1, 10]], [[0, 1, 10], [1, 2, 0]], [[0, 2, 10], [1, 2, 10]]])
def test_r33_shot_groups_must_tile_the_batch(service, groups):
    with pytest.raises(ValueError, match=r"."):
        service.submit_circuits({"a": BELL, "b": BELL}, shot_groups=groups)


def test_r34_shot_groups_are_counted_anew_in_each_chunk(service, relay):
    circuits = bulky(90)
    handle = service.submit_circuits(circuits, shot_groups=[[0, 10, 7], [10, 55, 11], [55, 90, 13]])
    found = [sum(entry["results"].values()) for entry in finished(service, handle)]
    sent = [json.loads(body)["shot_groups"] for body in relay.calls("add_circuits/")]
    assert len(sent) > 1
    assert all(groups[0][0] == 0 for groups in sent)
    assert found == [7] * 10 + [11] * 45 + [13] * 35


def test_groups_of_observables_reach_over_chunks(service, relay):
    options = {"ham_ops": "ZIIIIIII|IIIIIIZI;IIIIIIIZ", "circuit_ham_map": [[0, 50], [50, 90]]}
    found = finished(service, service.submit_circuits(bulky(90), **options))
    assert len(relay.calls("add_circuits/")) > 1
    for number, entry in enumerate(found):
        wanted = (0,) if number < 50 else (6, 7)
        assert list(entry["results"].values()) == [1 - 2 * (number >> bit & 1) for bit in wanted]


def test_r35_wrong_text_is_refused_before_any_request(service, relay):
    with pytest.raises(ValueError, match=r"(?i)qasm"):
        service.submit_circuits({"a": "OPENQASM 2.0;\nqreg q[;\n"})
    assert not relay.calls("init/")


def test_r36_every_row_is_a_circuit_under_its_label(service):
    rows = {f"row {number}": [number / 10] for number in range(230)}
    found = finished(service, submit_templates(service, [(RX, ["x"], rows)], ham_ops="Z"))
    assert [entry["label"] for entry in found] == list(rows)
    wanted = local({label: RX.replace("x)", f"{value})") for label, (value,) in rows.items()}, ham_ops="Z")
    assert by_label(found) == {label: pytest.approx(values, abs=1e-6) for label, values in wanted.items()}


def test_a_template_of_many_rows_is_split_over_calls(service, relay):
    draw = random.Random(3)
    rows = {f"row {number}": [draw.uniform(-9, 9)] for number in range(30_000)}
    handle = submit_templates(service, [(RX, ["x"], rows)])
    sent = relay.calls("add_circuits/")
    assert len(sent) > 1
    assert not any("circuits" in json.loads(body) for body in sent)
    service.delete_job(handle)


@pytest.mark.parametrize("rows", [{"a": [0.1, 0.2]}, {"a": []}])
def test_r37_a_row_has_a_number_for_every_parameter(service, rows):
    with pytest.raises((ValueError, TypeError)):
        submit_templates(service, [(RX, ["x"], rows)])


@pytest.mark.parametrize(
    "options",
    [{"ham_ops": "Z", "circuit_ham_map": [[0, 1]]}, {"shot_groups": [[0, 1, 5]]}, {"ham_ops": "Z|X"}],
    ids=["map", "shot_groups", "groups"],
)
def test_r38_a_template_takes_no_groups(service, options):
    with pytest.raises(ValueError, match="not supported"):
        submit_templates(service, [(RX, ["x"], {"a": [0.1]})], **options)


def test_r39_only_the_last_call_makes_the_job_whole(service, relay):
    service.delete_job(service.submit_circuits(bulky(90)))
    finalized = [json.loads(body)["finalized"] for body in relay.calls("add_circuits/")]
    assert finalized == ["false"] * (len(finalized) - 1) + ["true"]


@pytest.mark.only("b")
def test_r40_an_empty_batch_is_refused(service):
    with pytest.raises(ValueError, match="at least one"):
        service.submit_circuits({})


@pytest.mark.only("b")
def test_r41_mappings_sequences_and_circuits_are_taken(make_service):
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit.from_qasm_str(BELL)
    service = make_service(shots=4000)
    wanted = local({"bell": BELL}, shots=4000)["bell"]
    for given, labels in (([BELL, BELL], ["0", "1"]), ({"a": circuit}, ["a"]), ([circuit], ["0"])):
        found = by_label(finished(service, service.submit_circuits(given)))
        assert list(found) == labels
        assert_same_distribution(found[labels[0]], wanted)


@pytest.mark.only("b")
def test_r41_a_bare_circuit_is_refused(service):
    from qiskit import QuantumCircuit

    for bare in (BELL, QuantumCircuit.from_qasm_str(BELL)):
        with pytest.raises(TypeError):
            service.submit_circuits(bare)


def test_r43_shots_are_positive(make_service):
    for shots in (0, -5):
        with pytest.raises(ValueError, match=r"(?i)shots"):
            make_service(shots=shots)


def test_r45_unknown_options(service):
    if VERSION == "b":
        with pytest.raises(TypeError):
            service.submit_circuits({"a": BELL}, colour="red")
    else:
        assert service.submit_circuits({"a": BELL}, colour="red").job_id
