"""A line of the log is one line and says one thing, whatever was logged."""

import io
import json
import logging
import re
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farshot.accounts import new_token
from farshot.service.logs import JsonLines, TextLines, log_event

FORMS = [JsonLines(), TextLines()]
HOSTILE = 'a\nINFO forged\r\x1b[31m"\\ \u2028\u202e\x85\x7f\ud800=\0'


def lines_of(form, log):
    logger = logging.Logger("farshot.test", logging.DEBUG)  # noqa: LOG001 -- of this test alone
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form)
    logger.addHandler(handler)
    log(logger)
    return stream.getvalue()


def told(form, **fields):
    return lines_of(form, lambda logger: log_event(logger, logging.INFO, "happened", **fields))


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(st.characters()))
@example(text=HOSTILE)
def test_no_text_breaks_a_line(form, text):
    written = told(form, text=text, after=1)
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert len(written.splitlines()) == 1


@given(text=st.text(st.characters(), max_size=500))
@example(text=HOSTILE)
def test_json_gives_back_what_was_logged(text):
    facts = json.loads(told(JsonLines(), text=text, number=7, share=0.5, absent=None))
    assert facts.pop("time").endswith("Z")
    assert facts == {"level": "INFO", "event": "happened", "text": text, "number": 7, "share": 0.5}


@given(text=st.text(st.characters(), max_size=100))
@example(text=HOSTILE)
def test_a_value_is_one_word_of_the_text_form(text):
    written = told(TextLines(), text=text, after=1)
    assert re.search(r' happened text=([^ "=\\]+|"([^"\\]|\\.)*") after=1\n$', written)


def test_the_text_form_can_be_read():
    written = told(TextLines(), path="/v1/jobs", tag="my run")
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO {5}happened path=/v1/jobs tag="my run"\n', written
    )
    assert shlex.split(written)[3:] == ["path=/v1/jobs", "tag=my run"]


@pytest.mark.parametrize("form", FORMS)
def test_long_values_are_cut(form):
    assert "x" * 500 + "…" in told(TextLines(), text="x" * 100_000)
    assert len(told(form, text="x" * 100_000)) < 700


def test_what_is_no_plain_value_is_written_as_text():
    facts = json.loads(told(JsonLines(), kind=ValueError("no"), far=float("inf"), good=True))
    assert (facts["kind"], facts["far"], facts["good"]) == ("no", "inf", True)


@pytest.mark.parametrize("form", FORMS)
def test_an_exception_is_one_field(form):
    def fail(logger):
        try:
            json.loads("{" + HOSTILE)
        except ValueError as error:
            error.add_note(HOSTILE)
            logger.exception("it failed: %s", "so")

    written = lines_of(form, fail)
    assert written[:-1].isprintable()
    assert "it failed: so" in written
    assert "Traceback" in written
    assert "forged" in written


def test_the_end_of_a_long_exception_stays():
    def fail(logger):
        logger.error("bad", exc_info=ValueError("x" * 20_000 + "the end"))

    assert json.loads(lines_of(JsonLines(), fail))["exception"].endswith("the end")


def test_what_others_log_is_an_event_too():
    facts = json.loads(lines_of(JsonLines(), lambda logger: logger.warning("two\nlines of %d", 3)))
    assert (facts["event"], facts["logger"], facts["message"]) == ("log", "farshot.test", "two\nlines of 3")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("around", ["{}", "/v1/jobs/{}", "x{}y", "Bearer {}\n"])
def test_a_token_loses_its_secret(form, around, now):
    _, text = new_token("ann", now)
    secret = text.split("_", 2)[2]
    written = told(form, text=around.format(text), error=ValueError(text))
    written += lines_of(form, lambda logger: logger.error("%s", text, exc_info=ValueError(text)))
    assert secret not in written
    assert text.split("_", 2)[1] in written
