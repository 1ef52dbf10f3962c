"""Clients of a real service for tests. Every answer that one of them gets is looked at."""

import json
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path

import httpx2

import farshot
from farshot.accounts import NO_LIMITS, Role, User, new_token
from farshot.store import open_engine, sqlite_url
from farshot.store.accounts import SqlAccounts

SAFE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
PATHS = [str(Path(farshot.__file__).parent), sys.prefix, sys.base_prefix + "/lib", "site-packages"]
STORIES = ["Traceback", 'File "', ", line ", "sqlalchemy", "sqlite3", "0x7f"]
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}
FRAMES = "application/vnd.farshot.results.v1"
NDJSON = "application/x-ndjson"


def check_answer(response, *private):
    """Look at what must hold of every answer: safe headers; errors are problems without a word about the server."""
    assert {name: response.headers.get(name) for name in SAFE} == SAFE
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert not any(name.startswith("access-control") for name in response.headers)
    assert response.status_code < 500 or response.status_code == 503
    if response.status_code >= 400:
        check_problem(response, *private)


def check_problem(response, *private):
    assert response.headers["content-type"] == "application/problem+json"
    if response.request.method == "HEAD":
        return
    text = response.read().decode()
    problem = json.loads(text)
    assert problem["status"] == response.status_code
    assert problem["type"].startswith("/problems/")
    assert problem["title"]
    assert 0 < len(problem["detail"]) < 2000
    assert not [word for word in [*PATHS, *STORIES, *private] if word in text]
    assert (response.status_code == 401) == ("www-authenticate" in response.headers)


def outcome_of(entry):
    """Return counts or values; wide counts by their numbers; or the error."""
    return next(entry[name] for name in ("results", "hex_counts", "error") if name in entry)


class Caller(httpx2.Client):
    """One user of a service, or somebody without a token."""

    def __init__(self, server, name=None, token=None):
        self.name = name
        self.token = token
        private = str(server.folder)
        super().__init__(
            base_url=server.url,
            headers={} if token is None else {"Authorization": f"Bearer {token}"},
            event_hooks={"response": [lambda response: check_answer(response, private)]},
            timeout=60,
        )

    def submit(self, circuits=None, *, key=None, **options):
        """Make a job and return its document."""
        body = {**({} if circuits is None else {"circuits": circuits}), **options}
        response = self.post("/v1/jobs", json=body, headers={} if key is None else {"Idempotency-Key": key})
        assert response.status_code in {200, 201}, response.text
        return response.json()

    def job(self, job_id, **query):
        response = self.get(f"/v1/jobs/{job_id}", params=query)
        assert response.status_code == 200, response.text
        return response.json()

    def wait(self, job_id, until=ENDED):
        """Return the job once its status is one of `until`."""
        job = self.job(job_id)
        while job["status"] not in until:
            job = self.job(job_id, after=job["cursor"], wait=10)
        return job

    def pages(self, job_id, limit=100):
        """Return the entries of all pages of results."""
        entries, query = [], {"limit": limit}
        while True:
            page = self.get(f"/v1/jobs/{job_id}/results", params=query).json()
            entries += page["results"]
            if page["next"] is None:
                return entries
            query["cursor"] = page["next"]

    def lines(self, job_id, **query):
        """Return the entries of a stream, one a line."""
        headers = {"Accept": NDJSON}
        with self.stream("GET", f"/v1/jobs/{job_id}/results", params=query, headers=headers) as response:
            return [json.loads(line) for line in response.iter_lines()]

    def results(self, job_id):
        """Return what each label has, once the job has ended."""
        self.wait(job_id)
        return {entry["label"]: outcome_of(entry) for entry in self.pages(job_id)}


class People:
    """Makes users of a service that runs, by way of its store."""

    def __init__(self, server):
        self.server = server
        self._engine = open_engine(sqlite_url(server.folder))
        self.accounts = SqlAccounts(self._engine)
        self._callers = []

    def __call__(self, name=None, *, admin=False, quota=NO_LIMITS, expires=None):
        name = name or f"user-{uuid.uuid4().hex[:12]}"
        self.accounts.add_user(User(name, Role.ADMIN if admin else Role.USER, quota))
        self.accounts.limit(name, quota)
        token, text = new_token(name, datetime.now(UTC), expires)
        self.accounts.add_token(token)
        return self.caller(name, text)

    def caller(self, name=None, token=None):
        self._callers.append(Caller(self.server, name, token))
        return self._callers[-1]

    def close(self):
        for caller in self._callers:
            caller.close()
        self._engine.dispose()
