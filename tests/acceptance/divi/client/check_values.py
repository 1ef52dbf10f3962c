"""What comes back: the order of bits and qubits, sums, groups; all of it as Divi's own simulator has it."""

import base64

import pytest
from circuits import BELL, HEAD, assert_same_distribution, by_label, drawn, finished, measured, terms
from qoro import VERSION, local, submit_templates


def test_sampling_agrees_with_the_local_simulator(make_service):
    circuits = {f"drawn {seed}": drawn(4, 3, seed) for seed in range(6)}
    service = make_service(shots=4000)
    found, wanted = by_label(finished(service, service.submit_circuits(circuits))), local(circuits, shots=4000)
    assert list(found) == list(circuits)
    for label in circuits:
        assert_same_distribution(found[label], wanted[label])


def test_values_agree_with_the_local_simulator(service):
    circuits = {f"drawn {seed}": drawn(5, 4, seed) for seed in range(6)}
    ham_ops = terms(5, 20, seed=1)
    found = by_label(finished(service, service.submit_circuits(circuits, ham_ops=ham_ops)))
    wanted = local(circuits, ham_ops=ham_ops)
    for label in circuits:
        assert found[label] == pytest.approx(wanted[label], abs=1e-6)


def test_values_in_groups_agree_with_the_local_simulator(service):
    circuits = {f"drawn {seed}": drawn(4, 3, seed) for seed in range(6)}
    options = {"ham_ops": f"{terms(4, 5, 2)}|{terms(4, 7, 3)}", "circuit_ham_map": [[0, 2], [2, 6]]}
    found = by_label(finished(service, service.submit_circuits(circuits, **options)))
    wanted = local(circuits, **options)
    for label in circuits:
        assert found[label] == pytest.approx(wanted[label], abs=1e-6)


def test_shot_groups_agree_with_the_local_simulator(service):
    circuits = {f"drawn {seed}": drawn(3, 3, seed) for seed in range(4)}
    groups = [[0, 1, 500], [1, 4, 3000]]
    found = by_label(finished(service, service.submit_circuits(circuits, shot_groups=groups)))
    wanted = local(circuits, shot_groups=groups)
    for label in circuits:
        assert_same_distribution(found[label], wanted[label])


TEMPLATE = HEAD + (
    "qreg q[3];\ncreg c[3];\nh q[0];\nrx(1*β[0]) q[0];\nry(2*θ[0]) q[1];\nrz(-x) q[0];\ncx q[0],q[1];\n"
    "ry(w_0[10]) q[2];\ncz q[1],q[2];\nrx(w_0[1]) q[2];\nmeasure q -> c;\n"
)
NAMES = ["β[0]", "θ[0]", "x", "w_0[10]", "w_0[1]"]
ROWS = {
    "plain": [0.25, 1.5, -0.75, 2.0, 0.5],
    "negative": [-0.3, -2.5, 0.125, -1.0, -3.0],
    "tiny": [1e-07, -1e-07, 5e-324, 3.0, -1e-300],
}


def bound(row):
    """Put the numbers of a row into the text, as Divi's own simulator reads them."""
    text = TEMPLATE
    for name, value in sorted(zip(NAMES, row, strict=True), key=lambda pair: -len(pair[0])):
        written = f"{value:.12f}"
        text = text.replace(f"-{name}", f"{-value:.12f}").replace(f"1*{name}", written)
        text = text.replace(f"2*{name}", f"{2 * value:.12f}").replace(f"({name})", f"({written})")
    return text


def test_templates_agree_with_the_local_simulator(service):
    ham_ops = terms(3, 12, seed=4)
    found = by_label(finished(service, submit_templates(service, [(TEMPLATE, NAMES, ROWS)], ham_ops=ham_ops)))
    wanted = local({label: bound(row) for label, row in ROWS.items()}, ham_ops=ham_ops)
    assert list(found) == list(ROWS)
    for label in ROWS:
        assert found[label] == pytest.approx(wanted[label], abs=1e-6)


def test_several_templates_make_one_job(make_service):
    other = TEMPLATE.replace("h q[0];", "s q[1];")
    rows = {f"other {label}": row for label, row in ROWS.items()}
    service = make_service(shots=4000)
    handle = submit_templates(service, [(TEMPLATE, NAMES, ROWS), (other, NAMES, rows)])
    found = by_label(finished(service, handle))
    circuits = {label: bound(row) for label, row in ROWS.items()}
    circuits |= {label: bound(row).replace("h q[0];", "s q[1];") for label, row in rows.items()}
    wanted = local(circuits, shots=4000)
    assert list(found) == list(circuits)
    for label in circuits:
        assert_same_distribution(found[label], wanted[label])


def test_r21_the_first_bit_is_the_rightmost(service):
    assert finished(service, service.submit_circuits({"x": measured(3, "x q[0];")}))[0]["results"] == {"001": 1000}


