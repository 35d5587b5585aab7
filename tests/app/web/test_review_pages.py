"""Pages of reviews: what came of them, by whom, how alike, and no small count; and where else reviews show."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL
from rigs.reviewing import MakeReviewing, Reviewing
from rigs.shown_pages import csv_rows, words

from app.review.results import LEAST_COMMON

REVIEWS = f"/projects/{PROJECT}/reviews"


def held(reviewing: Reviewing, n: int = 12) -> tuple[str, list[bytes]]:
    """Let a run hold so many pairs back, and the school answer; returns it with the questions' references."""
    run = reviewing.hold_back(n, n_records=max(30, 3 * n))
    reviewing.founded.clock.move(hours=2)
    reviewing.answer(run)
    references = [one.reference for one in reviewing.questions(run)]
    assert len(references) == n
    return run, references


def ended(reviewing: Reviewing, n_accepted: int, n_rejected: int, n: int = 12) -> str:
    """Let one reviewer accept and reject so many pairs of n, and end; returns the run."""
    run, references = held(reviewing, n)
    verdicts = dict.fromkeys(references[:n_accepted], "accept")
    verdicts |= dict.fromkeys(references[n_accepted : n_accepted + n_rejected], "reject")
    reviewing.founded.clock.move(minutes=40)
    answer = reviewing.decide(run, verdicts, is_last=True)
    assert answer.json()["state"] == "ended"
    return run


def counts(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("questions", "accepted", "rejected", "open", "accept_rate"))


def test_a_review_under_way_says_what_it_waits_for_and_nothing_of_what_was_decided(
    reviewing: Reviewing, visit_as_auditor: Any
) -> None:
    run = reviewing.hold_back(12)
    path = f"/reviews/{run}"
    assert f"waits for cards {SCHOOL} has not sent its cards yet." in words(
        visit_as_auditor(reviewing, path)
    )
    references = [one.reference for one in reviewing.questions(run)]
    reviewing.answer(run)
    reviewing.decide(run, dict.fromkeys(references[:4], "accept"))
    shown = words(visit_as_auditor(reviewing, path))
    assert f"under way Reviewers of {CHILD_WELFARE} decide" in shown
    assert "Pairs asked about 12" in shown
    # Four of twelve, in multiples of the floor.
    assert reviewing.person(CHILD_WELFARE).id[:12] in shown
    assert "3 or more" in shown
    assert "Settled" not in shown
    twin = visit_as_auditor(reviewing, f"{path}.json").json()
    assert counts(twin) == (12, None, None, None, None)


