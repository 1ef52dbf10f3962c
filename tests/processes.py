"""Looking at the processes of this machine, as tests of faults need it."""

from pathlib import Path


def children_of(pid):
    tasks = Path(f"/proc/{pid}/task")
    return [int(child) for task in tasks.iterdir() for child in (task / "children").read_text().split()]


def workers_of(pid):
    return [child for child in children_of(pid) if b"farshot.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


def is_alive(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
