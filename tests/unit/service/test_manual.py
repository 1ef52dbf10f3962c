"""The page of the API shows every operation and every field of every document, with an example that is one."""

import html
import re
from datetime import UTC, datetime

import msgspec
import pytest

from farshot import wire
from farshot.service.api_page import _render_page
from farshot.service.openapi import description

SCHEMAS = description()["components"]["schemas"]
KINDS = {name: getattr(wire, name) for name in SCHEMAS if hasattr(wire, name)}


@pytest.mark.parametrize("name", KINDS)
def test_the_example_of_a_document_is_one(name):
    (example,) = SCHEMAS[name]["examples"]
    document = msgspec.json.decode(msgspec.json.encode(example), type=KINDS[name])
    assert isinstance(document, KINDS[name])
    for member in KINDS[name].__struct_fields__:
        value = getattr(document, member)
        assert not isinstance(value, datetime) or value.tzinfo == UTC


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_on_the_page(name):
    section = _render_page().partition(f'<h2 id="{name}">')[2].partition("</section>")[0]
    assert "<pre>" in section
    for member in SCHEMAS[name].get("properties", ()):
        assert f"<code>{member}</code>" in section


def test_every_operation_is_on_the_page_and_every_link_leads_somewhere():
    page = _render_page()
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            assert f"<b>{method.upper()}</b> {html.escape(path)}" in page
            assert html.escape(operation["summary"].split("`")[0]) in page
    targets = set(re.findall(r'href="([^"]+)"', page))
    assert {target for target in targets if not target.startswith("#")} == {"/v1/openapi.json"}
    assert {target[1:] for target in targets if target.startswith("#")} <= set(re.findall(r'id="([^"]+)"', page))
    assert not re.search(r"<script|<img|<link|url\(|@import", page)
