"""No key is asked for within a write: a slow keeper would hold up all other writers of SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rigs.linkage import CHILD_WELFARE, SCHOOL, Linkage

from app.sealed.objects import cut_pieces
from app.security.keystore import KeyStore


@pytest.fixture
def calls(linkage: Linkage, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The calls of the key store so far; each fails while someone holds the lock of writers."""
    made: list[str] = []

    def while_others_write(name: str) -> Callable[..., Any]:
        call = getattr(KeyStore, name)

        def called(keystore: KeyStore, object_id: str) -> Any:
            file = str(linkage.broker.database.file)
            with closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                other.execute("ROLLBACK")
            made.append(f"{name} {object_id.partition('-')[0]}")
            return call(keystore, object_id)

        return called

    for name in ("create", "open"):
        monkeypatch.setattr(KeyStore, name, while_others_write(name))
    return made


def test_a_round_asks_for_no_key_within_a_write(linkage: Linkage, calls: list[str]) -> None:
    linkage.upload_both()
    linkage.work()
    assert linkage.run()["state"] == "succeeded"
    assert {"create upl", "create run", "open run", "create rel", "create mrc"} <= {*calls}
    # One run's keys were drawn: not for the first commit, which completed no pair.
    assert calls.count("create run") == 1 + len(linkage.terms.spaces)
    assert linkage.put_claims(CHILD_WELFARE, SCHOOL, b"sealed").status_code == 200
    assert linkage.get_claims(SCHOOL, CHILD_WELFARE).content == b"sealed"
    assert {"create msg", "open msg"} <= {*calls}


def test_a_run_that_is_asked_for_by_hand_has_its_keys_before_the_write(
    linkage: Linkage, calls: list[str]
) -> None:
    linkage.upload_both()
    run = linkage.run()["run"]
    assert linkage.post_as(f"/v1/runs/{run}/cancel").status_code == 200
    del calls[:]
    again = linkage.ask()
    assert again.status_code == 202
    assert "create run" in calls
    before = {*linkage.broker.keystore.object_ids()}
    # Asked for once more, it is that run, and what was drawn for another one is destroyed.
    assert linkage.ask().json()["run"] == again.json()["run"]
    assert {*linkage.broker.keystore.object_ids()} == before


@given(st.lists(st.binary(min_size=1, max_size=20)), st.integers(1, 60))
def test_pieces_are_the_lines_cut_between_two(lines: list[bytes], piece_bytes: int) -> None:
    pieces = list(cut_pieces(lines, piece_bytes=piece_bytes))
    assert b"".join(pieces) == b"".join(lines)
    assert all(pieces)
    assert all(len(piece) >= piece_bytes for piece in pieces[:-1])
    assert all(len(piece) < piece_bytes + 20 for piece in pieces)


def test_an_empty_file_has_no_piece() -> None:
    assert list(cut_pieces([])) == []
