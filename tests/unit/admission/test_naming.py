"""Words in place of names that are none: in the arguments of gates, and nowhere else."""

import re

from hypothesis import given
from hypothesis import strategies as st

from farshot.admission.naming import renamed

OTHERS = {"a b": "p_0", "2t": "p_1"}
PIECES = ["a b", "2t", "(", ")", ";", "if", "if(", "rx", " ", "\n", "2", "_", "q[0]"]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_names_are_replaced_between_the_outer_parentheses_of_a_statement(text):
    word = re.compile(r"(?<![A-Za-z0-9_])(?:a b|2t)(?![A-Za-z0-9_(])")
    held = re.compile(r"(?<!if)\([^;]*\)")
    assert renamed(text, OTHERS) == held.sub(lambda part: word.sub(lambda name: OTHERS[name[0]], part[0]), text)


def test_a_text_of_parentheses_is_read_once():
    text = "rx(" * 500_000
    assert renamed(text, OTHERS) == text