def test_a_review_that_ended_shows_its_counts_its_reviewers_how_long_it_took_and_where_it_is_spoken_of(
    reviewing: Reviewing, visit_as_auditor: Any, visitor_of: Any
) -> None:
    run = ended(reviewing, 5, 3)
    twin = visit_as_auditor(reviewing, f"/reviews/{run}.json").json()
    # 5 of 8 are 62.5 of 100.
    assert counts(twin) == (12, 5, 3, 4, 63)
    assert (twin["release"], twin["reason"]) == (2, "decided")
    (reviewer,) = twin["reviewers"]
    assert reviewer["person"] == reviewing.person(CHILD_WELFARE).id
    assert (reviewer["at_least"], reviewer["has_ended"]) == (6, True)
    shown = words(visit_as_auditor(reviewing, f"/reviews/{run}"))
    assert f"{SCHOOL} sent its cards" in shown
    assert re.search(r"sent its cards [0-9: -]+ 2 h A reviewer", shown)
    assert re.search(r"for the first time [0-9: -]+ 40 min It ended", shown)
    assert "What was accepted was released." in shown
    assert "fewer than" not in shown
    (row,) = csv_rows(visit_as_auditor(reviewing, f"{REVIEWS}.csv"))
    assert (row["run"], row["accepted"], row["rejected"], row["open"]) == (run, "5", "3", "4")
    # An auditor of other projects finds no review.
    reviewing.founded.enrol("other-auditor")
    for path in (REVIEWS, f"/reviews/{run}", f"/reviews/{run}.json", f"/reviews/{run}.csv"):
        assert visitor_of(reviewing).get(path, "other-auditor").status_code == 404
        assert visitor_of(reviewing).get(path, CHILD_WELFARE, "agency").status_code == 403
        assert visitor_of(reviewing).get(path, "operator", "operator").status_code == 200
    # Other pages lead to the review and tell its release apart.
    assert f'href="/reviews/{run}"' in visit_as_auditor(reviewing, f"/runs/{run}").text
    release = reviewing.releases(SCHOOL, 2)[0]["release"]
    assert "2, what reviewers accepted" in words(
        visit_as_auditor(reviewing, f"/releases/{release}")
    )
    numbers = [
        row["number"]
        for row in csv_rows(visit_as_auditor(reviewing, f"/projects/{PROJECT}/releases.csv"))
    ]
    assert sorted(numbers) == ["1", "1", "2", "2"]
    rounds = f"/projects/{PROJECT}/rounds/1"
    supplement = visit_as_auditor(reviewing, rounds).text.split('id="supplements"')[1]
    assert f'href="/reviews/{run}"' in supplement
    assert ">open<" in supplement
    retention = visit_as_auditor(reviewing, f"/projects/{PROJECT}/retention").text
    assert "questions, cards and decisions of a review" in retention
    reviewing.sweep()
    shown = words(visit_as_auditor(reviewing, f"/reviews/{run}"))
    assert "destroyed on 2026-" in shown


def test_a_review_of_few_pairs_shows_no_count(
    make_reviewing: MakeReviewing, visit_as_auditor: Any
) -> None:
    reviewing = make_reviewing(floor=13)
    run = ended(reviewing, 6, 6)
    twin = visit_as_auditor(reviewing, f"/reviews/{run}.json").json()
    assert counts(twin) == (None,) * 5
    page = words(visit_as_auditor(reviewing, f"/reviews/{run}"))
    assert "fewer than 13" in page
    assert not re.search(
        r"\b(6|12)\b(?! [h:-])", page.split("Who decided")[1].split("First time")[0]
    )


def test_two_reviewers_who_decided_enough_in_common_are_compared(
    make_reviewing: MakeReviewing, visit_as_auditor: Any
) -> None:
    reviewing = make_reviewing({"persons": 2})
    run, references = held(reviewing, 33)
    first = ["accept"] * 18 + ["reject"] * 15
    # Six of them otherwise: of n in common with so many each way, kappa is a number of one's own.
    second = [*first[:15], *["reject"] * 3, *["accept"] * 3, *first[21:]][:LEAST_COMMON]
    reviewing.decide(run, dict(zip(references, first, strict=True)), is_last=True)
    answer = reviewing.decide(
        run, dict(zip(references, second, strict=False)), reviewing.second, is_last=True
    )
    assert answer.json()["state"] == "ended"
    (agreed,) = visit_as_auditor(reviewing, f"/reviews/{run}.json").json()["agreement"]
    same = sum(one == other for one, other in zip(first, second, strict=False)) / LEAST_COMMON
    chance = sum(
        first[:LEAST_COMMON].count(verdict) * second.count(verdict) / LEAST_COMMON**2
        for verdict in ("accept", "reject")
    )
    kappa = f"{(same - chance) / (1 - chance):.1f}"
    assert agreed["kappa"] == kappa
    shown = words(visit_as_auditor(reviewing, f"/reviews/{run}"))
    assert f"Cohen’s kappa {reviewing_pair(agreed)} {kappa}" in shown


def reviewing_pair(agreed: dict[str, str]) -> str:
    return f"{agreed['first'][:12]}… {agreed['second'][:12]}…"


