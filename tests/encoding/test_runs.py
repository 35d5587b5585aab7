"""A run that failed is told in a sentence, with what to do; the broker's code stands beside it."""

from __future__ import annotations

import pytest

from app.agreements.errors import NobodyReceivesError, NotInForceError
from app.matching.exhaustive import PairCapError
from app.security.errors import KeyGoneError
from app.uploads.errors import LookalikeRecordsError
from encoding.errors import RunFailedError
from encoding.runs import FAILURES, require_success
from schemas.api import RunView


def failed(code: str | None) -> RunFailedError:
    with pytest.raises(RunFailedError) as raised:
        require_success(RunView.model_construct(state="failed", failure=code))
    return raised.value


@pytest.mark.parametrize("code", FAILURES)
def test_a_known_failure_is_told_in_a_sentence(code: str) -> None:
    error = failed(code)
    assert str(error).startswith("the run failed: ")
    assert str(error).endswith(f"({code})")
    assert "blindlink run --wait" not in (error.hint or "")


@pytest.mark.parametrize(("code", "told"), [("seal-broken", "seal-broken"), (None, "no reason")])
def test_another_failure_is_told_by_its_code(code: str | None, told: str) -> None:
    error = failed(code)
    assert told in str(error)
    assert "blindlink run --wait" in (error.hint or "")


def test_the_known_failures_are_those_of_the_broker() -> None:
    errors = (
        KeyGoneError,
        LookalikeRecordsError,
        NobodyReceivesError,
        PairCapError,
        NotInForceError,
    )
    assert set(FAILURES) == {error.code for error in errors}
