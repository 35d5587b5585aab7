"""The bodies of the HTTP API: closed, and without a place for what must not travel."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from samples.documents import PROFILE, RUN, TERMS

from schemas import api
from schemas.document import Document, Model
from schemas.errors import DocumentError
from schemas.match_record import Decision

BODIES = [
    kind
    for _, kind in inspect.getmembers(api, inspect.isclass)
    if issubclass(kind, Model) and kind.__module__ == api.__name__
]
TIME = "2026-09-01T06:00:00Z"
UPLOAD = "upl-" + "1" * 32
RELEASE = "rel-" + "2" * 32
DIGEST = "a" * 64

UPLOAD_VIEW: dict[str, Any] = {
    "upload": UPLOAD,
    "project": "foster-k12",
    "round": 3,
    "party": "k12",
    "partner": "child-welfare",
    "state": "open",
    "parts": 1,
    "container_sha256": DIGEST,
    "container_bytes": 1000,
    "records": 3,
    "created": TIME,
    "committed": None,
    "checked": None,
    "refusal": None,
}
RUN_VIEW: dict[str, Any] = {
    "run": RUN["run"],
    "project": "foster-k12",
    "state": "queued",
    "specification": RUN,
    "specification_sha256": DIGEST,
    "progress": {
        "stage": "waiting",
        "rows_done": 0,
        "rows_total": 0,
        "rate": 0,
        "seconds_left": None,
    },
    "counts": None,
    "failure": None,
    "created": TIME,
    "finished": None,
    "finality": {"cosigned_by": ["k12"], "needed": 2, "is_final": False},
    "match_record": DIGEST,
}
RECORD_PAGE: dict[str, Any] = {
    "header": {
        "version": "blindlink/match-record/3",
        "project": "foster-k12",
        "run": RUN["run"],
        "round": 3,
        "release": 1,
        "specification": DIGEST,
        "uploads": [{"party": "k12", "upload": UPLOAD}, {"party": "welfare", "upload": UPLOAD}],
        "prior": -23_456,
        "weights": [{"field": "first", "levels": [9_400, -3_300]}],
        "floor": 10,
        "rows": 2,
    },
    "root": DIGEST,
    "first": 1,
    "rows": [
        {
            "band": "auto",
            "commitments": [DIGEST, DIGEST],
            "lead": None,
            "probability": "0.95",
            "rule": "match-probability",
        },
        DIGEST,
    ],
    "next": None,
}
RELEASE_VIEW: dict[str, Any] = {
    "release": RELEASE,
    "run": RUN["run"],
    "round": 3,
    "number": 1,
    "project": "foster-k12",
    "recipient": "k12",
    "partner": "child-welfare",
    "mode": "linked",
    "space": "shared",
    "sha256": DIGEST,
    "size_bytes": 1000,
    "matches": None,
    "created": TIME,
    "fetched": None,
    "agency": None,
    "verified": None,
}
PROJECT_VIEW: dict[str, Any] = {
    "project": "foster-k12",
    "agreement": DIGEST,
    "terms": TERMS,
    "profile": PROFILE,
    "in_force": True,
}
EXAMPLES: dict[type[Document], dict[str, Any]] = {
    api.WhoAmI: {
        "party": "k12",
        "person": "per-" + "0" * 32,
        "role": "agency",
        "duties": ["analyst"],
        "expires": None,
    },
    api.ProjectView: PROJECT_VIEW,
    api.ProjectList: {"projects": [PROJECT_VIEW]},
    api.UploadRequest: {
        "epoch": 1,
        "round": 3,
        "partner": "child-welfare",
        "profile": DIGEST,
        "key_id": "0" * 16,
        "container_sha256": DIGEST,
        "container_bytes": 1,
        "head_bytes": 500,
        "records": 3,
        "rows": 6,
    },
    api.UploadView: UPLOAD_VIEW,
    api.UploadList: {"uploads": [UPLOAD_VIEW]},
    api.PartList: {"stored": [0, 2]},
    api.PartStored: {"part": 0, "sha256": DIGEST},
    api.RunRequest: {"round": 3, "partner": "k12", "policy": None},
    api.RunView: RUN_VIEW,
    api.RunList: {"runs": [RUN_VIEW]},
    api.ReleaseView: RELEASE_VIEW,
    api.ReleaseList: {"releases": [RELEASE_VIEW]},
    api.MatchRecordPage: RECORD_PAGE,
    api.CosignatureRequest: {"size": 1, "key": "key", "line": "line\n"},
    api.CosignatureStored: {"party": "k12", "size": 1, "time": TIME},
    api.SessionLink: {"code": "c" * 43, "expires": TIME},
    api.LogCheckpoint: {
        "checkpoint": "text",
        "old_size": 0,
        "proof": ["A" * 43 + "="],
        "log_key": "key",
        "hand_overs": [],
    },
    api.ReleaseVerification: {"sha256": DIGEST},
}


def test_every_body_has_an_example_here() -> None:
    assert {kind for kind in BODIES if issubclass(kind, Document)} == set(EXAMPLES)


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_body_is_read_and_written_unchanged(kind: type[Document]) -> None:
    body = kind.from_json(EXAMPLES[kind])
    assert body.to_json() == EXAMPLES[kind]
    assert kind.from_canonical(body.to_canonical()) == body


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_a_body_without_any_one_field_or_with_one_more_is_refused(kind: type[Document]) -> None:
    example = EXAMPLES[kind]
    for field, info in kind.model_fields.items():
        rest = {name: value for name, value in example.items() if name != field}
        if info.is_required():
            with pytest.raises(DocumentError, match=f"field {field}"):
                kind.from_json(rest)
    with pytest.raises(DocumentError, match="not known"):
        kind.from_json({**example, "surprise": 1})


@pytest.mark.parametrize("kind", EXAMPLES, ids=lambda kind: kind.__name__)
def test_no_field_of_a_body_takes_another_type(kind: type[Document]) -> None:
    for field in kind.model_fields:
        with pytest.raises(DocumentError):
            kind.from_json({**EXAMPLES[kind], field: {"surprise": 1}})


def test_a_one_time_code_holds_nothing_that_a_terminal_obeys() -> None:
    for code in ("\x1b[2J" + "c" * 39, "c" * 42 + "\n", "c" * 42 + " "):
        with pytest.raises(DocumentError):
            api.SessionLink.from_json({"code": code, "expires": TIME})


def test_the_lines_of_a_page_are_those_of_the_record() -> None:
    page = api.MatchRecordPage.from_json(RECORD_PAGE)
    decision = page.rows[0]
    assert isinstance(decision, Decision)
    assert list(page.lines()) == [decision.to_canonical() + b"\n", f"{DIGEST}\n".encode()]


def test_no_body_has_a_place_for_what_must_not_travel() -> None:
    forbidden = re.compile(r"handle|secret|birth|surname|record_id|ssn|identifier", re.IGNORECASE)
    for kind in BODIES:
        schema = kind.model_json_schema()
        names = re.findall(r'"([a-z_0-9]+)": \{"', json.dumps(schema))
        fields = {name for name in names if forbidden.search(name)}
        assert fields == set(), kind.__name__
