"""Bodies of every kind: each one is read as what it says, or refused as a whole."""

import gzip
import json
import socket
import zlib
from pathlib import Path

import msgspec
import pytest

from samples import BELL

MIB = 2**20
LIMIT = 16 * MIB
GOOD = json.dumps({"circuits": {"bell": BELL}}).encode()
JSON = {"Content-Type": "application/json"}
GZIP = {**JSON, "Content-Encoding": "gzip"}
PACKED = {"Content-Type": "application/vnd.msgpack"}
FLAT = {
    "empty": b"",
    "no JSON": b"circuits",
    "two documents": GOOD + GOOD,
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "Latin-1": b'{"circuits": {"\xe9": "x"}}',
    "half a pair": b'{"circuits": {"\\ud800": "x"}}',
    "an array": b"[]",
    "null": b"null",
    "cut short": GOOD[:-1],
    "a trailing comma": GOOD[:-1] + b",}",
    "NaN": b'{"circuits": {"a": "b"}, "timeout": NaN}',
    "infinity": b'{"circuits": {"a": "b"}, "timeout": 1e999}',
    "an unknown member": b'{"circuits": {"a": "b"}, "shot": 1}',
    "a wish to validate": b'{"circuits": {"a": "b"}, "validate": true}',
    "a member twice": b'{"circuits": {"a": "b"}, "shots": 1, "shots": 2}',
    "circuits twice": b'{"circuits": {"a": "b"}, "circuits": {"c": "d"}}',
    "a label twice": b'{"circuits": {"a": "b", "a": "c"}}',
    "a label twice, once escaped": b'{"circuits": {"a": "b", "\\u0061": "c"}}',
    "circuits of a number": b'{"circuits": {"a": 1}}',
    "circuits as a list": b'{"circuits": ["a"]}',
    "shots as text": b'{"circuits": {"a": "b"}, "shots": "1"}',
    "shots as a truth": b'{"circuits": {"a": "b"}, "shots": true}',
    "shots of a million digits": b'{"circuits": {"a": "b"}, "shots": ' + b"1" * 1_000_000 + b"}",
    "shots of 4,000 digits": b'{"circuits": {"a": "b"}, "shots": ' + b"1" * 4000 + b"}",
    "a seed of 4,301 digits": b'{"circuits": {"a": "b"}, "seed": ' + b"1" * 4301 + b"}",
    "a priority that is huge": b'{"circuits": {"a": "b"}, "priority": 1' + b"0" * 4000 + b"}",
    "arrays, deep": b"[" * 100_000 + b"]" * 100_000,
    "objects, deep": b'{"circuits":' * 100_000 + b"{}" + b"}" * 100_000,
    "arrays, deep, under a member": b'{"shot_groups":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "arrays, deep, under none": b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "no circuits": b"{}",
    "circuits and a template": b'{"circuits": {"a": "b"}, "template": {"source": "", "parameters": []}}',
    "rows alone": b'{"rows": {"a": [1]}}',
    "a label of 1 MB": b'{"circuits": {"' + b"a" * MIB + b'": "x"}}',
}
"""What is sent, by what it is."""
TWICE = {name: text for name, text in FLAT.items() if "twice" in name}


def post(caller, data, headers=JSON, **options):
    return caller.post("/v1/jobs", content=data, headers=headers, **options)


def refused(answer, *statuses):
    assert answer.status_code in statuses, answer.text
    return answer.json()["type"].rpartition("/")[2]


@pytest.mark.parametrize("name", FLAT)
def test_a_body_that_is_no_batch_is_refused_and_makes_no_job(ann, name):
    assert refused(post(ann, FLAT[name]), 400) in {"body", "batch", "option"}
    assert refused(post(ann, gzip.compress(FLAT[name]), GZIP), 400) in {"body", "batch", "option"}
    assert ann.get("/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("name", TWICE)
def test_what_is_said_twice_is_refused_in_a_large_body_too(ann, name):
    text = FLAT[name].replace(b'"b"', b'"' + b"x" * 300_000 + b'"', 1)
    assert refused(post(ann, text), 400) == "body"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "application/msgpack"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": 'application/json; charset="utf-16"'},
        {**JSON, "Content-Encoding": "br"},
        {**JSON, "Content-Encoding": "gzip, gzip"},
        [("Content-Type", "application/json"), ("Content-Encoding", "identity"), ("Content-Encoding", "gzip")],
    ],
)
def test_another_type_or_coding_is_refused(ann, headers):
    assert refused(post(ann, GOOD, headers), 415) == "media-type"


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"; x=y']
)
def test_json_in_utf_8_is_taken_however_it_is_named(ann, kind):
    assert post(ann, GOOD, {"Content-Type": kind}).status_code == 201


