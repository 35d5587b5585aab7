"""Answers for an agreement, as a steward types them, with the files of identities that they name."""

from __future__ import annotations

import json
from pathlib import Path

from samples.agreement import PEOPLE, identity, private
from vectors.identity import signature

ANSWERS = """
project = "foster-k12"
log = "broker.example/log"
profile = "children"
start = 2026-09-01
end = 2027-08-31

[purpose]
code = "school-stability"
statement = "Know each week which pupils are in foster care."

[[parties]]
name = "k12"
kind = "agency"
title = "Department of Education"
capacity = "holds the education records of all pupils"
contact = "Duty officer, 555-0100"
identities = ["kim.json"]

[[parties]]
name = "child-welfare"
kind = "agency"
title = "Department of Children and Families"
capacity = "holds the case records"
contact = "Duty officer, 555-0101"
identities = ["bob.json", "ann.json"]

[[parties]]
name = "data-center"
kind = "operator"
title = "State Data Center"
capacity = "authorised representative of both agencies"
contact = "Duty officer, 555-0102"
identities = ["eve.json"]

[[directions]]
giver = "k12"
receiver = "child-welfare"
basis = "ferpa-child-welfare"

[[directions]]
giver = "k12"
receiver = "data-center"
basis = "ferpa-audit-evaluation"

[[directions]]
giver = "child-welfare"
receiver = "k12"
basis = "other"
citation = "Example Code 12.4"

[[directions]]
giver = "child-welfare"
receiver = "data-center"
basis = "other"
citation = "Example Code 12.3"

[population]
code = "foster-care"
definition = "Children placed away from home by court order."
as_of = "The evening before the upload."

[[recipients]]
party = "k12"
space = "shared"

[[recipients]]
party = "child-welfare"
space = "shared"

[limits]
files = [
    { party = "k12", least = 100_000, most = 800_000 },
    { party = "child-welfare", least = 1_000, most = 90_000 },
]
budget = { rounds = 6, days = 30 }

[retention]
keep_encodings_days = 30
keep_links_days = 400
destroy_by = 2028-08-31

[breach]
hours = 24
instruction = "Suspend the linkage and call the contacts."
"""


def write_answers(folder: Path, answers: str = ANSWERS) -> Path:
    """Write the answers and the identities; returns the file of the answers."""
    for name in PEOPLE:
        write_identity(folder / f"{name}.json", name)
    path = folder / "answers.toml"
    path.write_text(answers, encoding="utf-8")
    return path


def write_identity(path: Path, name: str) -> None:
    """Write what `blindlink people me --json` prints for a person."""
    public = identity(name)
    signed = {"identity": public, "signature": signature("enrolment", public, private(name))}
    path.write_text(json.dumps({"fingerprint": "12345 67890", **signed}), encoding="utf-8")
