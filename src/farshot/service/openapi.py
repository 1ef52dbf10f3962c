"""The OpenAPI description of the API, made from the table of routes and the documents of the wire."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import Response

from farshot import __version__
from farshot.service.openapi_examples import example_of
from farshot.service.problems import KINDS
from farshot.service.routes import ROUTES
from farshot.wire import FRAMES, JSON, NDJSON, PACKED, PACKED_KINDS, PROBLEM, Problem, ResultsDocument

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from farshot.service.context import Service
    from farshot.service.routes import Route


DOCUMENT = "/v1/openapi.json"
_COMMON_PROBLEMS = ("unauthorized", "not-ready", "busy", "store", "internal", "timeout")
_REF = "#/components/schemas/{name}"
_PATH_PARAMETERS = {
    "job_id": {"type": "string", "description": "The id of a job."},
    "name": {"type": "string", "description": "The name of a user."},
    "token_id": {"type": "string", "description": "The id of a token."},
    "number": {"type": "integer", "minimum": 0, "maximum": 99999, "description": "The number of a part, from 0 on."},
}


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    kinds = [kind for route in ROUTES for kind in (route.query, route.body, *route.answers.values()) if kind]
    _, schemas = msgspec.json.schema_components(list(dict.fromkeys([*kinds, Problem])), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Farshot",
            "version": __version__,
            "description": "Batches of quantum circuits as asynchronous jobs. Errors are RFC 9457 problem documents.",
        },
        "paths": paths,
        "components": {
            "schemas": {name: _with_example(name, schemas) for name in schemas if not name.endswith("Query")},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _with_example(name: str, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a schema with an example; its description is the docstring of the class without doctests."""
    schema = schemas[name]
    text = inspect.cleandoc(schema.get("description", "")).partition("\n\n>>>")[0]
    described = {"description": text} if text else {}
    return {**schema, **described, "examples": [example_of(name, schemas)]}


def _operation(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    first, _, more = (route.handler.__doc__ or "").partition("\n\n")
    operation: dict[str, Any] = {
        "operationId": route.handler.__name__,
        "summary": " ".join(first.split()),
        "parameters": list(_parameters(route, schemas)),
        "responses": dict(_responses(route)),
    }
    if more:
        operation["description"] = " ".join(more.split())
    if route.body:
        media_types = (JSON, PACKED) if route.body in PACKED_KINDS else (JSON,)
        content = {media_type: _content(route.body) for media_type in media_types}
        operation["requestBody"] = {"required": not route.may_be_empty, "content": content}
    return operation


def _content(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"schema": {"$ref": _REF.format(name=kind.__name__)}}


def _parameters(route: Route, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parameters of a route: those of its path, the key in a header, those of its query."""
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": _PATH_PARAMETERS[name]}
    if route.has_key:
        text = "Chosen by the client; the same key and batch give the same job, however often they are sent."
        schema = {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "^[ -~]+$"}
        yield {"name": "Idempotency-Key", "in": "header", "description": text, "schema": schema}
    if route.query:
        for name, schema in schemas[route.query.__name__]["properties"].items():
            yield {"name": name, "in": "query", "schema": _non_null(schema)}


def _non_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter without null, which stands for one that is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    return kinds[0] if len(kinds) == 1 else {name: value for name, value in schema.items() if value is not None}


def _responses(route: Route) -> Iterator[tuple[str, dict[str, Any]]]:
    for status, kind in route.answers.items():
        answer: dict[str, Any] = {"description": "Done."}
        if kind:
            first, _, _ = (kind.__doc__ or "").partition("\n\n")
            answer = {"description": " ".join(first.split()), "content": {JSON: _content(kind)}}
        if route.text:
            answer = {"description": "Text.", "content": {route.text: {"schema": {"type": "string"}}}}
        if kind is ResultsDocument:
            answer["content"] |= {NDJSON: {"schema": {"type": "string"}}, FRAMES: {"schema": {"type": "string"}}}
        yield str(status), answer
    problems: dict[int, list[str]] = {}
    for name in (*route.problems, *_COMMON_PROBLEMS):
        problems.setdefault(KINDS[name].status, []).append(f"{KINDS[name].title} (`{KINDS[name].uri}`).")
    for status, titles in sorted(problems.items()):
        yield str(status), {"description": " ".join(titles), "content": {PROBLEM: _content(Problem)}}


async def show_document(_service: Service, _request: Request) -> Response:
    """Answer with the description as JSON."""
    return Response(msgspec.json.encode(description()), media_type=JSON)


if __name__ == "__main__":
    import sys

    sys.stdout.write(msgspec.json.format(msgspec.json.encode(description()), indent=1).decode() + "\n")
