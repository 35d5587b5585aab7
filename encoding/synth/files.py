"""The four files of a rehearsal, the layouts of both agencies, and how each file is written."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self, TypeAlias

from encoding.files import refuse_to_overwrite
from encoding.profiles.catalog import load_preset


@dataclass(frozen=True, slots=True)
class Layout:
    """How an agency's file is written; `preset` names its column preset in `encoding.profiles.catalog`."""

    preset: str
    file_name: str
    columns: Sequence[str]
    text_encoding: str
    newline: str

    @property
    def id_column(self) -> str:
        """The column with the agency's own number of a person."""
        return load_preset(self.preset).id_column

    @property
    def date_format(self) -> str:
        """How the file writes dates."""
        return load_preset(self.preset).date_format

    @property
    def inputs(self) -> Mapping[str, str]:
        """The recipe's inputs, each with this file's column for it."""
        return load_preset(self.preset).columns


CHILD_WELFARE_LAYOUT = Layout(
    preset="rehearsal-child-welfare",
    file_name="child_welfare.csv",
    columns=(
        "client_id", "case_id", "first_name", "middle_name", "last_name", "suffix", "aka_first",
        "aka_last", "birth_date", "dob_estimated", "sex", "race_ethnicity", "ssn",
        "state_student_id", "county", "placement_zip", "removal_zip", "episode_start",
        "episode_end", "placement_start", "district", "grade", "as_of",
    ),
    text_encoding="cp1252",
    newline="\r\n",
)  # fmt: skip

K12_LAYOUT = Layout(
    preset="rehearsal-k12",
    file_name="k12.csv",
    columns=(
        "state_student_id", "local_student_id", "district", "school", "first_name", "middle_name",
        "last_surname", "generation_code", "other_first", "other_last", "preferred_name",
        "birthdate", "sex", "race_ethnicity", "grade", "entry_date", "exit_date", "birth_state",
        "birth_country", "guardian_name", "zip", "as_of",
    ),
    text_encoding="utf-8",
    newline="\n",
)  # fmt: skip

Row: TypeAlias = tuple[str, ...]

_TRUTH_NAME: Final = "truth.csv"
_LOOK_ALIKES_NAME: Final = "look_alikes.csv"
_TRUTH: Final = (
    "client_id",
    "state_student_id",
    "race_ethnicity",
    "surname_form",
    "discrepancies",
)
_LOOK_ALIKES: Final = ("client_id", "state_student_id", "relation")


@dataclass(frozen=True, slots=True)
class RehearsalFiles:
    """Where the files are. `truth` holds the true pairs, `look_alikes` pairs that are two people."""

    child_welfare: Path
    k12: Path
    truth: Path
    look_alikes: Path

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return the files of a folder, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        return cls(
            folder / CHILD_WELFARE_LAYOUT.file_name,
            folder / K12_LAYOUT.file_name,
            folder / _TRUTH_NAME,
            folder / _LOOK_ALIKES_NAME,
        )


def refuse_other_files(folder: Path) -> None:
    """Refuse a folder in which a file of a rehearsal's name is none."""
    for name, columns in (
        (CHILD_WELFARE_LAYOUT.file_name, CHILD_WELFARE_LAYOUT.columns),
        (K12_LAYOUT.file_name, K12_LAYOUT.columns),
        (_TRUTH_NAME, _TRUTH),
        (_LOOK_ALIKES_NAME, _LOOK_ALIKES),
    ):
        refuse_to_overwrite(folder / name, own_start=",".join(columns).encode())


def write_agency_file(path: Path, layout: Layout, rows: Iterable[Row]) -> None:
    """Write an agency's file as its system exports it; a character that it cannot hold becomes "?"."""
    with path.open("w", encoding=layout.text_encoding, errors="replace", newline="") as file:
        table = csv.writer(file, lineterminator=layout.newline)
        table.writerow(layout.columns)
        table.writerows(rows)


def write_truth(path: Path, rows: Iterable[Row]) -> None:
    """Write true pairs: both record IDs, group, form of the surname, discrepancies."""
    _write(path, _TRUTH, rows)


def write_look_alikes(path: Path, rows: Iterable[Row]) -> None:
    """Write pairs that are two people: both record IDs and how they are related."""
    _write(path, _LOOK_ALIKES, rows)


def _write(path: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(columns)
        table.writerows(rows)
