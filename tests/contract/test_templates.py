"""Templates through `LocalBackend`: whatever runs a row, it gives what its bound circuit gives."""

import pytest

import farshot

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\n'
STATIC = HEAD + "ry(β[0]) q;\ncx q[0],q[1];\nrz(2*β[0]-w_0[10]/3) q[1];\nrx(sin(w_0[10])) q[2];\nmeasure q -> c;\n"
DYNAMIC = HEAD + "ry(β[0]) q[0];\nmeasure q[0] -> c[0];\nif(c==1) rx(-w_0[10]) q[1];\nreset q[0];\nmeasure q -> c;\n"
NAMES = ["β[0]", "w_0[10]"]
ROWS = {f"row {number}": [number / 3 - 5, 1e-07 * 3**number] for number in range(30)}


@pytest.fixture(scope="module")
def backend(tmp_path_factory):
    with farshot.LocalBackend(data_dir=tmp_path_factory.mktemp("store"), workers=2, polling_interval=0.05) as backend:
        yield backend


def run(backend, circuits, **options):
    handle = backend.submit_circuits(circuits, seed=3, shots=200, **options)
    assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is farshot.JobStatus.COMPLETED
    entries = backend.get_job_results(handle).results
    return [(entry["label"], entry["results"], entry["metadata"]["simulator"]) for entry in entries]


@pytest.mark.parametrize("text", [STATIC, DYNAMIC])
@pytest.mark.parametrize("target", ["auto", "prism", "aer"])
def test_rows_give_what_their_bound_circuits_give(backend, text, target):
    template = farshot.Template(text, NAMES, ROWS)
    bound = {label: template.bind(label) for label in ROWS}
    assert run(backend, template, target=target) == run(backend, bound, target=target)


def test_a_bare_name_is_as_good_as_one_with_an_index(backend):
    plain = farshot.Template(STATIC.replace("β[0]", "beta").replace("w_0[10]", "w"), ["beta", "w"], ROWS)
    assert run(backend, plain) == run(backend, farshot.Template(STATIC, NAMES, ROWS))


def test_every_row_of_a_broken_template_says_where(backend):
    template = farshot.Template(HEAD + "ry(2*unknown) q[0];\nmeasure q -> c;", NAMES, dict(list(ROWS.items())[:3]))
    handle = backend.submit_circuits(template)
    assert backend.poll_job_status(handle, loop_until_complete=True, verbose=False) is farshot.JobStatus.FAILED
    entries = backend.get_job_results(handle, partial=True).results
    assert [entry["label"] for entry in entries] == list(template.rows)[:3]
    assert {(entry["error"]["code"], entry["error"]["line"], entry["error"]["column"]) for entry in entries} == {
        ("parse", 5, 6)
    }
