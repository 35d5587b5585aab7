"""The part of an audit report's page that says what an incident reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from app.auditor.verdict_words import moment
from schemas.reports.audit_incident import Incident, ReachedRelease, SealedKind, SealedToParty
from schemas.shared.amounts import counted, shown
from schemas.shared.page import (
    Markup,
    Section,
    Standing,
    facts,
    findings,
    paragraph,
    prose_table,
)

SUBJECTS: Final = {
    "upload": "an upload's encodings",
    "secret": "the secret of this key id",
    "signing-key": "the signing key of a person",
    "receiving-key": "the receiving key of a person",
    "log-key": "the key that signs the match log",
}
CAUSES: Final = {
    "uses-upload": "it used an upload that is reached",
    "asked-by-person": "the person asked for it",
    "approved-by-person": "the person approved it",
    "sealed-to-party": "its match IDs were sealed to the party",
}
# What of it has values of records, and what one is of.
IN_CLEAR: Final[dict[SealedKind, str]] = {"cards": "review", "columns": "delivery"}
SEALED: Final = {
    "share": "share of the secret",
    "claims": "claims",
    "statement": "statement on link IDs",
    "cards": "cards of a review",
    "columns": "delivered columns",
}
# What each leak means beyond the tables, for the person who must decide what to do.
MEANINGS: Final = {
    "upload": "Anyone who has these encodings and the secret can guess every record in them.",
    "secret": "Anyone who has the secret and these uploads' encodings can guess every record in them. Open an "
    "epoch with a new secret.",
    "signing-key": "While it was in force, each of these acts may be someone else's. Replace the key; "
    "approvals and signatures made with it need to be confirmed by the person.",
    "receiving-key": "What was sealed to it can be opened. Shares of a secret that were sent to the person "
    "while it was in force count as known: open an epoch with a new secret.",
    "log-key": "Anyone who has it can write another log from that entry on. Compare pins and cosignatures of "
    "all parties: they show which log they have seen.",
}


def incident_section(incident: Incident) -> Section:
    """Return what leaked, and which uploads, runs and recipients it reached."""
    return Section(
        "The incident",
        [
            facts(_facts(incident)),
            findings(_standings(incident)),
            *_tables(incident),
        ],
    )


def incident_lines(incident: Incident) -> Iterator[str]:
    """Yield the same in short, for the terminal."""
    for name, what in _facts(incident):
        yield f"{name:<12} {what}"
    for _, sentence in _standings(incident):
        yield f"reached      {sentence}"


def _facts(incident: Incident) -> Iterator[tuple[str, str]]:
    yield "leaked", f"{SUBJECTS[incident.subject]}: {incident.id}"
    if incident.parties:
        yield "of", ", ".join(incident.parties)
    yield "since", f"{moment(incident.since)}, entry {incident.first}"
    yield "until", moment(incident.until, "now: it is still there, or still in force")


def _standings(incident: Incident) -> Iterator[tuple[Standing, str]]:
    yield "warn", MEANINGS[incident.subject]
    if incident.subject != "log-key":
        there = sum(upload.destroyed is None for upload in incident.uploads)
        yield "note", f"{counted(len(incident.uploads), 'upload')}, of which still there: {there:,}"
        finished = sum(run.stage == "finished" for run in incident.runs)
        yield "note", f"{counted(len(incident.runs), 'run')}, of which finished: {finished:,}"
        taken = [release for release in incident.releases if release.fetched]
        n_releases = counted(len(incident.releases), "release")
        yield "note", f"{n_releases}, of which fetched: {len(taken):,}"
        for text in _recipients(taken):
            yield "warn", text
        n_sealed = Counter(one.what for one in incident.sealed)
        for what, name in IN_CLEAR.items():
            if n_sealed[what]:
                n_of = counted(n_sealed[what], name)
                yield (
                    "warn",
                    f"{what} of {n_of} were sealed to it: values of records can be read in them",
                )


def _recipients(taken: Sequence[ReachedRelease]) -> Iterator[str]:
    """Yield who has match IDs or a total, and since when; anyone who fetched sealed ones cannot open them."""
    since: dict[tuple[str, str, str], str] = {}
    for release in taken:
        what = "a total" if release.mode == "count" else "match IDs"
        key = (release.recipient, release.agency or "", what)
        first = release.first_fetched or release.prepared
        since[key] = min(since.get(key, first), first)
    for (recipient, agency, what), first in sorted(since.items()):
        sealed = f", sealed, through {agency}" if agency else ""
        yield f"{recipient} has {what} of it{sealed}, since {moment(first)}"


def _tables(incident: Incident) -> Iterator[Markup]:
    uploads = [
        (
            one.upload, f"{one.party} for {one.partner}", f"{one.project}, round {one.round}",
            str(one.entry), moment(one.received), moment(one.destroyed, "still there"),
        )
        for one in incident.uploads
    ]  # fmt: skip
    yield _table("Uploads", ("Upload", "Of", "Project", "Entry", "Received", "Destroyed"), uploads)
    runs = [
        (
            one.run, f"{one.project}, round {one.round}", CAUSES[one.cause], one.stage, str(one.entry),
            moment(one.asked),
        )
        for one in incident.runs
    ]  # fmt: skip
    yield _table("Runs", ("Run", "Project", "Why", "Stage", "Entry", "Asked for"), runs)
    releases = [
        (
            one.release, one.recipient if one.agency is None else f"{one.recipient}, through {one.agency}",
            one.mode, _matches(one), str(one.entry), f"{one.fetched:,}", moment(one.first_fetched, "never"),
            moment(one.destroyed, "still there"),
        )
        for one in incident.releases
    ]  # fmt: skip
    header = ("Release", "For", "Mode", "Matches", "Entry", "Fetched", "First fetched", "Destroyed")
    yield _table("Releases", header, releases)
    if incident.sealed:
        sealed = [
            (
                SEALED[one.what], f"{one.project}, {_which(one)}", one.party, str(one.entry),
                moment(one.received),
            )
            for one in incident.sealed
        ]  # fmt: skip
        columns = ("What", "Project", "By", "Entry", "Received")
        yield _table("What was sealed to the party", columns, sealed)
    if incident.acts:
        counted = Counter((act.kind, act.project or "none") for act in incident.acts)
        acts = [(kind, project, f"{n:,}") for (kind, project), n in sorted(counted.items())]
        yield _table(
            "What the person did while the key was in force; the JSON file names each entry",
            ("Kind of entry", "Project", "Entries"),
            acts,
        )


def _which(sealed: SealedToParty) -> str:
    return f"epoch {sealed.epoch}" if sealed.round is None else f"round {sealed.round}"


def _matches(release: ReachedRelease) -> str:
    if release.mode == "blind":
        return "one beside every record"
    return shown(release.matches)


def _table(caption: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    return prose_table(caption, header, rows) if rows else paragraph(f"{caption}: none.")
