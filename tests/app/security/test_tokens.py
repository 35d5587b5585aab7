from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from app.security.tokens import csrf_token, digest_of, is_token, new_token, open_under, seal_under


def test_a_new_token_has_the_form_of_one() -> None:
    assert is_token(new_token())


def test_no_two_tokens_are_alike() -> None:
    assert len({new_token() for _ in range(100)}) == 100


def test_other_text_has_not_the_form_of_a_token() -> None:
    token = new_token()
    for text in ("", token[3:], f"{token}x", token[:-1], f"{token}\n", "bl_" + "é" * 43):
        assert not is_token(text)


def test_the_digest_is_not_the_token() -> None:
    token = new_token()
    assert token[3:] not in digest_of(token)
    assert len(digest_of(token)) == 64


def test_text_that_is_no_unicode_has_a_digest_too() -> None:
    assert len(digest_of("\udcff")) == 64


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
