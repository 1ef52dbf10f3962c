"""Whatever lasts looks at its token: it ends soon after that was revoked."""

import itertools
import threading
from datetime import UTC, datetime

import httpx2
import pytest

from callers import FRAMES, NDJSON
from farshot.accounts import token_id
from farshot.testing.backends import slow_circuits

SLOW = dict(itertools.islice(slow_circuits(40).items(), 40))


@pytest.fixture
def revoked(everybody):
    """Return a user with a job that goes on for long, and what revokes the user's token."""
    user = everybody()
    job = user.submit(SLOW, shots=10)
    return (
        user,
        user.wait(job["job_id"], {"RUNNING"}),
        lambda: everybody.accounts.revoke(token_id(user.token), datetime.now(UTC)),
    )


@pytest.mark.parametrize("form", [FRAMES, NDJSON])
def test_a_stream_breaks_off(revoked, everybody, form):
    user, job, revoke = revoked
    query, headers = {"follow": "true"}, {"Accept": form}
    with user.stream("GET", f"/v1/jobs/{job['job_id']}/results", params=query, headers=headers) as response:
        assert response.status_code == 200
        revoke()
        with pytest.raises(httpx2.TransportError):
            for _ in response.iter_raw():
                pass
    admin = everybody(admin=True)
    assert admin.job(job["job_id"])["status"] == "RUNNING"
    admin.post(f"/v1/jobs/{job['job_id']}/cancel")


@pytest.mark.parametrize("path", ["/v1/events", "/v1/jobs/{job_id}"])
def test_a_long_poll_ends(revoked, everybody, path):
    user, job, revoke = revoked
    admin = everybody(admin=True)
    admin.post(f"/v1/jobs/{job['job_id']}/cancel")
    waiting = user.submit(upload=True)
    query = {"after": waiting["cursor"], "wait": 30}
    found = []
    poll = threading.Thread(target=lambda: found.append(user.get(path.format(**waiting), params=query)))
    poll.start()
    revoke()
    poll.join(20)
    assert [answer.status_code for answer in found] == [401]
