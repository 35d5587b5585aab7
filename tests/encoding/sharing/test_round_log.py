"""What the report of a round reads in the match log."""

from __future__ import annotations

import re

import pytest
from samples.log import story
from samples.reviewed_log import ReviewedProject
from vectors.file import read_vectors

from encoding.errors import LogError
from encoding.sharing.round_log import RoundLog
from encoding.sharing.round_page import round_page
from schemas.reports.round_report import ReviewWeek, RoundReport, few_accepted


def test_an_agreement_that_the_log_does_not_have_is_refused() -> None:
    log, read = story(7, n_weeks=1), RoundLog("foster", "county-cw", 1)
    for entry in log.entries:
        read.take(entry)
    assert read.agreement(log.agreements["foster"]).project == "foster"
    assert read.disclosures()
    with pytest.raises(LogError, match="does not have"):
        read.agreement("0" * 64)


def test_what_came_of_questions_is_told_week_by_week_and_marked_where_few_were_accepted() -> None:
    log = story(7, n_weeks=1)
    for accepted, rejected in ((30, 20), (None, 40)):
        project = ReviewedProject(log, f"sight-{rejected}")
        project.linked()
        # One that goes on says nothing yet.
        before = RoundLog(project.project, "school-district", 1)
        for entry in log.entries:
            before.take(entry)
        assert before.questions("county-cw", "school-district") == ()
        project.answer()
        project.decide(is_last=True)
        project.end(accepted=accepted, rejected=rejected)
        read = RoundLog(project.project, "school-district", 1)
        for entry in log.entries:
            read.take(entry)
        (week,) = read.questions("county-cw", "school-district")
        assert (week.asked, week.accepted, week.rejected) == (50, accepted, rejected)
        assert week.week <= log.now()[:10]
    assert read.questions("school-district", "county-cw") == ()


@pytest.mark.parametrize(
    ("weeks", "are_few"),
    [
        ([(50, 10, 40)], False),
        ([(50, 9, None)], True),
        # What is hidden may be as many as the floor.
        ([(50, None, None)], False),
        ([(60, None, None)], True),
        ([(10, None, None)] * 8, False),
        ([(200, None, None), (10, 10, None)], True),
        ([], False),
    ],
)
def test_few_are_accepted_where_even_what_is_hidden_does_not_make_a_fifth(
    weeks: list[tuple[int, int | None, int | None]], are_few: bool
) -> None:
    told = tuple(
        ReviewWeek(week=f"2026-11-{at:02}", asked=asked, accepted=accepted, rejected=rejected)
        for at, (asked, accepted, rejected) in enumerate(weeks, start=1)
    )
    assert few_accepted(told, floor=10) == are_few
    (text, *_) = [one["text"] for one in read_vectors("round-report")["good"]]
    report = RoundReport.from_canonical(text.encode())
    load = report.reviews[0].model_copy(
        update={"role": "asked", "weeks": told, "is_doubtful": are_few}
    )
    page = round_page(report.model_copy(update={"reviews": (load,)}))
    # The example was attacked; of each measure the page has mean, least, most, and what is agreed.
    cells = re.split(r"<[^>]+>\s*", page[page.index("named by a perfect list") :])
    assert [one for one in cells if one][1:5] == ["0.10%", "0.00%", "0.20%", "10.00%"]
    assert ("accepted fewer than a fifth" in page) == are_few
    assert ("2026-11-01" in page) == bool(weeks)