def test_the_share_that_is_accepted_is_drawn_over_the_rounds(
    reviewing: Reviewing, visit_as_auditor: Any
) -> None:
    ended(reviewing, 9, 3)
    assert "<svg" not in visit_as_auditor(reviewing, REVIEWS).text
    ended(reviewing, 3, 9)
    ended(reviewing, 1, 8)
    page = visit_as_auditor(reviewing, REVIEWS).text
    bars = re.findall(r'<rect class="(\w+)"[^>]*><title>([^<]*)</title>', page)
    assert bars == [("auto", "1: 75"), ("auto", "2: 25"), ("hidden", "3: not shown")]
    rows = list(csv.DictReader(io.StringIO(visit_as_auditor(reviewing, f"{REVIEWS}.csv").text)))
    assert [(row["round"], row["accept_rate"]) for row in rows] == [
        ("3", ""),
        ("2", "25"),
        ("1", "75"),
    ]


def test_what_reviewers_accepted_is_found_in_the_match_record_by_its_rule(
    make_reviewing: MakeReviewing, visit_as_auditor: Any
) -> None:
    reviewing = make_reviewing(floor=0)
    run = ended(reviewing, 5, 3)
    path = f"/runs/{run}/match-record"
    (entry,) = [one for one in reviewing.log_entries() if one["kind"] == "review-ended"]
    page = visit_as_auditor(reviewing, f"{path}?rule=reviewed").text
    assert entry["body"]["match_record_root"] in page
    assert "as release 2 of the round" in page
    assert "kind=review-ended" in page
    twin = visit_as_auditor(reviewing, f"{path}.json?rule=reviewed").json()
    assert {one["rule"] for one in twin["decisions"]} == {"reviewed"}
    assert (len(twin["decisions"]), twin["header"]["release"]) == (5, 2)
    # The other record has none of them.
    assert visit_as_auditor(reviewing, f"{path}.json").json()["header"]["release"] == 1
    held_back = visit_as_auditor(reviewing, f"{path}.json?rule=review-band").json()
    assert held_back["header"]["release"] == 1


def test_a_filter_for_what_was_reviewed_finds_nothing_where_nothing_was(
    reviewing: Reviewing, visit_as_auditor: Any
) -> None:
    run = ended(reviewing, 0, 3)
    page = words(visit_as_auditor(reviewing, f"/runs/{run}/match-record?rule=reviewed"))
    assert "Nothing is shown that fits the filter." in page


def test_the_matrix_says_who_decides_and_who_sends_cards(
    reviewing: Reviewing, visit_as_auditor: Any
) -> None:
    run, references = held(reviewing)
    stated = reviewing.decisions(run, {references[0]: "accept"}).to_json()
    cards = reviewing.stated_cards(run, {})
    matrix = visit_as_auditor(reviewing, f"/projects/{PROJECT}/access.json").json()["access"]
    may = {row["party"]: row["may"] for row in matrix}
    decides = {party: can["Decide pairs that are sent to review"] for party, can in may.items()}
    sends = {party: can["Send cards to reviewers"] for party, can in may.items()}
    assert decides == {CHILD_WELFARE: "yes", SCHOOL: "no", AUDITOR: "no", "operator": "no"}
    assert sends == {CHILD_WELFARE: "no", SCHOOL: "its own", AUDITOR: "no", "operator": "no"}
    for party, role in (
        (SCHOOL, "agency"),
        (AUDITOR, "auditor"),
        ("operator", "operator"),
        (CHILD_WELFARE, "agency"),
    ):
        headers = reviewing.as_party(party, role)
        decided = reviewing.client.post(
            f"/v1/reviews/{run}/decisions", json=stated, headers=headers
        )
        assert (decided.status_code == 200) == (decides[party] == "yes"), party
        raw = {**headers, "content-type": "application/octet-stream"}
        sent = reviewing.client.put(f"/v1/reviews/{run}/cards", content=cards, headers=raw)
        # The school has answered before: that it is the school is not what is refused.
        is_theirs = sent.status_code != 403 and "not-of-review" not in sent.text
        assert is_theirs == (sends[party] != "no"), (party, sent.text)
