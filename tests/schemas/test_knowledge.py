"""Who could learn what, as an agreement's table says it: what is handed over and shown stands there."""

from __future__ import annotations

from typing import Any

from samples.agreement import AGREEMENT

from schemas.agreement.agreement import Agreement
from schemas.agreement.knowledge import learned_rows

NO_VALUE = "No value of another agency's record."
NO_COLUMN = {"elements": [one for one in AGREEMENT["elements"] if one["use"] == "encoded"]}
REVIEW: dict[str, Any] = {
    "reviewer": "child-welfare",
    "persons": 1,
    "first": 9,
    "weekly": 1,
    "consent": None,
    "bucket": 7,
    "days": 14,
}
SHOWN = [{"party": "k12", "name": "first_name", "use": "shown"}]


def alone(**changes: Any) -> dict[str, str]:
    """What each party learns alone, by its name."""
    rows = learned_rows(Agreement.from_json({**AGREEMENT, **changes}))
    return {who.split(",")[0]: learned for who, learned, *_ in rows}


def with_reviewer() -> dict[str, Any]:
    """The sample's parties, where child welfare has a reviewer."""
    parties = [dict(one) for one in AGREEMENT["parties"]]
    first = dict(parties[0]["persons"][0])
    first["duties"] = sorted({*first["duties"], "reviewer"})
    parties[0]["persons"] = [first, *parties[0]["persons"][1:]]
    return {"parties": parties}


def test_an_agency_that_gets_no_column_learns_no_value() -> None:
    learned = alone(**NO_COLUMN)
    assert NO_VALUE in learned["child-welfare"]
    assert NO_VALUE in learned["k12"]


def test_what_is_handed_over_is_named() -> None:
    handed = [
        one["name"]
        for one in AGREEMENT["elements"]
        if (one["party"], one["use"]) == ("k12", "shared")
    ]
    assert handed
    learned = alone()["child-welfare"]
    assert NO_VALUE not in learned
    assert f"It gets {', '.join(handed)} of matched records of k12." in learned


def test_what_reviewers_see_and_what_the_broker_sees_of_a_review_is_named() -> None:
    learned = alone(review=REVIEW, elements=[*NO_COLUMN["elements"], *SHOWN], **with_reviewer())
    assert "first_name of the records of k12 that they are asked about" in learned["child-welfare"]
    assert NO_VALUE not in learned["child-welfare"]
    assert NO_VALUE in learned["k12"]
    (operator,) = (
        one for one in learned.values() if one.startswith("How many records each file has.")
    )
    assert "share a group of at least 7" in operator
    assert "verdict and reason" not in "".join(alone().values())
