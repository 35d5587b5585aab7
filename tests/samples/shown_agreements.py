"""Agreements and approvals as a broker shows them, honest or not, about the example's parties."""

from __future__ import annotations

import copy
from typing import Any

from samples.agreement import (
    AGREEMENT,
    amended,
    consent,
    digest_of,
    private,
    signed,
    stated,
)
from samples.documents import PROFILE

from schemas.agreement.agreement import Agreement
from schemas.agreement.negotiation import AgreementView, RunApprovals, StandingList
from schemas.api.bodies import ProjectView
from schemas.linkage.profile import EncodingProfile
from schemas.linkage.run import RunSpecification, RunUpload

Profile = EncodingProfile.from_json(PROFILE)
FIRST: dict[str, Any] = copy.deepcopy(AGREEMENT) | {"profile": Profile.digest()}
SECOND: dict[str, Any] = amended(FIRST, end="2028-08-31")
STEWARDS = ("ann", "eve", "kim", "sue")
RUN = "run-" + "7" * 32


def view(raw: dict[str, Any] = FIRST, **changes: Any) -> AgreementView:
    """An agreement that all have signed, as an honest broker shows it, with these fields changed."""
    shown: dict[str, Any] = {
        "state": "in-force",
        "agreement": raw,
        "profile": PROFILE,
        "proposed": "2026-08-20T08:00:00Z",
        "proposed_by": "child-welfare",
        "consents": [consent(name, raw) for name in STEWARDS],
        "notices": [],
        "missing": [],
        "suspended_by": [],
    }
    return AgreementView.from_json(shown | changes)


def notice(name: str, act: str, at: str, raw: dict[str, Any] = FIRST) -> dict[str, Any]:
    """A person's signed notice."""
    return signed(stated("notice", name, raw, act=act, reason="A reason.", at=at), private(name))


def project(raw: dict[str, Any] = FIRST, **changes: Any) -> ProjectView:
    """The project as an honest broker shows it under an agreement."""
    agreement = Agreement.from_json(raw)
    shown: dict[str, Any] = {
        "project": agreement.project,
        "agreement": agreement.digest(),
        "terms": agreement.terms().to_json(),
        "profile": PROFILE,
        "in_force": True,
    }
    return ProjectView.from_json(shown | changes)


def specification(raw: dict[str, Any] = FIRST, **changes: Any) -> RunSpecification:
    """A run that the agreement provides for."""
    terms = Agreement.from_json(raw).terms()
    uploads = tuple(
        RunUpload(
            party=party,
            upload=f"upl-{number:032x}",
            container_sha256=f"{number}" * 64,
            manifest_sha256=f"{number + 4}" * 64,
        )
        for number, party in enumerate(terms.pairs[0], 1)
    )
    made = RunSpecification(
        run=RUN,
        project=terms.project,
        epoch=terms.epoch,
        round=1,
        agreement=digest_of(raw),
        uploads=uploads,
        profile=terms.profile,
        policy=terms.policy,
        recipients=terms.recipients,
        spaces=terms.spaces,
        floor=terms.floor,
        asked_by="k12",
        asked_at="2026-09-07T06:00:00Z",
    )
    return RunSpecification.from_json(made.to_json() | changes)


def approval(
    name: str,
    of: RunSpecification,
    step: str = "run",
    *,
    raw: dict[str, Any] = FIRST,
    key: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A person's signed approval, or one signed with somebody else's key."""
    number = (1 + ord(name[0]) + (step == "release")) % 16
    said = {
        "approval": "apv-" + f"{number:x}" * 32,
        "step": step,
        "run": of.run,
        "specification_sha256": of.digest(),
        "expires": "2026-09-14T06:00:00Z",
        **fields,
    }
    return signed(stated("run-approval", name, raw, **said), private(key or name))


def approvals(*shown: dict[str, Any], standing: tuple[str, ...] = ()) -> RunApprovals:
    """Who has approved the run, as a broker shows it."""
    return RunApprovals.from_json(
        {
            "run": RUN,
            "approvals": list(shown),
            "standing": list(standing),
            "missing": [],
            "missing_for_release": None,
        }
    )


def standing(
    name: str,
    *,
    key: str | None = None,
    used: int = 1,
    revoked: str | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """A person's standing approval with its use, and when it was taken back."""
    said = {
        "approval": "apv-" + "9" * 32,
        "policy_sha256": Agreement.from_json(FIRST).policy.digest(),
        "until": "2027-08-31",
        "runs": 52,
        **fields,
    }
    statement = signed(stated("standing-approval", name, FIRST, **said), private(key or name))
    return {"signed": statement, "used": used, "revoked": revoked}


def standing_list(*shown: dict[str, Any]) -> StandingList:
    """The standing approvals of the project, as a broker shows them."""
    return StandingList.from_json({"project": FIRST["project"], "approvals": list(shown)})
