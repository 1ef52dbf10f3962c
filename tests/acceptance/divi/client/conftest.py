"""What the checks of Divi's client need: the client, and somebody between it and the service who can do harm."""

import http.client
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from circuits import slow
from qoro import MODULE, VERSION, QoroService, job_config

URL = os.environ["DIVI_URL"]
TOKEN = os.environ["DIVI_TOKEN"]


def pytest_collection_modifyitems(config, items):
    others = [item for item in items if (mark := item.get_closest_marker("only")) and mark.args[0] != VERSION]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


class Relay:
    """Passes requests on and keeps them. What `lost` names gets no answer, once; what `broken` names gets 500."""

    def __init__(self):
        self.seen, self.lost, self.broken = [], [], []
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def handle_any(self):
                relay.handle(self)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 -- the names that the base class calls

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    def handle(self, handler):
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.seen.append((handler.command, handler.path, body))
        if any(name in handler.path for name in self.broken):
            handler.send_error(500)
            return
        status, headers, answer = self.passed_on(handler, body)
        for name in self.lost:
            if name in handler.path:
                self.lost.remove(name)
                handler.close_connection = True
                return
        handler.send_response(status)
        for name in ("Content-Type", "Content-Length"):
            if name in headers:
                handler.send_header(name, headers[name])
        handler.end_headers()
        handler.wfile.write(answer)

    @staticmethod
    def passed_on(handler, body):
        connection = http.client.HTTPConnection(urlsplit(URL).netloc, timeout=60)
        headers = {name: value for name, value in handler.headers.items() if name not in {"Host", "Connection"}}
        connection.request(handler.command, handler.path, body or None, headers)
        answer = connection.getresponse()
        found = answer.status, answer.headers, answer.read()
        connection.close()
        return found

    def calls(self, name):
        return [body for _, path, body in self.seen if path.endswith(name)]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def relay(monkeypatch):
    relay = Relay()
    monkeypatch.setattr(MODULE, "API_URL", relay.url + "/api")
    yield relay
    relay.close()


@pytest.fixture
def make_service(monkeypatch):
    if not MODULE.API_URL.startswith("http://127.0.0.1"):
        monkeypatch.setattr(MODULE, "API_URL", URL + "/api")

    def make(shots=1000, **options):
        given = {"polling_interval": 0.05, "job_config": job_config(shots=shots), **options}
        return QoroService(TOKEN, **given)

    return make


@pytest.fixture
def service(make_service):
    return make_service()


@pytest.fixture
def begun(service):
    """A job that is at work for long."""
    handle = service.submit_circuits({f"slow {number}": slow(number) for number in range(8)})
    yield handle
    service.delete_job(handle)
