from datetime import UTC, datetime, timedelta

import pytest

from farshot.accounts import NO_LIMITS, Quota, Role, Token, User, check_name, new_token, token_id, token_matches
from farshot.errors import OptionError

NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["a", "ada@lab", "Ada.L-2_x", "9lives", "x" * 64])
def test_a_name_that_may_be_a_users(name):
    assert check_name(name) == name


@pytest.mark.parametrize("name", ["", " ada", "ada ", "-ada", ".", "@lab", "a/b", "ada\n", "adä", "x" * 65, "a\0b"])
def test_a_name_that_may_not(name):
    with pytest.raises(OptionError, match="name"):
        check_name(name)


def test_a_long_name_is_not_repeated_whole():
    with pytest.raises(OptionError) as caught:
        check_name("!" * 10_000)
    assert len(str(caught.value)) < 300


def test_a_token_is_known_by_its_text_alone():
    token, text = new_token("ada", NOW)
    assert token_id(text) == token.id
    assert token_matches(token, text)
    assert text not in repr(token)
    assert (token.user, token.created_at, token.expires_at, token.revoked_at) == ("ada", NOW, None, None)


def test_no_two_tokens_are_alike():
    made = [new_token("ada", NOW) for _ in range(100)]
    assert len({text for _, text in made}) == len({token.id for token, _ in made}) == 100
    assert not token_matches(made[0][0], made[1][1])


def test_another_secret_under_the_same_id_does_not_match():
    token, text = new_token("ada", NOW)
    forged = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert token_id(forged) == token.id
    assert not token_matches(token, forged)


@pytest.mark.parametrize("text", ["", "farshot", "farshot_0", "Bearer x", "farshot_" + "0" * 12 + "_short"])
def test_what_is_no_token_has_no_id(text):
    assert token_id(text) is None


def test_what_stands_around_a_token_is_no_part_of_it():
    _, text = new_token("ada", NOW)
    for wrong in (f" {text}", f"{text}\n", text.upper(), text + text):
        assert token_id(wrong) is None


def test_a_token_holds_until_it_expires():
    token, _ = new_token("ada", NOW, NOW + timedelta(hours=1))
    assert token.holds(NOW)
    assert token.holds(NOW + timedelta(minutes=59))
    assert not token.holds(NOW + timedelta(hours=1))


def test_a_revoked_token_holds_no_more():
    token = Token(id="0" * 12, user="ada", digest=b"", created_at=NOW, revoked_at=NOW)
    assert not token.holds(NOW)


def test_a_user_is_nobody_special_unless_told():
    assert User("ada") == User("ada", Role.USER, NO_LIMITS)
    assert Quota() == NO_LIMITS
