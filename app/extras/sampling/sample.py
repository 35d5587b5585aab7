"""A sample of links, from the agreement to the records: drawn so that nobody can steer it, then opened.

Agencies open the commitments of the drawn decisions with what their packs hold. That shows which of their
records a link is about, by handle; whether the link is right can only be seen at the agencies.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, Any

from app.auditor.errors import RecordContradictedError
from app.auditor.match_records import RecordRead, read_record
from app.auditor.packs import Openings
from schemas.reports.audit_pack import Sample, draw_sample
from schemas.rounds.match_record import Decision, opens


@dataclass(slots=True)
class SampledLink:
    """One drawn decision; `handles` has for each party that opened its side the handle, as text.

    `parties` are the one with the larger file and the one with the smaller.
    """

    link: int
    number: int
    decision: Decision
    parties: tuple[str, str]
    handles: dict[str, str] = field(default_factory=dict)

    def is_open(self) -> bool:
        """Tell whether both sides are opened."""
        return set(self.parties) <= self.handles.keys()

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        return {
            "link": self.link,
            "number": self.number,
            "rule": self.decision.rule,
            "probability": self.decision.probability,
            "lead": self.decision.lead,
            "parties": list(self.parties),
            "handles": self.handles,
        }


@dataclass(frozen=True, slots=True)
class DrawnSample:
    """The sample, the record that it was drawn from, and its links in the order of their numbers."""

    sample: Sample
    record: RecordRead
    links: tuple[SampledLink, ...]


def draw(source: IO[bytes], n: int, seed: str) -> DrawnSample:
    """Draw `n` of the linked decisions that a match record shows; fewer if it has fewer."""
    eligible: list[int] = []

    def note(_: object, number: int, decision: Decision) -> None:
        if decision.band == "auto":
            eligible.append(number)

    record = read_record(source, note)
    numbers = draw_sample(eligible, n, seed, record.root)
    wanted, found = set(numbers), dict[int, Decision]()

    def keep(_: object, number: int, decision: Decision) -> None:
        if number in wanted:
            found[number] = decision

    source.seek(0)
    read_record(source, keep)
    larger, smaller = record.header.uploads
    links = tuple(
        SampledLink(link, number, found[number], (larger.party, smaller.party))
        for link, number in enumerate(numbers, start=1)
    )
    header = record.header
    sample = Sample(
        project=header.project,
        run=header.run,
        match_record=record.root,
        seed=seed,
        numbers=numbers,
    )
    return DrawnSample(sample, record, links)


def open_links(drawn: DrawnSample, given: Iterable[Openings]) -> None:
    """Open the drawn decisions with what agencies, or under `blind` the recipient, have handed over."""
    by_number = {link.number: link for link in drawn.links}
    for file in given:
        place = _place_of(drawn, file)
        for opening in file.openings:
            link = by_number.get(opening.number)
            if link is None:
                continue
            if not opens(opening, file.header, place, link.decision):
                raise RecordContradictedError(
                    f"an opening of {file.header.party} does not fit its decision",
                    evidence={"run": file.header.run, "number": opening.number},
                )
            link.handles[file.header.party] = opening.handle.hex()


def worksheet_rows(links: Sequence[SampledLink], party: str) -> list[tuple[str, ...]]:
    """Return the lines of an agency's worksheet, under `WORKSHEET`; links it did not open have no handle."""
    return [
        (
            str(link.link),
            str(link.number),
            link.handles[party],
            link.decision.probability,
            "" if link.decision.lead is None else str(link.decision.lead),
            "",
            "",
        )
        for link in links
        if party in link.handles
    ]


WORKSHEET = ("link", "number", "handle", "probability", "lead", "correct", "remark")


def _place_of(drawn: DrawnSample, file: Openings) -> int:
    """Return the place of a file's upload in the record."""
    header = file.header
    if (header.run, header.match_record) != (drawn.sample.run, drawn.sample.match_record):
        raise RecordContradictedError(
            f"the openings of {header.party} are of another run or match record",
            evidence={"run": header.run, "root": header.match_record},
        )
    uploads = [(upload.party, upload.upload) for upload in drawn.record.header.uploads]
    if (header.party, header.upload) not in uploads:
        raise RecordContradictedError(
            f"the openings of {header.party} are of an upload that the run did not use"
        )
    return uploads.index((header.party, header.upload))
