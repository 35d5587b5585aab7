"""What the report of a round reads in the match log."""

from __future__ import annotations

import pytest
from samples.log import story

from encoding.errors import LogError
from encoding.sharing.round_log import RoundLog


def test_an_agreement_that_the_log_does_not_have_is_refused() -> None:
    log, read = story(7, n_weeks=1), RoundLog("foster", "county-cw", 1)
    for entry in log.entries:
        read.take(entry)
    assert read.agreement(log.agreements["foster"]).project == "foster"
    assert read.disclosures()
    with pytest.raises(LogError, match="does not have"):
        read.agreement("0" * 64)
