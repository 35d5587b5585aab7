"""What extends an agreement: later days and whatever else needs no ink, and nothing more."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from rigs.negotiation import proposal

from encoding.errors import AgencyError
from encoding.extras.hub.extension import changes_of, extended

BEFORE = proposal()
END = date.fromisoformat(BEFORE.agreement.end)
LATER = (END + timedelta(365)).isoformat()
HERE = Path()


def test_what_is_kept_is_destroyed_as_long_after_the_last_day_as_before() -> None:
    made = extended(BEFORE, {"end": LATER}, HERE)
    assert made is not None
    old, new = (
        date.fromisoformat(one.agreement.retention.destroy_by)
        - date.fromisoformat(one.agreement.end)
        for one in (BEFORE, made)
    )
    assert old == new
    assert made.agreement.signers == made.agreement.names()
    changes = changes_of(BEFORE.agreement, made.agreement, "k12")
    assert changes.keys() == {"last day", "all is destroyed by"}
    assert changes["last day"] == f"{LATER} (was {END})"


def test_what_is_destroyed_earlier_may_be_said_but_nothing_is_shortened() -> None:
    made = extended(BEFORE, {"end": LATER, "retention": {"destroy_by": LATER}}, HERE)
    assert made is not None
    assert made.agreement.retention.destroy_by == LATER
    # The same is no new version.
    for end in (END, END - timedelta(1)):
        assert extended(BEFORE, {"end": end.isoformat()}, HERE) is None


def test_a_size_is_called_alike_at_all_spokes() -> None:
    files = BEFORE.agreement.to_json()["limits"]["files"]
    spoke = max(files, key=lambda one: int(one["most"]))
    spoke["most"] += 1
    made = extended(BEFORE, {"limits": {"files": files}}, HERE)
    assert made is not None
    changes = changes_of(BEFORE.agreement, made.agreement, spoke["party"])
    assert changes == {"most records of the spoke": f"{spoke['most']} (was {spoke['most'] - 1})"}


MORE: dict[str, tuple[dict[str, Any], str]] = {
    "another floor": ({"limits": {"floor": 3}}, "the floor changes"),
    "kept longer": ({"retention": {"keep_links_days": 3000}}, "something is kept longer"),
    "a new secret": ({"new_secret": True}, "it opens a new epoch"),
    "with counsel": ({"counsel": True, "end": LATER}, "or asks for counsel"),
    "no day": ({"end": "soon"}, "the answer end is a day"),
    "past all days": ({"end": "9999-12-31"}, "the answer end is a day"),
}


def test_what_takes_ink_is_refused_and_says_why() -> None:
    for answers, why in MORE.values():
        with pytest.raises(AgencyError, match=why):
            extended(BEFORE, answers, HERE)
