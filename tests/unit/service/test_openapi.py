"""The description of the API is written down, so that a change of it is seen."""

import json
import re
from pathlib import Path

from farshot.service.openapi import description
from farshot.service.problems import KINDS
from farshot.service.routes import ROUTES

WRITTEN = Path(__file__).parents[3] / "docs" / "openapi.json"


def test_the_document_is_the_one_in_the_docs():
    assert json.loads(WRITTEN.read_text()) == json.loads(json.dumps(description())), (
        "run: python -m farshot.service.openapi > docs/openapi.json"
    )


def test_every_route_says_what_it_does():
    for route in ROUTES:
        assert route.handler.__doc__
        assert set(re.findall(r"{(\w+)}", route.path)) <= {"job_id", "number", "name", "token_id"}
        assert set(route.problems) <= set(KINDS)


def test_names_of_problems_are_stable_words():
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", name) for name in KINDS)
