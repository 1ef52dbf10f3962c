"""Tests of users and tokens."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from farshot.accounts import NO_LIMITS, Quota, Role, User, new_token, token_id, token_matches
from farshot.errors import StoreError
from farshot.testing.stores.values import make_queue

if TYPE_CHECKING:
    from farshot.protocols import AccountStore, JobStore

_NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
_QUOTA = Quota(queued_circuits=10**9, running_shards=2, shots_per_day=10**12, stored_bytes=2**40)


class AccountSuite:
    """Tests of users, tokens and limits. The fixtures `accounts` and `store` share a database."""

    def test_users_are_kept_by_name(self, accounts: AccountStore) -> None:
        """Users are listed in order of name, with role and quota."""
        eve, ada = User("eve", Role.ADMIN, _QUOTA), User("ada")
        assert [accounts.add_user(user) for user in (eve, ada)] == [eve, ada]
        assert accounts.users() == [ada, eve]

    def test_adding_a_user_again_gives_it_the_role(self, accounts: AccountStore) -> None:
        """The quota and the tokens stay."""
        accounts.add_user(User("ada", Role.USER, _QUOTA))
        token, _ = new_token("ada", _NOW)
        accounts.add_token(token)
        for role in (Role.USER, Role.ADMIN, Role.USER):
            assert accounts.add_user(User("ada", role)) == User("ada", role, _QUOTA)
            assert accounts.users() == [User("ada", role, _QUOTA)]
        assert accounts.tokens() == [token]

    def test_a_quota_is_given_and_taken(self, accounts: AccountStore) -> None:
        """`limit` returns False for an unknown user."""
        accounts.add_user(User("ada"))
        for quota in (_QUOTA, Quota(running_shards=0), NO_LIMITS):
            assert accounts.limit("ada", quota)
            assert accounts.users() == [User("ada", Role.USER, quota)]
        assert not accounts.limit("bob", _QUOTA)
        assert len(accounts.users()) == 1

    def test_a_token_is_found_with_its_user(self, accounts: AccountStore) -> None:
        """A token is found by the id in its text; the text is not stored."""
        user = accounts.add_user(User("ada", Role.ADMIN, _QUOTA))
        token, text = new_token("ada", _NOW, _NOW + timedelta(days=1))
        accounts.add_token(token)
        found = accounts.token(token_id(text) or "")
        assert found == (token, user)
        assert token_matches(token, text)
        assert text not in repr(found)
        assert accounts.token("0" * 12) is None

    def test_tokens_are_listed_by_user_and_age(self, accounts: AccountStore) -> None:
        for name in ("eve", "ada"):
            accounts.add_user(User(name))
        made = [new_token(name, _NOW + timedelta(hours=age))[0] for name, age in (("eve", 0), ("ada", 2), ("ada", 1))]
        for token in made:
            accounts.add_token(token)
        assert accounts.tokens() == [made[2], made[1], made[0]]

    def test_a_revoked_token_stays_and_is_worthless(self, accounts: AccountStore) -> None:
        """Revoking it again, or revoking an unknown token, changes nothing."""
        accounts.add_user(User("ada"))
        kept, gone = (new_token("ada", _NOW)[0] for _ in range(2))
        for token in (kept, gone):
            accounts.add_token(token)
        assert accounts.revoke(gone.id, _NOW)
        assert not accounts.revoke(gone.id, _NOW + timedelta(hours=1))
        assert not accounts.revoke("0" * 12, _NOW)
        for token, revoked_at in ((kept, None), (gone, _NOW)):
            found = accounts.token(token.id)
            assert found is not None
            assert (found[0].revoked_at, found[0].holds(_NOW)) == (revoked_at, revoked_at is None)

    def test_a_token_needs_a_user(self, accounts: AccountStore) -> None:
        with pytest.raises(StoreError):
            accounts.add_token(new_token("nobody", _NOW)[0])
        assert accounts.tokens() == []

    def test_a_users_own_limit_holds_for_claims(self, accounts: AccountStore, store: JobStore) -> None:
        """The limit applies to shards of that user only, from the moment it is set."""
        for name in ("ada", "bob"):
            accounts.add_user(User(name))
            store.add(make_queue(name, [1.0] * 4))
        accounts.limit("ada", Quota(running_shards=1))
        owners = [store.job(shard.lease.job_id).owner for shard in store.claim("me", 9)]
        assert sorted(owners) == ["ada", "bob", "bob", "bob", "bob"]
        accounts.limit("ada", Quota(running_shards=0))
        assert store.claim("me", 9) == []
        accounts.limit("ada", NO_LIMITS)
        assert len(store.claim("me", 9)) == 3
