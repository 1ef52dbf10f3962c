"""What a hostile user costs others: `python benchmarks/service_hostile.py [FOLDER]`. Needs the extra `server`.

One user sends every hostile text of FOLDER (tests/data/hostile) in one job, over and over, then awkward bodies of up to
16 MiB. Meanwhile another asks where its job stands, and a third whether the service is well. Printed are their
latencies, and how much the memory of the service grew. The clients are threads of another process.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.synchronize import Event

FOLDER = Path(__file__).parents[1] / "tests" / "data" / "hostile"
BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\ncreg c[2];\nh q[0];\ncx q[0],q[1];\nmeasure q -> c;\n'
JSON = {"Content-Type": "application/json"}
MIB = 2**20
ROUNDS = 3


def members(form: str, count: int) -> str:
    """Return so many members of an object."""
    return ",".join(form.format(number) for number in range(count))


def bodies() -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Yield bodies that take long to read, by what they are."""
    text = "h q[0]; " * 1250
    circuits, rows = '{"circuits": {', '{"template": {"source": "x", "parameters": ["a"]}, "rows": {'
    wide = "a" * 8_000_000 + "\U0001d11e"
    whole = {
        "1,600 circuits of 10 kB": circuits + members('"{}": "' + text + '"', 1600) + "}}",
        "200,000 tiny circuits": circuits + members('"{}": ""', 200_000) + "}}",
        "a million tiny circuits": circuits + members('"{}": ""', 1_000_000) + "}}",
        "200,000 rows": rows + members('"r{}": [0.5]', 200_000) + "}}",
        "a million rows": rows + members('"r{}": [1]', 1_000_000) + "}}",
        "5 million strings": '{"circuits": {"a": [' + ",".join(['""'] * 5_000_000) + "]}}",
        "5 million groups": '{"circuits": {"a": "b"}, "shot_groups": [' + ",".join(["[]"] * 5_000_000) + "]}",
        "2 million ranges": '{"circuits": {"a": "b"}, "circuit_ham_map": [' + ",".join(["[0,1]"] * 2_000_000) + "]}",
        "a million names": '{"template": {"source": "x", "parameters": [' + members('"a{}"', 1_000_000) + "]}}",
        "deep arrays": '{"circuits": {"a": ' + "[" * 16_000_000,
        "a row of 8 million numbers": rows + '"r": [' + "1," * 7_900_000 + "1]}}",
        "1,000 rows of 7,900": rows + members('"r{}": [' + "1," * 7899 + "1]", 1000) + "}}",
        "numbers of 4,000 digits": '{"circuits": {"a": "b"}, "shot_groups": [[' + ("1" * 4000 + ",") * 3900 + "1]]}",
        "a million unknown members": "{" + members('"m{}": 1', 1_000_000) + "}",
        "one member over and over": "{" + ",".join(['"shots": 1'] * 1_400_000) + "}",
        "white space": '{"circuits": {"a": "b"' + " " * 16_000_000 + "}}",
        "two texts of wide letters": f'{{"circuits": {{"a": "{wide}", "b": "{wide}"}}}}',
        "one text of quotation marks": circuits + '"a": "' + '\\"' * 8_000_000 + '"}}',
        "one text of backslashes": circuits + '"a": "' + "\\" * 16_000_000 + '"}}',
        "one text of escapes": '{"circuits": {"a": "' + "\\n" * 8_000_000 + '"}}',
        "400,000 terms": '{"circuits": {"a": "b"}, "ham_ops": "' + "Z;" * 400_000 + 'Z"}',
    }
    for name, body in whole.items():
        yield name, body.encode()[: 16 * MIB], JSON
    yield "1 GB of zeros, packed", gzip.compress(bytes(10**9), 1), {**JSON, "Content-Encoding": "gzip"}


def open_client(url: str, token: str) -> httpx2.Client:
    """Return a client of one user."""
    return httpx2.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=120)


def ask_on(url: str, token: str, path: str, done: Event, latencies: Any) -> None:  # noqa: ANN401 -- a queue
    """Ask again and again; hand over the latencies in milliseconds."""
    found = []
    with open_client(url, token) as client:
        while not done.is_set():
            began = time.perf_counter()
            assert client.get(path).status_code == 200  # noqa: S101 -- else the figure means nothing
            found.append((time.perf_counter() - began) * 1000)
            time.sleep(0.002)
    latencies.put((path, found))


