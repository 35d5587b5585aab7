"""Whether a run was approved, by what a broker shows, honest or not."""

from __future__ import annotations

from typing import Any

import pytest
from samples.refusals import raises
from samples.shown_agreements import (
    FIRST,
    approval,
    approvals,
    specification,
    standing,
    standing_list,
)

from encoding.agreement.approvals import require_approved, require_let_go
from encoding.errors import AgreementUntrustedError, OthersWaitedForError
from schemas.agreement.agreement import Agreement

RUN = specification()
ANN, KIM = approval("ann", RUN), approval("kim", RUN)
STANDING = "apv-" + "9" * 32
AGREEMENT = Agreement.from_json(FIRST)
RELEASES = FIRST | {"approvals": {**FIRST["approvals"], "releases": True}}


def require(*shown: Any, used: tuple[Any, ...] = (), taken_up: tuple[str, ...] = ()) -> None:
    require_approved([AGREEMENT], RUN, approvals(*shown, standing=taken_up), standing_list(*used))


def test_approvals_of_all_whom_the_agreement_asks_suffice_standing_ones_among_them() -> None:
    require(ANN, KIM)
    later = standing("kim", revoked="2026-09-08T06:00:00Z")
    for used in (standing("kim"), later):
        require(ANN, used=(used,), taken_up=(STANDING,))


def test_a_missing_forged_or_exceeded_approval_is_noticed() -> None:
    with raises(AgreementUntrustedError, match="although k12 has not approved it"):
        require(ANN)
    # One that was not taken up does not count.
    with raises(AgreementUntrustedError, match="k12 has not approved"):
        require(ANN, used=(standing("kim"),))
    for forged, reason in (
        (approval("kim", RUN, key="ann"), "does not count"),
        (approval("bob", RUN), "does not count"),
        (approval("kim", RUN, run="run-" + "8" * 32), "a different run"),
        (approval("kim", RUN, specification_sha256="0" * 64), "a different run"),
    ):
        with raises(AgreementUntrustedError, match=reason):
            require(ANN, forged)
    for forged, reason in (
        (standing("kim", key="ann"), "does not count"),
        (standing("kim", policy_sha256="0" * 64), "different probabilities"),
        (standing("kim", until="2026-09-06"), "had ended"),
        (standing("kim", runs=3, used=4), "too often"),
        (standing("kim", revoked="2026-09-07T05:59:59Z"), "taken back"),
    ):
        with raises(AgreementUntrustedError, match=reason):
            require(ANN, used=(forged,), taken_up=(STANDING,))


def test_a_release_needs_its_own_approvals_where_the_agreement_asks_for_them() -> None:
    run = specification(RELEASES)
    agreement = Agreement.from_json(RELEASES)
    both = [approval(name, run, raw=RELEASES) for name in ("ann", "kim")]
    let_go = [approval(name, run, "release", raw=RELEASES) for name in ("ann", "kim")]
    require_let_go([agreement], run, approvals(*both, *let_go), standing_list())
    # Until then nothing is wrong: the run may end before anybody has looked at what it found.
    require_approved([agreement], run, approvals(*both), standing_list())
    with pytest.raises(OthersWaitedForError, match="not approved yet by k12"):
        require_let_go([agreement], run, approvals(*both, let_go[0]), standing_list())
