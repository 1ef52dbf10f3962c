"""Hostile and odd inputs: each fails alone and says why, or is answered right."""

import contextlib
import io
import json
import logging
import math
import os
import re

import pytest
from qiskit import qasm2
from qiskit_aer import AerSimulator

import farshot
from hostile import ALL, MANIFEST, TEXTS, content
from samples import BELL

GOOD = {f"good{number}": BELL for number in range(9)}
SHOTS = 1000
TIMEOUT = 60
SLACK = 2
CANARY = "canary4711"
CODES = {"parse", "unsupported", "admission", "memory", "timeout", "crash"}

BELL_KEYS = {"00", "11"}
SINGLE = {
    "bom_q3": BELL_KEYS,
    "crlf_q3": BELL_KEYS,
    "greek_ident_q3": {"1"},
    "cyrillic_homoglyph_q3": {"0"},
    "own_foo_q2": {"10"},
    "own_h_q2": {"1"},
    "cross_meas_q2": {"10"},
    "two_cregs_q2": {"01"},
    "reset_q2": {"0"},
    "if_q3": {"11"},
    "partial_meas_q2": {"001"},
    "clifford_5000q": {"0" * 5000, "1" * 5000},
}
"""The only outcomes that these may have."""
SAMPLED = ("valid_2000_q3", "sv_24q", "sv_33q", "sv_100q")
"""Their bits are compared with those of another simulator."""
ANSWERED = {"sv_33q", "sv_100q"}
"""To be refused for their width by a state vector; answered exactly as matrix product states."""
REFUSED = {"switch_q3"}
"""Fit to be run, and refused with a reason: it switches on an integer, of which simulators make different things."""

NOT_A_CALL = {
    "circuits_1e6": "a compressed body",
    "gzip_truncated": "a compressed body",
    "gzip_bomb_nested": "a compressed body",
    "json_emptybody": "the text of a body",
    "json_int_1M": "the text of a body",
    "json_1e999": "the text of a body",
    "json_dupkeys": "the text of a body: a mapping has no double keys",
    "json_2e5_keys": "the size of a body",
}
"""What is sent to a service, and is not for an embedded backend: below is what of it can be said to one."""
NOISE = {"dm_12q"}
"""Fit to be run with a model of noise, and refused: no call takes one."""
MEANT = {"shots_null", "ham_short"}
"""To be refused, and meant here: None says no `shots`; a short observable acts on the first qubits, with a warning."""
CALLS = [name for name in MANIFEST if name not in TEXTS and name not in NOT_A_CALL]


@pytest.fixture(scope="module")
def canary(tmp_path_factory):
    """A folder whose text must appear nowhere, beside the working folder."""
    folder = tmp_path_factory.mktemp("canary") / "canary"
    folder.mkdir()
    (folder / "secret.txt").write_text(f"{CANARY} {CANARY};\n", encoding="utf-8")
    (folder / "lowergates.inc").write_text("gate canarygate a { U(pi,0,pi) a; }\n", encoding="utf-8")
    os.mkfifo(folder / "fifo")
    working = folder.parent / "working"
    working.mkdir()
    (working / "self.qasm").write_text('include "self.qasm";\n', encoding="utf-8")
    with contextlib.chdir(working):
        yield folder


@pytest.fixture(scope="module")
def log():
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


