"""What an operator with the key can still do: no rule finds it; docs/auditor.md says who can disprove it.

Each is told by the words of its row in that page, and has the code of the line by which `verify` warns, if any.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from breaks.destruction import CERTIFICATE, begin, hold
from breaks.rules import FOSTER
from samples.log import SampleLog
from samples.parties import ANN, CW, K12, OPERATOR
from samples.reviewed_log import ReviewedProject

from schemas.matchlog import log_kinds, person_kinds, run_kinds, upload_kinds
from schemas.matchlog.destruction_kinds import DestructionCertified
from schemas.matchlog.entry import Entry

MADE_UP = "0" * 64


def _asked(log: SampleLog) -> Entry:
    log.rounds(FOSTER).ensure_open()
    asked = log.ask(log.specification(FOSTER, [log.upload(FOSTER, CW), log.upload(FOSTER, K12)]))
    log.start(asked)
    return asked


def _linked(log: SampleLog, **changes: Any) -> list[Entry]:
    return log.finish_run(_asked(log), **changes)


def leaves_claims_out(log: SampleLog) -> None:
    log.fetch(_linked(log)[0], CW)
    log.moment += timedelta(days=log.terms[FOSTER].round_days)
    log.rounds(FOSTER).close()


def says_that_all_failed(log: SampleLog) -> None:
    rejected = upload_kinds.UploadRejected(rule="wrong-profile")
    log.append(rejected, project=FOSTER, actor=K12, outcome="refused")
    failed = run_kinds.RunFailed(code="too-many-pairs", attempt=1)
    log.append(failed, project=FOSTER, object=_asked(log).object, outcome="failed")


def asks_no_reviewer(log: SampleLog) -> None:
    project = ReviewedProject(log)
    log.rounds(project.project).ensure_open()
    asked = project.ask()
    project.approve(ANN, asked)
    project.finish(asked)
    project.close_round()


def states_no_false_match(log: SampleLog) -> None:
    _linked(log, expected_false=0)


def hides_its_counts(log: SampleLog) -> None:
    _linked(log, auto_pairs=None, expected_false=None, concordance=None)


def names_another_release(log: SampleLog) -> None:
    log.fetch(_linked(log)[0], CW)


def makes_openings_up(log: SampleLog) -> None:
    openings = log.openings(CW.party, K12.party)
    _linked(log, openings=tuple(one.model_copy(update={"sha256": MADE_UP}) for one in openings))


def makes_a_certificate_up(log: SampleLog) -> None:
    begin(log, "expired")
    body = DestructionCertified(sha256=MADE_UP, objects=9_999)
    log.append(body, project=FOSTER, object=CERTIFICATE)


def makes_its_configuration_up(log: SampleLog) -> None:
    body = log_kinds.ConfigurationChanged(digest=MADE_UP, changed=(), software="blindlink-9.9.9")
    log.append(body, actor=OPERATOR)


def destroys_by_a_command(log: SampleLog) -> None:
    prepared = _linked(log)
    log.destroy_match_record(log.entries[prepared[0].seq - 1], reason="asked")
    for one in prepared:
        log.destroy_release(one)


def holds_for_eleven_years(log: SampleLog) -> None:
    hold(log)
    log.moment += timedelta(days=4_000)
    makes_its_configuration_up(log)


def grants_a_role(log: SampleLog) -> None:
    body = person_kinds.RoleChanged(
        party=CW.party, person=CW.person, role="auditor", change="granted"
    )
    log.append(body, actor=OPERATOR)


PASSING: dict[str, tuple[Callable[[SampleLog], None], str | None]] = {
    "leaves out what an agency sent": (leaves_claims_out, "unverified-releases"),
    "says that a run, or an upload, has failed": (says_that_all_failed, None),
    "asks no reviewer": (asks_no_reviewer, None),
    "states another number of links that are expected": (states_no_false_match, None),
    "hides the number of links": (hides_its_counts, "counts-not-shown"),
    "names a release of another digest": (names_another_release, "unverified-releases"),
    "names made-up digests of openings": (makes_openings_up, None),
    "names a made-up digest of a certificate": (makes_a_certificate_up, None),
    "names a made-up digest of its configuration": (makes_its_configuration_up, None),
    "destroys before the time": (destroys_by_a_command, "destroyed-early"),
    "sets a hold without an order": (holds_for_eleven_years, "hold"),
    "says that a refusal, an export, or a role happened": (grants_a_role, None),
}