@pytest.mark.parametrize("circuits", [{"bell": BELL}, {f"bell {number}": BELL for number in range(4000)}])
@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_batch_in_messagepack_is_the_same_job(ann, circuits, coding):
    body = msgspec.msgpack.encode({"circuits": circuits, "shots": 10, "seed": 7})
    data = gzip.compress(body) if coding == "gzip" else body
    answer = post(ann, data, PACKED | {"Content-Encoding": coding})
    assert answer.status_code == 201, answer.text
    other = ann.submit(circuits, shots=10, seed=7)
    assert ann.results(answer.json()["job_id"]) == ann.results(other["job_id"])


def test_parts_may_come_in_either_form(ann):
    job_id = ann.submit(upload=True)["job_id"]
    body = {"circuits": {"a": BELL}}
    assert ann.put(f"/v1/jobs/{job_id}/parts/0", json=body).status_code == 200
    packed = msgspec.msgpack.encode({"circuits": {"b": BELL}})
    assert ann.put(f"/v1/jobs/{job_id}/parts/1", content=packed, headers=PACKED).status_code == 200
    assert ann.post(f"/v1/jobs/{job_id}/finalize", json={"circuits": 2}).status_code == 200
    assert list(ann.results(job_id)) == ["a", "b"]


def test_messagepack_is_refused_where_no_batch_is_sent(ann):
    job_id = ann.submit(upload=True)["job_id"]
    answer = ann.post(f"/v1/jobs/{job_id}/finalize", content=msgspec.msgpack.encode({"circuits": 1}), headers=PACKED)
    assert refused(answer, 415) == "media-type"


def test_gzip_is_taken(ann):
    assert post(ann, gzip.compress(GOOD), GZIP).status_code == 201


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD,
        zlib.compress(GOOD),
        gzip.compress(GOOD)[:-9],
        gzip.compress(GOOD)[:-1],
        gzip.compress(GOOD)[:-8] + bytes(8),
        gzip.compress(GOOD) + b"garbage",
        gzip.compress(GOOD) + b"\0",
        gzip.compress(GOOD[:20]) + gzip.compress(GOOD[20:]),
        gzip.compress(gzip.compress(GOOD)),
    ],
    ids=["empty", "plain", "zlib", "truncated", "short", "checksum", "garbage", "zero", "two", "nested"],
)
def test_gzip_that_is_not_one_whole_stream_is_refused(ann, data):
    assert refused(post(ann, data, GZIP), 400) == "body"


def padded(size):
    head, tail = b'{"circuits": {"bell": "', b'"}}'
    return head + b" " * (size - len(head) - len(tail)) + tail


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_not(ann):
    for pack in (bytes, gzip.compress):
        headers = JSON if pack is bytes else GZIP
        assert refused(post(ann, pack(padded(LIMIT)), headers), 400) == "batch"  # that one circuit is too long
        assert refused(post(ann, pack(padded(LIMIT + 1)), headers), 413) == "too-large"


def test_a_body_far_beyond_the_limit_is_refused_before_it_is_read(ann, server):
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ann.token}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        sock.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {2**40}\r\n\r\n".encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 413")


def memory(server):
    text = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def test_a_gzip_bomb_costs_no_memory(ann, server):
    bomb = gzip.compress(bytes(10**9), 1)
    assert len(bomb) < 5 * MIB
    before = memory(server)
    for _ in range(5):
        assert refused(post(ann, bomb, GZIP), 413) == "too-large"
    assert memory(server) - before < 200 * MIB


def test_chunks_are_put_together_and_counted(ann):
    assert post(ann, iter([GOOD[:10], GOOD[10:]])).status_code == 201
    assert post(ann, (gzip.compress(GOOD)[n : n + 1] for n in range(len(gzip.compress(GOOD)))), GZIP).status_code == 201
    endless = (b" " * MIB for _ in range(17))
    assert refused(post(ann, endless), 413) == "too-large"


def test_a_client_may_ask_before_it_sends(ann, server):
    head = f"POST /v1/jobs HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {ann.token}\r\nConnection: close\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        more = f"Content-Type: application/json\r\nContent-Length: {len(GOOD)}\r\nExpect: 100-continue\r\n\r\n"
        sock.sendall((head + more).encode())
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(GOOD)
        assert sock.recv(65536).startswith(b"HTTP/1.1 201")


def test_who_may_not_send_is_told_so_before_it_sends(server):
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as sock:
        head = "POST /v1/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n"
        sock.sendall((head + "Expect: 100-continue\r\n\r\n").encode())
        assert sock.recv(65536).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize(
    "name", ["an unknown member", "a label twice", "circuits of a number", "arrays, deep", "null", "empty"]
)
def test_parts_and_ends_of_uploads_are_read_as_strictly(ann, name):
    job_id = ann.submit(upload=True)["job_id"]
    assert ann.put(f"/v1/jobs/{job_id}/parts/0", content=FLAT[name], headers=JSON).status_code == 400
    if name != "empty":
        assert ann.post(f"/v1/jobs/{job_id}/finalize", content=FLAT[name], headers=JSON).status_code == 400
