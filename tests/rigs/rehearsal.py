"""The files that `blindlink synth` writes for two agencies, at a live broker, and who is the same person."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rigs.kept_audits import keep_passing_audit
from rigs.live import PROJECT, LiveAgency, LiveBroker, command, set_up_agency

from encoding.profiles.catalog import shipped_profile
from encoding.secret.secret import Secret, write_secret
from schemas.linkage.profile import Side

PROFILE: Final = shipped_profile("children")
TEXT_ENCODING: Final = {"welfare": "cp1252", "schools": "utf-8"}
ID_COLUMN: Final = {"welfare": "client_id", "schools": "state_student_id"}
_LAYOUT: Final = {"welfare": "rehearsal-child-welfare", "schools": "rehearsal-k12"}


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The file of each agency, by party, and the student who is a client, by client."""

    files: dict[str, Path]
    student_of: dict[str, str]

    def rows(self, party: str) -> list[dict[str, str]]:
        """Return a file's rows."""
        return read_rows(self.files[party], TEXT_ENCODING[party])


def read_rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    """Return the rows of a CSV file."""
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def write_rehearsal(folder: Path, *, children: int, students: int, seed: int = 1) -> Rehearsal:
    """Write both files; three of five children are students."""
    command(
        folder, "blindlink", "synth", "people", "--children", str(children), "--students",
        str(students), "--overlap", "0.6", "--seed", str(seed),
    )  # fmt: skip
    people = folder / "people"
    truth = {row["client_id"]: row["state_student_id"] for row in read_rows(people / "truth.csv")}
    files = {"welfare": people / "child_welfare.csv", "schools": people / "k12.csv"}
    return Rehearsal(files, truth)


def rehearsing_agency(
    broker: LiveBroker, folder: Path, party: str, file: Path, *options: str
) -> LiveAgency:
    """Set up an agency with its file, a kept privacy audit of it, and a secret that both have."""
    layout = ("--preset", _LAYOUT[party], "--encoding", TEXT_ENCODING[party])
    agency = set_up_agency(broker, folder, party, file, *layout, *options)
    write_secret(agency.folder / "secret.txt", Secret(bytes(range(32))))
    ids = {row[ID_COLUMN[party]] for row in read_rows(file, TEXT_ENCODING[party])}
    side: Side = "larger" if party == "schools" else "smaller"
    keep_passing_audit(agency.folder / "workspace", PROJECT, PROFILE, side, len(ids))
    return agency


def links_of(agency: LiveAgency) -> dict[str, str]:
    """Return the link ID of each linked record of an agency."""
    return {row["record_id"]: row["link_id"] for row in read_rows(agency.folder / "links.csv")}