@pytest.fixture(scope="module")
def backend(tmp_path_factory, canary, log):  # noqa: ARG001 -- the folder is made before the workers start
    data_dir = tmp_path_factory.mktemp("store")
    with farshot.LocalBackend(data_dir=data_dir, workers=1, circuit_timeout=TIMEOUT, seed=3, shots=SHOTS) as backend:
        yield backend
    stored = b"".join(path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    assert CANARY.encode() not in stored
    assert CANARY not in log.getvalue()


def run(backend, circuits, **options):
    handle = backend.submit_circuits(circuits, **options)
    status = backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    entries = backend.get_job_results(handle, partial=True).results
    assert [entry["label"] for entry in entries] == list(circuits)
    assert CANARY not in json.dumps(entries)
    assert (status == "FAILED") == any("error" in entry for entry in entries)
    return {entry["label"]: entry for entry in entries}


def among_good(names, canary):
    good = list(GOOD.items())
    odd = [(name, content(name).replace("@CANARY@", str(canary))) for name in names]
    return dict([*good[:4], *odd, *good[4:]])


def check(name, entry):
    if "error" in entry:
        check_error(entry["error"])
        assert MANIFEST[name]["expected"] == "reject" or name in REFUSED
    else:
        check_answer(name, entry)
        assert MANIFEST[name]["expected"] == "accept" or name in ANSWERED


def check_error(error):
    assert error["code"] in CODES
    assert 0 < len(error["message"]) < 500
    if error["code"] == "parse":
        assert error["line"] >= 1
    if error["code"] == "timeout":
        assert float(re.search(r"([0-9.]+) s", error["message"])[1]) < TIMEOUT + SLACK


def check_answer(name, entry):
    counts = entry["results"]
    assert entry["metadata"]["exact"]
    assert entry["metadata"]["seconds"] < TIMEOUT + SLACK
    assert sum(counts.values()) == SHOTS
    if name in SINGLE:
        assert set(counts) == SINGLE[name]
    elif name in SAMPLED:
        check_bits(counts, reference_counts(name))
    else:
        assert name == "angle_1e308_q2"
        assert abs(counts["0"] / SHOTS - math.cos(1e308 / 2) ** 2) < 6 * 0.5 / SHOTS**0.5


def reference_counts(name):
    """Sample a text with another simulator; `measure` and the gates it uses mean the same in OpenQASM 2."""
    text = content(name)
    if MANIFEST[name]["kind"] == "qasm3":
        text = text.replace("OPENQASM 3.0", "OPENQASM 2.0").replace("stdgates.inc", "qelib1.inc")
        text = text.replace("qubit[10] q;bit[10] c;", "qreg q[10];creg c[10];").replace("c=measure q;", "measure q->c;")
    circuit = qasm2.loads(text, include_path=())
    return AerSimulator(method="matrix_product_state").run(circuit, shots=SHOTS, seed_simulator=1).result().get_counts()


def check_bits(ours, theirs):
    width = len(next(iter(theirs)))
    assert {len(key) for key in ours} == {width}
    for bit in range(width):
        one, other = (sum(n for key, n in counts.items() if key[bit] == "1") / SHOTS for counts in (ours, theirs))
        spread = max((one + other) * (2 - one - other) / 2 / SHOTS, 1 / SHOTS**2) ** 0.5
        assert abs(one - other) < 6 * spread


@pytest.mark.parametrize("name", TEXTS)
def test_among_nine_good_circuits(backend, canary, name):
    entries = run(backend, among_good([name], canary))
    assert all(set(entries[label]["results"]) == BELL_KEYS for label in GOOD)
    check(name, entries[name])


def test_all_in_one_job(backend, canary):
    entries = run(backend, among_good(TEXTS, canary))
    assert all(set(entries[label]["results"]) == BELL_KEYS for label in GOOD)
    for name in TEXTS:
        check(name, entries[name])


def test_validation_finds_the_same(backend, canary):
    quick = [name for name in TEXTS if MANIFEST[name]["class"] != "too_big"]
    with pytest.raises(farshot.CircuitsInvalidError) as caught:
        backend.submit_circuits(among_good(quick, canary), validate=True)
    assert CANARY not in str(caught.value)
    assert set(caught.value.faults) == {
        name for name in quick if MANIFEST[name]["expected"] == "reject" or name in REFUSED
    }


def call(name):
    """Return the circuits and the options of one call."""
    options = json.loads(content(name))
    bell = {"bell": BELL} if options.pop("circuit", None) else None
    return options.pop("circuits", bell), options


@pytest.mark.parametrize("name", CALLS)
def test_a_call(backend, name):
    circuits, options = call(name)
    if name in NOISE or (MANIFEST[name]["expected"] == "reject" and name != "shots_null"):
        before = len(backend.jobs())
        with pytest.raises((ValueError, TypeError)) as caught:
            backend.submit_circuits(circuits, **options)
        assert len(str(caught.value)) < 300
        assert len(backend.jobs()) == before
    else:
        assert all("results" in entry for entry in run(backend, circuits, **options).values())


@pytest.mark.parametrize("name", [name for name in CALLS if name.startswith("ham_")])
def test_observables_as_text(backend, name):
    """A list is refused for its type; what it holds is looked at too."""
    circuits, options = call(name)
    terms = options["ham_ops"] if isinstance(options["ham_ops"], list) else [options["ham_ops"]]
    if name in MEANT:
        (entry,) = run(backend, circuits, ham_ops=";".join(terms)).values()
        assert entry["results"] == pytest.approx({"Z": 0})
        assert entry["metadata"]["warnings"]
    else:
        with pytest.raises(ValueError, match="ham_ops"):
            backend.submit_circuits(circuits, ham_ops=";".join(map(str, terms)))


def test_a_label_writes_no_line_of_the_log(tmp_path, log):
    (label,) = call("label_newline_log")[0]
    with farshot.LocalBackend(data_dir=tmp_path, workers=1, circuit_timeout=0.3, shots=SHOTS) as backend:
        run(backend, {label: content("mps_blowup_60q")})
    assert "was stopped after 0.3" in log.getvalue()
    assert not any(line.startswith("2026-01-01") for line in log.getvalue().splitlines())


def test_a_job_of_more_than_a_million_circuits_is_refused_at_once(backend):
    circuits = json.loads(content("circuits_1e6"))["circuits"]
    before = len(backend.jobs())
    with pytest.raises(farshot.BatchError, match="holds 1,000,001 circuits; the limit is 1,000,000"):
        backend.submit_circuits({**circuits, "one more": "x"})
    assert len(backend.jobs()) == before


def test_200_000_unknown_options_are_refused(backend):
    before = len(backend.jobs())
    with pytest.raises(TypeError, match="unknown option"):
        backend.submit_circuits({"bell": BELL}, **json.loads(content("json_2e5_keys")))
    assert len(backend.jobs()) == before


def test_every_input_is_used_or_left_out_by_name():
    assert len(TEXTS) + len(CALLS) + len(NOT_A_CALL) == len(MANIFEST) == ALL
    assert set(NOT_A_CALL) <= set(MANIFEST)
