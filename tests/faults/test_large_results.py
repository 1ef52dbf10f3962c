"""Results far larger than their circuits, and clients that do not read them: memory stays bounded."""

import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from callers import FRAMES, NDJSON, People
from farshot.backends.entries import json_entry, part_entries
from farshot.wire import FrameReader, PartFrame
from samples import BELL
from serving import running_server

WIDTH = 65536
MIB = 2**20
MOST_MIB = 300
FORMS = ["application/json", NDJSON, FRAMES]


def wide(width, qubits=13):
    """Return a short circuit with many different outcomes of many bits."""
    gates = "".join(f"h q[{n}]; measure q[{n}] -> c[{width - 1 - n}];" for n in range(qubits))
    return f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{qubits}]; creg c[{width}]; {gates}'


def memory(server, name):
    """Return the present (VmRSS) or the largest (VmHWM) memory of a service, in bytes."""
    text = Path(f"/proc/{server.process.pid}/status").read_text()
    return 1024 * int(text.partition(f"{name}:")[2].split()[0])


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with running_server(tmp_path_factory.mktemp("large"), "--workers", "1") as server:
        yield server


@pytest.fixture(scope="module")
def people(server):
    people = People(server)
    yield people
    people.close()


@pytest.fixture(scope="module")
def large(people):
    """Return a user with a job whose one entry would be 524 MB of JSON, were every bit spelled."""
    user = people()
    job_id = user.submit({"wide": wide(WIDTH)}, shots=8000)["job_id"]
    assert user.wait(job_id)["status"] == "COMPLETED"
    return user, job_id


def received(user, job_id, form):
    """Return the number of bytes of an answer."""
    with user.stream("GET", f"/v1/jobs/{job_id}/results", headers={"Accept": form}) as response:
        assert response.status_code == 200
        return sum(map(len, response.iter_raw()))


@pytest.mark.parametrize("form", FORMS)
def test_a_large_entry_is_sent_in_bounded_memory(server, large, form):
    user, job_id = large
    before = memory(server, "VmRSS")
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")  # the largest so far is forgotten
    assert 30 * MIB < received(user, job_id, form) < 140 * MIB
    assert memory(server, "VmHWM") - before < MOST_MIB * MIB


def stuck_reader(server, user, job_id, form):
    """Return a connection on which results were asked for, of which nothing more will be read."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    sock.settimeout(60)
    lines = [
        f"GET /v1/jobs/{job_id}/results HTTP/1.1",
        "Host: h",
        f"Authorization: Bearer {user.token}",
        f"Accept: {form}",
    ]
    sock.sendall("\r\n".join([*lines, "", ""]).encode())
    return sock


@pytest.mark.parametrize("form", FORMS)
def test_readers_that_do_not_read_pin_little(server, people, large, form):
    user, job_id = large
    other = people()
    before = memory(server, "VmRSS")
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    with ExitStack() as stack:
        readers = [stack.enter_context(stuck_reader(server, user, job_id, form)) for _ in range(12)]
        statuses = {reader.recv(12)[9:] for reader in readers}
        assert statuses <= {b"200", b"503"}
        assert b"200" in statuses
        assert other.results(other.submit({"bell": BELL}, shots=10)["job_id"]).keys() == {"bell"}
        many = other.submit({f"c{number}": BELL for number in range(2000)}, shots=10)["job_id"]
        assert len(other.results(many)) == 2000
        assert memory(server, "VmHWM") - before < MOST_MIB * MIB


def decoded(user, job_id):
    with user.stream("GET", f"/v1/jobs/{job_id}/results", headers={"Accept": FRAMES}) as response:
        reader = FrameReader()
        frames = [frame for data in response.iter_raw() for frame in reader.feed(data)]
    parts = [frame for frame in frames if isinstance(frame, PartFrame)]
    return [json_entry(entry) for part in parts for _, entry in part_entries(part, None)]


@pytest.mark.parametrize("width", [4096, 4097])
def test_wide_counts_say_the_same_in_every_form(people, width):
    user = people()
    job_id = user.submit({"a": wide(width), "b": wide(width)}, shots=3000)["job_id"]
    user.wait(job_id)
    found = decoded(user, job_id)
    assert [entry["label"] for entry in found] == ["a", "b"]
    for entries in (user.pages(job_id), user.lines(job_id)):
        assert [entry["metadata"] for entry in entries] == [entry["metadata"] for entry in found]
        assert [spelled(entry) for entry in entries] == [entry["results"] for entry in found]
        assert [name for entry in entries for name in ("results", "hex_counts") if name in entry] == [
            "results" if width == 4096 else "hex_counts"
        ] * 2


def spelled(entry):
    if "results" in entry:
        return entry["results"]
    return {f"{int(key, 16):0{entry['width']}b}": count for key, count in entry["hex_counts"].items()}


def test_many_values_are_written_in_pieces_and_whole(people):
    user = people()
    terms = ["".join("ZXYI"[number >> 2 * place & 3] for place in range(6)) for number in range(4096)]
    terms = [term for term in terms if set(term) != {"I"}]
    circuit = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[6]; ry(0.3) q[0]; cx q[0],q[5];'
    job_id = user.submit({"a": circuit}, ham_ops=";".join(terms))["job_id"]
    assert user.wait(job_id)["status"] == "COMPLETED"
    (entry,) = user.pages(job_id)
    assert list(entry["results"]) == terms
    assert [entry] == user.lines(job_id)
