from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from app.security.tokens import csrf_token, digest_of, is_token, new_token, open_under, seal_under


def test_a_new_token_has_the_form_of_one() -> None:
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_token, tokens))
    token = new_token()
    for text in ("", token[3:], f"{token}x", token[:-1], f"{token}\n", "bl_" + "é" * 43):
        assert not is_token(text)


def test_the_digest_is_not_the_token() -> None:
    token = new_token()
    assert token[3:] not in digest_of(token)
    # Nor must it be Unicode.
    assert len(digest_of(token)) == len(digest_of("\udcff")) == 64


def test_each_session_has_its_own_token_against_forgery() -> None:
    assert csrf_token("a") != csrf_token("b")
    assert csrf_token("a") == csrf_token("a")


def test_what_is_sealed_under_a_session_opens_with_its_cookie_alone() -> None:
    sealed = seal_under("a", "an ID token")
    assert sealed != seal_under("a", "an ID token")
    assert "ID token" not in sealed
    assert open_under("a", sealed) == "an ID token"
    with pytest.raises(InvalidTag):
        open_under("b", sealed)
