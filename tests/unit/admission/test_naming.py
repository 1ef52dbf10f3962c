"""Words in place of names that are none: in the arguments of gates, and nowhere else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farshot.errors import BatchError
from farshot.templates.names import other_name, renamed, words_for

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


@given(st.lists(st.sampled_from(["a", "a b", "a b c", "b", "b c", "2"]), unique=True), st.text("ab c2();", max_size=30))
def test_of_names_that_begin_alike_the_longest_is_taken(names, text):
    others = dict(zip(names, "PQRSTU", strict=False))
    longest_first = "|".join(sorted(map(re.escape, names), key=len, reverse=True)) or "(?!)"
    word = re.compile(rf"(?<![A-Za-z0-9_])(?:{longest_first})(?![A-Za-z0-9_(])")
    held = re.compile(r"(?<!if)\([^;]*\)")
    assert renamed(text, others) == held.sub(lambda part: word.sub(lambda name: others[name[0]], part[0]), text)


def test_many_names_are_looked_for_together():
    others = {f"a {place}": f"p_{place}" for place in range(20_000)}
    text = "".join(f"rx({name}) q;" for name in others)
    assert renamed(text, others) == "".join(f"rx({word}) q;" for word in others.values())


def test_names_that_begin_with_one_another_without_end_are_refused():
    others = {"a" + " a" * length: f"p_{length}" for length in range(500)}
    with pytest.raises(BatchError, match="names that begin with one another"):
        renamed(f"rx({'b ' * 50_000}) q;", others)


def test_words_are_short_whatever_the_text_has():
    assert words_for(["a b"], f"// {'p' * 1_000_000}_") == {"a b": "p1_0"}
    assert words_for(["a b"], "p_ p1_ p3_") == {"a b": "p2_0"}


def test_many_names_with_indices_are_compared_with_a_long_text_at_once():
    names = [f"t[{place}]" for place in range(20_000)]
    text = "".join(f"rx({name}) q; // _t_{place}_\n" for place, name in enumerate(names))
    assert other_name(names, text) is None
    assert other_name([*names, "t[20000]"], f"{text}_t_20000_") == ("t[20000]", "_t_20000_")
