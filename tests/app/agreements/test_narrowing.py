"""The sweep lets parties that an amendment leaves out see nothing any more, while the next one is signed."""

from __future__ import annotations

from typing import Any

import pytest
from rigs.linkage import AUDITOR, PROJECT, either_database
from rigs.meanwhile import Meanwhile
from rigs.signed import Accord

from app.agreements import repository
from app.worker.sweeper import Sweeper

__all__ = ["either_database"]


def test_whom_an_amendment_names_during_the_sweep_sees_the_project(
    accord: Accord, monkeypatch: pytest.MonkeyPatch
) -> None:
    accord.agree()
    everyone = accord.agreement.to_json()["parties"]
    without = [one for one in everyone if one["name"] != AUDITOR]
    propose(accord, parties=without)
    for name in ("ann", "eve", "kim"):
        assert accord.consent(name).status_code == 200
    accord.sleep(days=2)
    propose(accord, parties=everyone)
    for name in ("ann", "eve", "sue"):
        assert accord.consent(name).status_code == 200

    def sign() -> None:
        answer = accord.consent("kim")
        assert answer.status_code == 200, answer.text

    meanwhile = Meanwhile(sign)
    look = repository.named_parties
    monkeypatch.setattr(repository, "named_parties", meanwhile.after(look))
    Sweeper(accord.broker).sweep()
    meanwhile.end()
    answer = accord.get(f"/v1/projects/{PROJECT}", AUDITOR, "auditor")
    assert answer.status_code == 200, answer.text
    accord.sleep(days=2)
    Sweeper(accord.broker).sweep()
    assert accord.get(f"/v1/projects/{PROJECT}", AUDITOR, "auditor").status_code == 200


def propose(accord: Accord, **changes: Any) -> None:
    start = accord.day(2)
    assert accord.propose(accord.amended(start=start, **changes)).status_code == 201