def test_r22_keys_have_every_bit(service):
    circuit = HEAD + "qreg q[2];\ncreg c[5];\nx q[0];\nmeasure q[0] -> c[1];\n"
    assert finished(service, service.submit_circuits({"x": circuit}))[0]["results"] == {"00010": 1000}


@pytest.mark.parametrize("width", [63, 64, 65, 128, 255, 256, 300])
def test_r23_wide_results_are_right(service, width):
    ones = [0, 1, 62, width - 1]
    circuit = measured(width, f"h q[{width // 2}];", *(f"x q[{qubit}];" for qubit in sorted(set(ones))))
    found = finished(service, service.submit_circuits({"wide": circuit}))[0]["results"]
    fixed = "".join("1" if qubit in ones else "0" for qubit in reversed(range(width)))
    place = width - 1 - width // 2
    wanted = {fixed[:place] + bit + fixed[place + 1 :] for bit in "01"}
    assert set(found) == wanted
    assert sum(found.values()) == 1000


@pytest.mark.only("a")
def test_what_an_older_client_cannot_unpack_comes_plain(service, relay):
    handle = service.submit_circuits({"wide": measured(256, "x q[255];")})
    finished(service, handle)
    answer = service._make_request("get", f"job/{handle.job_id}/resultsV2/?limit=100&offset=0").json()
    assert answer["results"][0]["results"] == {"1" + "0" * 255: 1000}
    assert relay.seen


@pytest.mark.only("b")
def test_wide_counts_travel_packed(service):
    handle = service.submit_circuits({"wide": measured(300, "x q[299];")})
    assert finished(service, handle)[0]["results"] == {"1" + "0" * 299: 1000}
    answer = service._make_request("get", f"job/{handle.job_id}/resultsV2/?limit=100&offset=0").json()
    packed = answer["results"][0]["results"]
    assert (packed["encoding"], packed["n_bits"]) == ("qh2", 300)


def test_counts_travel_packed(service):
    handle = service.submit_circuits({"bell": BELL})
    finished(service, handle)
    answer = service._make_request("get", f"job/{handle.job_id}/resultsV2/?limit=100&offset=0").json()
    packed = answer["results"][0]["results"]
    assert (packed["encoding"], packed["n_bits"]) == ("qh1", 2)
    assert base64.b64decode(packed["payload"]).startswith(b"QH1\x02")


def test_r24_counts_are_positive_and_sum_to_the_shots(make_service):
    service = make_service(shots=777)
    for entry in finished(service, service.submit_circuits({str(seed): drawn(6, 3, seed) for seed in range(5)})):
        assert sum(entry["results"].values()) == 777
        assert all(type(count) is int and count > 0 for count in entry["results"].values())


def test_r25_values_are_named_by_the_terms_that_were_sent(service):
    found = finished(service, service.submit_circuits({"bell": BELL}, ham_ops="ZZ;XI;IY;II"))[0]["results"]
    assert list(found) == ["ZZ", "XI", "IY", "II"]


def test_r25_short_terms_act_on_the_first_qubits(service):
    circuit = measured(3, "x q[0];")
    found = finished(service, service.submit_circuits({"x": circuit}, ham_ops="Z"))[0]["results"]
    assert found == pytest.approx({"Z": -1.0} if VERSION == "a" else {"ZII": -1.0})


def test_r26_the_first_letter_is_the_first_qubit(service):
    circuit = measured(3, "x q[0];", "h q[1];")
    found = finished(service, service.submit_circuits({"x": circuit}, ham_ops="ZII;IXI;IIZ"))[0]["results"]
    assert found == pytest.approx({"ZII": -1.0, "IXI": 1.0, "IIZ": 1.0})


def test_r27_the_identity_is_one(service):
    found = finished(service, service.submit_circuits({"x": drawn(3, 3, 0)}, ham_ops="III"))[0]["results"]
    assert found == pytest.approx({"III": 1.0})


def test_r28_a_circuit_has_the_terms_of_its_group(service):
    circuits = {"a": BELL, "b": BELL, "c": BELL}
    handle = service.submit_circuits(circuits, ham_ops="ZZ;XX|YY", circuit_ham_map=[[0, 1], [1, 3]])
    found = by_label(finished(service, handle))
    assert found["a"] == pytest.approx({"ZZ": 1.0, "XX": 1.0})
    assert found["b"] == found["c"] == pytest.approx({"YY": -1.0})


def test_r28_a_circuit_outside_every_range_has_all_terms(service):
    circuits = {"a": BELL, "b": BELL, "c": BELL}
    handle = service.submit_circuits(circuits, ham_ops="ZZ|YY", circuit_ham_map=[[0, 1], [2, 3]])
    found = by_label(finished(service, handle))
    assert [list(found[label]) for label in circuits] == [["ZZ"], ["ZZ", "YY"], ["YY"]]
    handle = service.submit_circuits({"a": BELL, "b": BELL}, ham_ops="ZZ|YY")
    assert by_label(finished(service, handle))["b"] == pytest.approx({"ZZ": 1.0, "YY": -1.0})
