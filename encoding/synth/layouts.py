"""The two agencies' file layouts: column names, text encoding, line ends, and the preset that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
