"""A backend that is closed while it connects: nothing goes on behind its back."""

import gc
import socket
import threading
import time

import pytest

import farshot


@pytest.fixture
def crowded():
    """A service that takes no further connection until it accepts those that wait."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = socket.create_connection(listener.getsockname())
        yield listener
        waiting.close()


def test_a_connection_that_comes_about_after_the_close_is_ended(crowded):
    host, port = crowded.getsockname()
    backend = farshot.RemoteBackend(f"http://{host}:{port}", "token", retry_seconds=30)
    failures = []

    def ask():
        try:
            backend.jobs()
        except farshot.ServiceError as error:
            failures.append(str(error))

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    backend.close()
    accepted = [crowded.accept()[0] for _ in range(2)]
    thread.join(10)
    assert failures == ["the backend is closed"]
    for connection in accepted:
        connection.close()
    gc.collect()
