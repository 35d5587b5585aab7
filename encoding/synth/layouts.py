"""The two agencies' file layouts: column names, date format, text encoding, habits of spelling."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Layout:
    """How an agency's file is written, and which of its columns hold the recipe's inputs."""

    file_name: str
    columns: Sequence[str]
    id_column: str
    date_format: str
    text_encoding: str
    newline: str
    inputs: Mapping[str, str]  # canonical input -> this file's column


CHILD_WELFARE_LAYOUT = Layout(
    file_name="child_welfare.csv",
    columns=(
        "client_id", "case_id", "first_name", "middle_name", "last_name", "suffix", "aka_first",
        "aka_last", "birth_date", "dob_estimated", "sex", "race_ethnicity", "ssn",
        "state_student_id", "county", "placement_zip", "removal_zip", "episode_start",
        "episode_end", "placement_start", "district", "grade", "as_of",
    ),
    id_column="client_id",
    date_format="MM/DD/YYYY",
    text_encoding="cp1252",
    newline="\r\n",
    inputs=MappingProxyType({
        "first_name": "first_name", "middle_name": "middle_name", "last_name": "last_name",
        "suffix": "suffix", "birth_date": "birth_date", "sex": "sex",
        "alias_first": "aka_first", "alias_last": "aka_last",
    }),
)  # fmt: skip

K12_LAYOUT = Layout(
    file_name="k12.csv",
    columns=(
        "state_student_id", "local_student_id", "district", "school", "first_name", "middle_name",
        "last_surname", "generation_code", "other_first", "other_last", "preferred_name",
        "birthdate", "sex", "race_ethnicity", "grade", "entry_date", "exit_date", "birth_state",
        "birth_country", "guardian_name", "zip", "as_of",
    ),
    id_column="state_student_id",
    date_format="YYYY-MM-DD",
    text_encoding="utf-8",
    newline="\n",
    inputs=MappingProxyType({
        "first_name": "first_name", "middle_name": "middle_name", "last_name": "last_surname",
        "suffix": "generation_code", "birth_date": "birthdate", "sex": "sex",
        "alias_first": "other_first", "alias_last": "other_last",
    }),
)  # fmt: skip