def beside(url: str, token: str, paths: list[str], work: Callable[[], object]) -> dict[str, list[float]]:
    """Do `work`; return the latencies of whoever asked for each of `paths` meanwhile."""
    context = multiprocessing.get_context("spawn")
    done, queue = context.Event(), context.Queue()
    askers = [context.Process(target=ask_on, args=(url, token, path, done, queue)) for path in paths]
    for asker in askers:
        asker.start()
    time.sleep(1)
    work()
    done.set()
    found = dict(queue.get() for _ in askers)
    for asker in askers:
        asker.join()
    return {path: found[path] for path in paths}


def report(name: str, latencies: dict[str, list[float]]) -> None:
    """Print the latencies of each path."""
    for path, values in latencies.items():
        p99 = statistics.quantiles(values, n=100)[98]
        kind = "healthz" if path == "/healthz" else "status"
        figures = f"median {statistics.median(values):6.1f}, p99 {p99:6.1f}, worst {max(values):6.1f} ms"
        print(f"{name:28} {kind:8} {figures} ({len(values)} calls)")


def memory(pid: int) -> dict[str, float]:
    """Return the present and the largest memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    sizes = dict(line.split(":") for line in lines if line.startswith("Vm"))
    return {name: int(sizes[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def texts(folder: Path) -> dict[str, str]:
    """Return every hostile text among nine good circuits."""
    found = {f"good{number}": BELL for number in range(9)}
    for entry in json.loads((folder / "manifest.json").read_text(encoding="utf-8")):
        if entry["kind"] in {"qasm2", "qasm3"}:
            data = (folder / entry["file"]).read_bytes()
            data = gzip.decompress(data) if entry["file"].endswith(".gz") else data
            found[entry["name"]] = data.decode("utf-8", "replace")
    return found


def run(client: httpx2.Client, circuits: dict[str, str]) -> None:
    """Run one job to its end."""
    job = client.post("/v1/jobs", json={"circuits": circuits}).json()
    while job["finished_at"] is None:
        query = {"after": job["cursor"], "wait": 10}
        job = client.get(f"/v1/jobs/{job['job_id']}", params=query).json()
    client.get(f"/v1/jobs/{job['job_id']}/results", headers={"Accept": "application/x-ndjson"})


def measure(url: str, tokens: list[str], pid: int, folder: Path) -> None:
    """Print what the hostile user costs."""
    with open_client(url, tokens[0]) as mallory, open_client(url, tokens[1]) as ann:
        job_id = ann.post("/v1/jobs", json={"circuits": {"bell": BELL}}).json()["job_id"]
        paths = [f"/v1/jobs/{job_id}", "/healthz"]
        before = memory(pid)["VmRSS"]
        report("nobody else", beside(url, tokens[1], paths, lambda: time.sleep(3)))
        circuits = texts(folder)
        hostile = beside(url, tokens[1], paths, lambda: [run(mallory, circuits) for _ in range(ROUNDS)])
        report("hostile texts", hostile)
        print(f"memory of the service: {before:.0f} MiB, at most {memory(pid)['VmHWM'] - before:+.0f} MiB")
        most, worst = 0.0, 0.0
        for name, body, headers in bodies():
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")  # forget the largest so far
            now = memory(pid)["VmRSS"]

            def send(body: bytes = body, headers: dict[str, str] = headers) -> None:
                for _ in range(ROUNDS):
                    mallory.post("/v1/jobs", content=body, headers=headers)

            latencies = beside(url, tokens[1], paths[1:], send)
            report(name, latencies)
            print(f"{'':28} memory {now:.0f} MiB before, at most {memory(pid)['VmHWM']:.0f} MiB")
            most, worst = max(most, memory(pid)["VmHWM"]), max(worst, *latencies[paths[1]])
        print(f"all bodies: worst {worst:.0f} ms, memory at most {most - before:+.0f} MiB")


def main() -> None:
    """Start a service and measure."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    with tempfile.TemporaryDirectory() as store:
        program = [sys.executable, "-m", "farshot"]
        command = [*program, "serve", "--port", "0", "--data-dir", store, "--circuit-timeout", "5s", "--grace", "1s"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdout is not None  # noqa: S101 -- asked for above
            url = process.stdout.readline().split()[-1]
            create = [*program, "token", "create", "--data-dir", store]
            tokens = [subprocess.check_output([*create, name], text=True).split()[-1] for name in ("mallory", "ann")]
            try:
                measure(url, tokens, process.pid, folder)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
