"""The bodies of the HTTP API: without a place for what must not travel."""

from __future__ import annotations

import inspect
import json
import re

import pytest
from samples.agreement import AGREEMENT
from samples.bodies import BODIES
from samples.documents import PROFILE

from schemas.agreement import negotiation
from schemas.api import bodies as api
from schemas.api import destruction as destruction_api
from schemas.documents.document import Model
from schemas.documents.errors import DocumentError
from schemas.rounds import rounds
from schemas.rounds.match_record import Decision


def test_the_lines_of_a_page_are_those_of_the_record() -> None:
    page = api.MatchRecordPage.from_json(BODIES[api.MatchRecordPage])
    decision = page.rows[0]
    assert isinstance(decision, Decision)
    assert list(page.lines()) == [decision.to_canonical() + b"\n", f"{page.rows[1]}\n".encode()]


def test_no_body_has_a_place_for_what_must_not_travel() -> None:
    of_both = r"handle|secret|birth|surname|record_id"
    for module, forbidden in (
        (api, rf"{of_both}|ssn|identifier"),
        (rounds, rf"{of_both}|token|link_id"),
    ):
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if issubclass(kind, Model) and kind.__module__ == module.__name__:
                names = re.findall(r'"([a-z_0-9]+)": \{"', json.dumps(kind.model_json_schema()))
                found = [name for name in names if re.search(forbidden, name, re.IGNORECASE)]
                assert found == [], kind.__name__


def test_a_proposal_brings_the_profile_that_it_names() -> None:
    with pytest.raises(DocumentError, match="encoding profile"):
        negotiation.AgreementProposal.from_json({"agreement": AGREEMENT, "profile": PROFILE})


def test_handle_and_salt_of_a_withdrawal_show_in_no_repr() -> None:
    withdrawal = BODIES[destruction_api.RecordWithdrawal]
    shown = repr(destruction_api.RecordWithdrawal.from_json(withdrawal))
    assert withdrawal["handle"][:4] not in shown
    assert withdrawal["salt"][:4] not in shown
