"""The description of the API as an HTML page without scripts or resources from elsewhere."""

from __future__ import annotations

import json
import re
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, RedirectResponse

from farshot.service.openapi import DOCUMENT, description

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from farshot.service.context import Service


PAGE = "/docs"
_CODE = re.compile(r"`([^`]+)`")
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "as in {}",
    "format": "{}",
}


async def show_page(_service: Service, _request: Request) -> Response:
    """Return the description as a page."""
    return HTMLResponse(_render_page())


async def redirect_to_page(_service: Service, _request: Request) -> Response:
    """Redirect the root path to the description."""
    return RedirectResponse(PAGE)


@cache
def _render_page() -> str:
    described = description()
    operations = [
        (method.upper(), path, operation)
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = described["components"]["schemas"]
    links = "".join(
        f'<li><a href="#{_make_anchor(method, path)}"><b>{method}</b> {escape(path)}</a></li>'
        for method, path, _ in operations
    )
    documents = "".join(f'<li><a href="#{name}">{name}</a></li>' for name in schemas)
    body = "".join(_render_operation(*each) for each in operations) + "<h1>Documents</h1>"
    body += "".join(_render_schema(name, schema) for name, schema in schemas.items())
    info = described["info"]
    return (
        _PAGE_TEMPLATE.replace("{version}", escape(info["version"]))
        .replace("{intro}", _format(info["description"]))
        .replace("{document}", DOCUMENT)
        .replace("{links}", f"<ul>{links}</ul><ul>{documents}</ul>")
        .replace("{body}", body)
    )


def _make_anchor(method: str, path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", f"{method}{path}".lower()).strip("-")


def _render_operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    parts = [
        f'<h2 id="{_make_anchor(method, path)}"><code><b>{method}</b> {escape(path)}</code></h2>',
        f"<p>{_format(operation['summary'])}</p>",
        f"<p>{_format(operation['description'])}</p>" if "description" in operation else "",
        _render_table(("parameter", "in", "what it takes", ""), map(_parameter_cells, operation["parameters"])),
        *(f"<p>Takes {link}.</p>" for link in _list_contents(operation.get("requestBody", {}))),
        _render_table(("answer", "what it is", "document"), map(_answer_cells, operation["responses"].items())),
    ]
    return f"<section>{''.join(parts)}</section>"


def _list_contents(given: Mapping[str, Any]) -> Iterator[str]:
    """Yield the types of a body or an answer, with their media types."""
    for kind, content in given.get("content", {}).items():
        yield f"{_describe(content['schema'])} <small>{escape(kind)}</small>"


def _parameter_cells(given: Mapping[str, Any]) -> tuple[str, ...]:
    name = f"<code>{escape(given['name'])}</code>{' (needed)' if given.get('required') else ''}"
    kind = _describe(given["schema"]) + _describe_default(given["schema"])
    return name, given["in"], kind, _format(given.get("description", ""))


def _answer_cells(given: tuple[str, Mapping[str, Any]]) -> tuple[str, ...]:
    status, answer = given
    return f"<code>{status}</code>", _format(answer["description"]), "<br>".join(_list_contents(answer))


def _render_schema(name: str, schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", ())
    rows = (
        (
            f"<code>{escape(member)}</code>",
            _describe(given) + (" (needed)" if member in needed else _describe_default(given)),
        )
        for member, given in schema.get("properties", {}).items()
    )
    example = "".join(
        f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>"
        for example in schema.get("examples", ())
    )
    fields = (
        _render_table(("field", "what it holds"), rows) if "properties" in schema else f"<p>{_describe(schema)}</p>"
    )
    paragraphs = schema.get("description", "").split("\n\n")
    text = "".join(f"<p>{_format(' '.join(paragraph.split()))}</p>" for paragraph in paragraphs if paragraph)
    return f'<section><h2 id="{name}">{name}</h2>{text}{fields}{example}</section>'


def _render_table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a table of cells in HTML; nothing if there are no rows."""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{''.join(f'<th>{name}</th>' for name in head)}</tr>{body}</table>" if body else ""


def _format(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))


def _describe(schema: Mapping[str, Any]) -> str:
    """Return the type of a value in words, with links and bounds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    if "anyOf" in schema:
        return " or ".join(map(_describe, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema["enum"])
    words = escape(str(schema.get("type", "any value")))
    if words == "array" and schema.get("items"):
        words = f"array of {_describe(schema['items'])}"
    elif words == "object" and schema.get("additionalProperties"):
        words = f"object whose members are: {_describe(schema['additionalProperties'])}"
    bounds = ", ".join(_describe_bounds(schema))
    return f"{words} ({bounds})" if bounds else words


def _describe_bounds(schema: Mapping[str, Any]) -> Iterator[str]:
    for name, words in _BOUNDS.items():
        if name in schema:
            value = schema[name]
            yield escape(words.format(f"{value:,}" if isinstance(value, int) else value))


def _describe_default(schema: Mapping[str, Any]) -> str:
    found = schema.get("default")
    return "" if found is None else f"; else <code>{escape(json.dumps(found))}</code>"


_PAGE_TEMPLATE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Farshot API</title>
<meta name="viewport" content="width=device-width">
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 64rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24 }
h1 { margin-top: 3rem } h2 { margin-top: 2.5rem; font-size: 1.1rem }
a { color: #0b57a4; text-decoration: none } a:hover { text-decoration: underline }
code, pre { background: #f2f4f7; border-radius: .2rem; font-size: .9em } code { padding: .1rem .3rem }
pre { padding: .7rem 1rem; overflow-x: auto }
nav ul { columns: 18rem; list-style: none; padding: 0 }
table { border-collapse: collapse; width: 100%; margin: .8rem 0 }
th { text-align: left; font-weight: 600; color: #57606a }
td, th { border-top: 1px solid #dde1e6; padding: .3rem .8rem .3rem 0; vertical-align: top; overflow-wrap: break-word }
td:first-child { white-space: nowrap }
small { color: #57606a }
</style></head>
<body><h1>Farshot API <small>{version}</small></h1><p>{intro}</p>
<p>Send <code>Authorization: Bearer TOKEN</code>; <code>farshot token create NAME</code> makes a token. The same for
programs is <a href="{document}">{document}</a>.</p>
<pre>curl -s $URL/v1/jobs -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \\
  -d '{"circuits": {"coin": "OPENQASM 2.0; qreg q[1]; creg c[1]; U(1.5708,0,0) q[0]; measure q -> c;"}}'
curl -s "$URL/v1/jobs/$JOB_ID/results" -H "Authorization: Bearer $TOKEN"</pre>
<nav>{links}</nav>
{body}</body></html>
"""
