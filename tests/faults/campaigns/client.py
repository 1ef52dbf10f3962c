"""A program that submits jobs, waits for them and reads them: `client FOLDER FIRST END WORKERS`.

It prints a line once a job is accepted, and one once its results were read.
"""
# ruff: noqa: T201 -- its lines are what it answers

import sys
from collections import deque

import farshot

from .circuits import digest_of, submit

WINDOW = 4


def main(folder, first, end, workers):
    with farshot.LocalBackend(data_dir=folder, workers=int(workers)) as backend:
        opened = deque()
        for number in range(int(first), int(end)):
            handle = submit(backend, number)
            print("accepted", number, handle.job_id, flush=True)
            opened.append((number, handle))
            if len(opened) == WINDOW:
                read(backend, *opened.popleft())
        for number, handle in opened:
            read(backend, number, handle)


def read(backend, number, handle):
    backend.poll_job_status(handle, loop_until_complete=True, verbose=False)
    print("read", number, digest_of(backend, handle), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
