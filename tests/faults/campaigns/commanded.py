"""A program that does with a backend what its standard input says: `commanded FOLDER WORKERS`.

`submit NUMBER KIND TARGET [KEY]`, `read NUMBER ID` and `cancel ID` are answered with one line each.
"""
# ruff: noqa: T201 -- its lines are what it answers

import sys

import farshot

from .circuits import digest_of, submit


def main(folder, workers):
    with farshot.LocalBackend(data_dir=folder, workers=int(workers)) as backend:
        for line in sys.stdin:
            word, *rest = line.split()
            print(word, *COMMANDS[word](backend, *rest), flush=True)


def accept(backend, number, kind, target, key=None):
    return (submit(backend, int(number), kind, target, key).job_id,)


def read(backend, _number, job_id):
    handle = farshot.ExecutionResult(job_id=job_id)
    status = backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    return status, digest_of(backend, handle) if status == "COMPLETED" else "-"


def cancel(backend, job_id):
    return (backend.cancel_job(farshot.ExecutionResult(job_id=job_id)).status_code,)


COMMANDS = {"submit": accept, "read": read, "cancel": cancel}

if __name__ == "__main__":
    main(*sys.argv[1:])
