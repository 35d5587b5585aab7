"""The secret moves on: which rounds the bytes of a workspace open, against a model that knows them all."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from samples.refusals import raises
from vectors.file import read_vectors
from vectors.secret import SECRET, secrets_of_rounds, step

from encoding.errors import NotReadyError, SecretMovedOnError
from encoding.secret import kept_secret
from encoding.secret.kept_secret import (
    KeptSecret,
    end_rounds,
    kept_of,
    secret_for_round,
    without_past,
    write_kept,
)
from encoding.secret.secret import Secret
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.signing.identity import base64_bytes
from schemas.signing.secret_share import SecretHolders

HOLDERS = SecretHolders.from_canonical(read_vectors("secret-share")["holders"].encode())
PROJECT, EPOCH = HOLDERS.project, HOLDERS.epoch
LAST = 40
TRUE = secrets_of_rounds(SECRET, PROJECT, LAST)


class Killed(Exception):
    """The process ended here."""


class Thief:
    """Anyone who has a workspace and its key: all secrets in it, and all that follows from each by either
    step.
    """

    def __init__(self, workspace: Workspace) -> None:
        kept = kept_of(workspace, PROJECT, EPOCH)
        assert kept is not None
        assert kept.first is not None
        texts = [
            kept.secret,
            kept.first.confirm,
            kept.first.canary,
            *(one.secret for one in kept.rounds),
        ]
        self.secrets = {base64_bytes(text, 32) for text in texts if text is not None}

    def opens(self) -> set[int]:
        """Return the rounds whose secret follows from what was found, from wherever the thief starts."""
        found = {secret for start in self.secrets for secret in self._following(start)}
        return {number for number, (_, own) in TRUE.items() if own in found}

    def _following(self, start: bytes) -> Iterator[bytes]:
        yield start
        for first in range(1, LAST + 1):
            present = start
            for number in range(first, LAST + 1):
                yield step(present, "round", PROJECT, number)
                present = step(present, "next", PROJECT, number)
                if first > 1 and present not in self._known:
                    break

    _known = frozenset(present for present, _ in TRUE.values())


def new_workspace(folder: Path) -> Workspace:
    workspace = open_workspace(folder / "workspace")
    kept = KeptSecret(holders=HOLDERS).with_secret(Secret(SECRET))
    write_kept(workspace.kept_secret(PROJECT, EPOCH), kept, workspace.key())
    return workspace


def encode(workspace: Workspace, number: int) -> bytes:
    kept = kept_of(workspace, PROJECT, EPOCH)
    assert kept is not None
    return secret_for_round(workspace, kept, number).secret.to_bytes()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("encode"), st.integers(0, 3)),
        st.tuples(st.just("killed"), st.sampled_from(["before", "after"])),
        st.tuples(st.just("over"), st.integers(0, 2)),
        st.tuples(st.just("again"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["back up", "restore"]), st.just(0)),
    ),
    max_size=10,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_a_workspace_opens_the_rounds_that_it_holds_and_those_to_come_and_no_other(
    steps: list[tuple[str, int | str]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        workspace = new_workspace(folder)
        # The model: the next number of the secret, the rounds that are held, and the same of the last backup.
        state, backup = (1, frozenset[int]()), None
        log = 1
        for what, how in steps:
            after, held = state
            if what == "encode" and isinstance(how, int):
                # A round of the log: numbers that this agency missed, or that a correction took, are passed.
                log = min(max(log, after) + how, LAST - 1)
                assert encode(workspace, log) == TRUE[log][1]
                state = (log + 1, held | {log})
            elif what == "killed":
                log = min(max(log, after) + 1, LAST - 1)
                whole = kept_secret.write_kept
                with pytest.MonkeyPatch.context() as patched:

                    def dying(*given: object, how: object = how, whole: Any = whole) -> None:
                        if how == "after":
                            whole(*given)
                        raise Killed

                    patched.setattr(kept_secret, "write_kept", dying)
                    with pytest.raises(Killed):
                        encode(workspace, log)
                if how == "after":
                    state = (log + 1, held | {log})
            elif what == "over" and isinstance(how, int):
                newest = log - how
                is_over = newest.__gt__
                changed = without_past(workspace, PROJECT, newest, is_over)
                assert bool(changed) == (newest >= after or any(map(is_over, held)))
                end_rounds(workspace, changed)
                # Restored, or of a former epoch: what it missed is stepped over.
                state = (max(after, newest + 1), frozenset(one for one in held if one >= newest))
            elif what == "again" and isinstance(how, int):
                number = max(1, after - 1 - how)
                if number in held:
                    # A second pair, a supplement, or the claims of an older round.
                    assert encode(workspace, number) == TRUE[number][1]
                elif number < after:
                    with raises(SecretMovedOnError, match=f"beyond round {number}"):
                        encode(workspace, number)
            elif what == "back up":
                shutil.rmtree(folder / "backup", ignore_errors=True)
                shutil.copytree(workspace.folder, folder / "backup")
                backup = state
            elif what == "restore" and backup is not None:
                shutil.rmtree(workspace.folder)
                shutil.copytree(folder / "backup", workspace.folder)
                state = backup
            after, held = state
            assert Thief(workspace).opens() == {*held, *range(after, LAST + 1)}


def test_nothing_moves_on_before_the_secret_is_made(tmp_path: Path) -> None:
    workspace = open_workspace(tmp_path / "workspace")
    with raises(NotReadyError, match="not made yet"):
        secret_for_round(workspace, KeptSecret(holders=HOLDERS), 1)


def test_key_id_and_confirmations_stay_those_of_the_first_secret(tmp_path: Path) -> None:
    workspace = new_workspace(tmp_path)
    before = kept_of(workspace, PROJECT, EPOCH)
    for number in (1, 5):
        encode(workspace, number)
    after = kept_of(workspace, PROJECT, EPOCH)
    assert before is not None
    assert after is not None
    assert before.marks() == after.marks()
    assert len(set(itertools.chain(*TRUE.values()))) == 2 * LAST
