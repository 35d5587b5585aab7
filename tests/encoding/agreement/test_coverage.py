"""Whether a project and a run, as a broker shows them, are covered by what was signed."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from samples.agreement import consent
from samples.documents import MANIFEST, PROFILE
from samples.refusals import raises
from samples.shown_agreements import FIRST, RUN, SECOND, notice, project, specification, view

from encoding.agreement.coverage import require_cover, require_covered_run, require_own_upload
from encoding.agreement.kept_agreements import KeptAgreements
from encoding.agreement.verification import verified
from encoding.errors import AgreementUntrustedError, NotReadyError
from schemas.agreement.agreement import Agreement
from schemas.rounds.upload import Manifest

TODAY = date(2026, 9, 7)
NOTHING = KeptAgreements(project="foster-k12")


def known(*views: Any) -> KeptAgreements:
    kept = NOTHING
    for shown in views:
        kept = kept.with_one(verified(shown))
    return kept


def cover(kept: KeptAgreements, shown: Any, day: date = TODAY, *, must_bind: bool = True) -> None:
    require_cover(kept, shown, day, must_bind=must_bind)


def test_the_signed_agreement_covers_what_an_honest_broker_says_and_nothing_else() -> None:
    kept = known(view())
    cover(kept, project())
    for own, shown in (
        (NOTHING, project(agreement=project().terms.digest())),
        (kept, project(agreement=project().terms.digest())),
        (NOTHING, project()),
    ):
        with raises(AgreementUntrustedError, match="does not have"):
            cover(own, shown)
    terms = project().terms.to_json()
    for field in ("floor", "round_days", "keep_links_days"):
        with raises(AgreementUntrustedError, match=field):
            cover(kept, project(terms=terms | {field: terms[field] + 1}))
    with raises(AgreementUntrustedError, match="nothing was encoded"):
        cover(kept, project(profile={**PROFILE, "strength": 301}))


def test_an_agreement_that_another_has_replaced_is_refused() -> None:
    both = known(view(), view(SECOND))
    cover(both, project(SECOND))
    with raises(AgreementUntrustedError, match="number 2 binds"):
        cover(both, project())


def test_clocks_may_differ_by_a_day_when_an_amendment_begins() -> None:
    later = {**SECOND, "start": "2026-09-08"}
    both = known(view(), view(later))
    cover(both, project())
    cover(both, project(later))
    with raises(AgreementUntrustedError, match="number 2 binds"):
        cover(both, project(), date(2026, 9, 20))


def test_outside_the_dates_and_before_all_have_signed_nothing_is_done() -> None:
    for day, reason in (
        (date(2026, 8, 1), "has not begun"),
        (date(2027, 9, 2), "ended on 2027-08-31"),
    ):
        with raises((NotReadyError, AgreementUntrustedError), match=reason):
            cover(known(view()), project(), day)
    mine = known(view(state="proposed", consents=[consent("ann", FIRST)]))
    with pytest.raises(NotReadyError, match="data-center has not signed"):
        cover(mine, project(in_force=False))


def test_a_halt_stops_everything_but_can_be_looked_at() -> None:
    for act, reason in (("suspend", "has suspended"), ("withdraw", "has left")):
        halted = known(view(notices=[notice("kim", act, "2026-09-02T06:00:00Z")]))
        with pytest.raises(NotReadyError, match=reason):
            cover(halted, project(in_force=False))
        cover(halted, project(in_force=False), must_bind=False)


def run(kept: KeptAgreements, **changes: Any) -> Any:
    made = specification(**changes)
    return require_covered_run(kept, RUN, made, made.digest())


def test_a_run_that_the_agreement_provides_for_passes() -> None:
    kept = known(view())
    assert run(kept) == kept.agreements[0]
    in_range = {**specification().policy.to_json(), "auto": "0.91"}
    assert run(kept, policy=in_range) == kept.agreements[0]
    with raises(AgreementUntrustedError, match="does not have"):
        run(NOTHING)


EXCHANGED = specification().to_json()["uploads"][::-1]
PLAIN = [{k: r[k] for k in ("party", "mode", "space")} for r in FIRST["recipients"]]
STRANGER = {"party": "press", "mode": "count", "space": "shared"}


def test_a_run_beyond_the_agreement_or_under_another_digest_or_id_is_refused() -> None:
    changes: tuple[tuple[dict[str, Any], str], ...] = (
        ({"agreement": "0" * 64}, "does not have"),
        ({"project": "health"}, "a different project"),
        ({"epoch": 2}, "a different project or epoch"),
        ({"profile": "0" * 64}, "a different encoding profile"),
        ({"policy": {**FIRST["policy"], "auto": "0.96"}}, "matching policy"),
        ({"floor": 1}, "smaller counts"),
        ({"recipients": [*PLAIN, STRANGER]}, "match IDs to press"),
        ({"spaces": [{"name": "shared", "lifetime": "round"}]}, "link-ID sets"),
        ({"uploads": EXCHANGED}, "for the larger"),
        ({"asked_by": "press"}, "press has asked"),
    )
    for change, reason in changes:
        with raises(AgreementUntrustedError, match=reason):
            run(known(view()), **change)
    made = specification()
    for name, digest in ((RUN, "0" * 64), ("run-" + "8" * 32, made.digest())):
        with raises(AgreementUntrustedError, match="a different specification"):
            require_covered_run(known(view()), name, made, digest)


def used(manifest: Manifest, raw: Any = FIRST, **changes: Any) -> Any:
    """Return a run under an agreement whose first upload has this manifest."""
    first, second = specification().to_json()["uploads"]
    uploads = [first | {"manifest_sha256": manifest.digest()}, second]
    return specification(raw, uploads=uploads, **changes)


def sent(raw: Any = FIRST, **changes: Any) -> Manifest:
    stated = {"round": 1, "agreement": Agreement.from_json(raw).digest()}
    return Manifest.from_json(MANIFEST | stated | changes)


UPLOAD = specification().uploads[0].upload


def test_an_own_upload_is_used_as_it_was_sent() -> None:
    kept, own, other = known(view()), sent(), "upl-" + "0" * 32
    made = used(own)
    require_own_upload(kept, made, {})
    require_own_upload(kept, made, {UPLOAD: own})
    # Of another round, or for another partner.
    require_own_upload(kept, made, {other: sent(round=2), UPLOAD: own})
    require_own_upload(kept, made, {other: sent(partner="health")})
    # Settings for several projects may share a workspace, and their agencies have other names there.
    for elsewhere in ({}, {"party": "court"}, {"partner": "court"}):
        hub = sent(project="court-k12", **elsewhere)
        require_own_upload(kept, made, {other: hub, UPLOAD: own})
        with raises(AgreementUntrustedError, match="the way this agency sent it"):
            require_own_upload(kept, made, {UPLOAD: hub})
    for wrong in ({UPLOAD: sent(rows=1)}, {other: own}, {UPLOAD: sent(round=2)}):
        with raises(AgreementUntrustedError, match="the way this agency sent it"):
            require_own_upload(kept, made, wrong)


def test_a_run_is_under_no_agreement_from_before_the_own_upload() -> None:
    both = known(view(), view(SECOND))
    require_own_upload(both, used(sent(FIRST), SECOND), {UPLOAD: sent(FIRST)})
    with raises(AgreementUntrustedError, match="was replaced before this agency uploaded"):
        require_own_upload(both, used(sent(SECOND), FIRST), {UPLOAD: sent(SECOND)})
