"""Two stories in one tree: each verifies alone, and neither goes on with what the other's readers sign.

Together they prove the fork.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from breaks.forks import Fork, two_closings, two_projects
from breaks.rules import FOSTER
from campaign.reports import Tally
from click.testing import CliRunner, Result
from rigs.independent_verdict import why_refused
from samples.parties import CW

from app.auditor.cli import main
from app.auditor.errors import AuditError
from app.auditor.verify import verify_bundle
from encoding.errors import LogError, LogForkedError
from encoding.log.heads import hold_to_head, seen_head
from encoding.log.log_copy import LogCopy, read_log_copy
from schemas.matchlog.log_keys import LogKeys

STORIES = pytest.mark.parametrize("forge", [two_closings, two_projects])


def fault(bundle: bytes) -> str | None:
    """The rule that both verifiers say is broken; None: it verifies."""
    try:
        verify_bundle(io.BytesIO(bundle))
    except AuditError as error:
        assert why_refused(bundle) is not None
        return error.code
    assert why_refused(bundle) is None
    return None


def compare(fork: Fork, *files: Path) -> Result:
    keys = [f"--log-key={one.verifier_key.text}" for one in fork.log.signers]
    return CliRunner().invoke(main, ["verify", *map(str, files), *keys, "--json"])


def copy_of(fork: Fork, name: str) -> LogCopy:
    keys = LogKeys.only(fork.log.signers[-1].verifier_key)
    return read_log_copy(io.BytesIO(fork.bundle(name)), keys, ())


@STORIES
@pytest.mark.campaign("split-view")
def test_each_story_verifies_alone_and_both_together_are_a_fork(
    forge: Callable[[], Fork], tmp_path: Path, tally: Tally
) -> None:
    fork = forge()
    packs = []
    for name in ("county", "schools"):
        assert fault(fork.bundle(name)) is None
        packs.append(tmp_path / f"{name}.bundle")
        packs[-1].write_bytes(fork.bundle(name))
    tally.tried()
    assert compare(fork, packs[0], packs[0]).exit_code == 0
    found = compare(fork, *packs)
    assert found.exit_code == 1
    error = json.loads(found.stdout)["error"]
    apart = fork.told["county"] | fork.told["schools"]
    assert (error["code"], error["evidence"]["project"]) == ("fork", FOSTER)
    assert {error["evidence"]["index_1"], error["evidence"]["index_2"]} <= apart
    assert error["evidence"]["leaf_1"] != error["evidence"]["leaf_2"]


@STORIES
@pytest.mark.campaign("split-view")
def test_what_one_agency_signs_after_a_fork_fits_its_own_story_alone(
    forge: Callable[[], Fork], tally: Tally
) -> None:
    fork = forge()
    with fork.telling("county") as log:
        log.rounds(FOSTER).ensure_open()
        sent = log.upload(FOSTER, CW)
    assert fault(fork.bundle("county")) is None
    with fork.telling("schools") as log:
        log.rounds(FOSTER).ensure_open()
        log.append(sent.body, project=FOSTER, object=sent.object, actor=sent.actor)
    assert fault(fork.bundle("schools")) in {"fork", "request-agreement"}
    tally.tried()


def test_a_story_never_goes_on_with_the_entries_of_another(tmp_path: Path) -> None:
    """Before entries named the one before them, both stories of a closing went on with the same entries."""
    fork = two_closings()
    with fork.telling("county") as log:
        log.rounds(FOSTER).open()
    shared = fork.told["county"] - set(range(fork.begun, fork.begun + 2))
    shared = {seq for seq in shared if fork.log.entries[seq].kind == "round-opened"}
    fork.told["county"] -= shared
    assert fault(fork.bundle("county")) is None
    assert fault(fork.bundle("schools")) == "place"


@STORIES
def test_an_agency_finds_the_fork_by_what_another_has_signed(
    forge: Callable[[], Fork], tmp_path: Path
) -> None:
    """It keeps the proofs of both entries, and these alone convince an auditor."""
    fork = forge()
    hold_to_head(copy_of(fork, "schools"), FOSTER, tmp_path)
    with fork.telling("county") as log:
        log.rounds(FOSTER).ensure_open()
        sent = log.upload(FOSTER, CW)
    with fork.telling("schools") as log:
        log.rounds(FOSTER).ensure_open()
    hold_to_head(copy_of(fork, "schools"), FOSTER, tmp_path)
    kept = seen_head(tmp_path, FOSTER)
    with fork.telling("schools") as log:
        log.append(sent.body, project=FOSTER, object=sent.object, actor=sent.actor)
    for name, at in (("schools", sent.actor.signed), ("county", None)):
        with pytest.raises(LogForkedError, match="two stories"):
            hold_to_head(copy_of(fork, name), FOSTER, tmp_path)
        place = at.request.head.place if at else kept.place if kept else -1
        proofs = sorted(tmp_path.glob(f"evidence-{FOSTER}-{place}-*.tlog-proof"))
        assert len(proofs) == 2
        found = compare(fork, *proofs)
        assert (found.exit_code, json.loads(found.stdout)["error"]["code"]) == (1, "fork")
    assert seen_head(tmp_path, FOSTER) == kept


def test_an_agency_takes_no_head_from_a_request_that_was_not_signed(tmp_path: Path) -> None:
    """Else an operator could let the other agency say that it has seen this story."""
    fork = two_closings()
    with fork.telling("schools") as log:
        log.rounds(FOSTER).ensure_open()
        sent = log.upload(FOSTER, CW)
        signed = sent.actor.signed
        assert signed is not None
        request = signed.request.model_copy(update={"nonce": "0" * 32})
        bent = signed.model_copy(update={"request": request})
        actor = sent.actor.model_copy(update={"signed": bent})
        log.append(sent.body, project=FOSTER, object=sent.object, actor=actor)
    with pytest.raises(LogError, match="breaks its rules"):
        hold_to_head(copy_of(fork, "schools"), FOSTER, tmp_path)
    assert seen_head(tmp_path, FOSTER) is None
