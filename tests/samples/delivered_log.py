"""A project in a sample log whose agreement lets columns go, told from the links to the last key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from samples.log import SampleLog
from samples.parties import ANN, CW, HEALTH, K12, identity
from samples.reviewed_log import ReviewedProject, reviewed_agreement
from samples.signed_log import SignedProject

from schemas.matchlog import delivery_kinds
from schemas.matchlog.entry import Actor, Entry

CARRY = "carry"
STUDY = "carry-study"
SENDERS = ("county-cw", "school-district")
SHARED = [
    {"party": "county-cw", "name": "Placement", "use": "shared"},
    {"party": "school-district", "name": "Grade", "use": "shared"},
]


class DeliveringProject(ReviewedProject):
    """The project `carry`, agreed on; with `is_linked`, its first round is closed with matches."""

    def __init__(self, log: SampleLog, *, is_linked: bool = True, **changes: Any) -> None:
        super().__init__(log, CARRY, **{"review": None, "elements": SHARED, **changes})
        if is_linked:
            self.close_linked()

    def close_linked(self) -> None:
        """Link the pair in a round that is open or opened now, and close it."""
        self.log.rounds(self.project).ensure_open()
        asked = self.ask()
        self.approve(ANN, asked)
        self.finish(asked)
        self.run, self.round = asked.object or "", self.log.rounds(self.project).number
        self.close_round()

    def deliver(self, who: Actor = CW, number: int = 1, **changes: Any) -> Entry:
        """Receive a delivery."""
        other = "school-district" if who.party == "county-cw" else "county-cw"
        written = {name: changes.pop(name) for name in ("object",) if name in changes}
        fields = {
            "round": self.round,
            "recipient": other,
            "number": number,
            "sha256": self.log.digest(),
            "size_bytes": 4711,
            **changes,
        }
        body = delivery_kinds.DeliveryReceived(**fields)
        return self.log.append(
            body, project=self.project, actor=who, **{"object": self.log.id("dlv"), **written}
        )

    def fetch_delivery(self, received: Entry, who: Actor = K12, **changes: Any) -> Entry:
        """Let a recipient have a delivery."""
        return self._of(delivery_kinds.DeliveryFetched, received, who, **changes)

    def open_delivery(
        self, received: Entry, who: Actor = K12, *, outcome: str | None = None, **changes: Any
    ) -> Entry:
        """Let a recipient say what it found of a delivery."""
        fault = changes.setdefault("fault", None)
        outcome = outcome or ("done" if fault is None else "failed")
        return self._of(delivery_kinds.DeliveryOpened, received, who, outcome=outcome, **changes)

    def end_delivery(self, received: Entry, reason: str = "asked", **changes: Any) -> Entry:
        """Destroy a delivery."""
        body = received.body
        assert isinstance(body, delivery_kinds.DeliveryReceived)
        ended = delivery_kinds.DeliveryDestroyed(
            **{"sha256": body.sha256, "reason": reason, **changes}
        )
        return self.log.append(ended, project=self.project, object=received.object)

    def _of(
        self, kind: Any, received: Entry, who: Actor, *, outcome: str = "done", **changes: Any
    ) -> Entry:
        body = received.body
        assert isinstance(body, delivery_kinds.DeliveryReceived)
        fields = {"recipient": body.recipient, "sha256": body.sha256, **changes}
        return self.log.append(
            kind(**fields), project=self.project, object=received.object, actor=who, outcome=outcome
        )

    def destroy_all(self) -> None:
        """Destroy all but deliveries."""
        self.destroy()
        for entry in [one for one in self.log.entries if one.project == self.project]:
            if entry.kind == "run-finished":
                self.log.destroy_match_record(entry)


class StudyProject(DeliveringProject):
    """The project `carry-study`: both agencies deliver to the health office, which receives blindly."""

    def __init__(
        self,
        log: SampleLog,
        mode: str = "blind",
        elements: Sequence[dict[str, str]] = tuple(SHARED),
    ) -> None:
        plain = reviewed_agreement(STUDY, review=None, elements=elements).to_json()
        office = {
            **plain["parties"][0],
            "name": "health-office",
            "kind": "recipient",
            "holder": None,
            "persons": [identity(HEALTH).to_json()],
        }
        parties = sorted([*plain["parties"], office], key=lambda one: one["name"])
        # What is told the operator, and in the place of the partner the office.
        ways = {(giver, to) for giver in SENDERS for to in ("data-center", "health-office")}
        basis = plain["directions"][0]
        SignedProject.__init__(self, log, STUDY, tuple(one["name"] for one in parties))
        self.agree(
            reviewed_agreement(
                STUDY,
                review=None,
                elements=elements,
                parties=parties,
                directions=[{**basis, "giver": g, "receiver": r} for g, r in sorted(ways)],
                recipients=[{**plain["recipients"][0], "party": "health-office", "mode": mode}],
            )
        )
        self.close_linked()

    def finish(self, asked: Entry) -> list[Entry]:
        """Do a run that may start, to its blind releases."""
        self.log.start(asked)
        return self.log.finish_run(asked)

    def close_round(self) -> Entry:
        """Close the round, for which nobody claims."""
        return self.log.rounds(self.project).close()

    def deliver(self, who: Actor = CW, number: int = 1, **changes: Any) -> Entry:
        """Receive a delivery for the health office."""
        return super().deliver(who, number, **{"recipient": "health-office", **changes})


def everything_delivered(log: SampleLog) -> None:
    """Add a project in which every kind of entry about deliveries occurs; before `everything_signed`."""
    project = DeliveringProject(log)
    first = project.deliver()
    project.fetch_delivery(first)
    project.open_delivery(first, fault="unreadable")
    second = project.deliver(number=2)
    project.end_delivery(first, "replaced")
    project.fetch_delivery(second)
    project.fetch_delivery(second)
    project.open_delivery(second, fault="not-signed")
    project.open_delivery(second)
    other = project.deliver(K12)
    log.moment += timedelta(days=7)
    project.close_linked()
    third = project.deliver()
    project.end_delivery(second, "replaced")
    project.end_delivery(third)
    project.end_delivery(other, "expired")
    project.destroy()


def everything_studied(log: SampleLog) -> None:
    """Add a project whose agencies deliver to a blind recipient, and destroy all."""
    project = StudyProject(log)
    sent = [project.deliver(CW), project.deliver(K12)]
    for one in sent:
        project.fetch_delivery(one, HEALTH)
    project.open_delivery(sent[0], HEALTH)
    project.open_delivery(sent[1], HEALTH, fault="unreadable")
    again = project.deliver(K12, number=2)
    project.end_delivery(sent[1], "replaced")
    log.moment += timedelta(days=7)
    project.close_linked()
    project.deliver(CW)
    project.end_delivery(sent[0], "replaced")
    project.end_delivery(again, "expired")
    # From now on the other file of the pair is the larger one.
    limits = project.agreement.to_json()["limits"]
    first, second = limits["files"]
    first["most"], second["most"] = second["most"], first["most"]
    before = project.agreement.terms().pairs
    log.moment += timedelta(days=7)
    project.agree(project.amended(limits=limits))
    assert project.agreement.terms().pairs != before
    project.deliver(K12)


__all__ = [
    "CARRY",
    "DeliveringProject",
    "StudyProject",
    "everything_delivered",
    "reviewed_agreement",
]
