"""A small application on the transport of the service: `transport_server.py OPTIONS`, which are JSON."""

import asyncio
import json
import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from farshot.service.address import ListenAddress
from farshot.service.connections import Bounds
from farshot.service.protocol import Deadlines, Sizes
from farshot.service.server import Settings, serve


def say(text):
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def health(_request):
    return PlainTextResponse("ok")


async def read(request):
    await asyncio.sleep(float(request.query_params.get("after", 0)))
    return PlainTextResponse(str(len(await request.body())))


async def ignore(_request):
    return PlainTextResponse("who are you", 401)


async def headers(request):
    await request.body()
    return PlainTextResponse(",".join(request.headers.keys()))


async def large(request):
    return Response(bytes(int(request.query_params["bytes"])))


async def pause(request):
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("rested")


async def wait(request):
    say("waiting")
    await request.state.stopping.wait()
    return PlainTextResponse("stopping")


async def stuck(_request):
    say("waiting")
    await asyncio.sleep(3600)


options = json.loads(sys.argv[1])
paths = [health, large, pause, wait, stuck]
routes = [Route("/" + path.__name__, path) for path in paths]
routes += [Route("/" + path.__name__, path, methods=["POST"]) for path in [read, ignore, headers]]
certificate = options.get("certificate")
serve(
    Starlette(routes=routes),
    ListenAddress(port=0, certificate=certificate and Path(certificate)),
    Settings(
        deadlines=Deadlines(**options.get("deadlines", {})),
        sizes=Sizes(**options.get("sizes", {})),
        bounds=Bounds(**options["bounds"]) if "bounds" in options else None,
        grace=options.get("grace", 10.0),
        on_ready=say,
        on_stop=lambda: say("on_stop"),
    ),
)
say("returned")
