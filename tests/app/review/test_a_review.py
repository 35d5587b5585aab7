"""A review from the question to the supplement, and what each party sees of it."""

from __future__ import annotations

from rigs.linkage import CHILD_WELFARE, SCHOOL
from rigs.reviewing import Reviewing

from schemas.rounds.release import parse_release


def test_what_a_reviewer_accepts_becomes_a_release_of_its_own(
    reviewing: Reviewing, held_back: str
) -> None:
    questions = reviewing.questions(held_back)
    assert len(questions) == 6
    cards = reviewing.answer(held_back)
    shown = reviewing.fetch_cards(held_back)
    assert set(shown) == {one.reference for one in questions}
    assert set(shown.values()) < set(cards.values())
    verdicts = {one.reference: "accept" for one in questions[:4]}
    verdicts |= {one.reference: "reject" for one in questions[4:]}
    assert reviewing.decide(held_back, verdicts).json()["state"] == "ended"
    view = reviewing.review()
    assert (view["release"], view["decided"]) == (2, 6)
    (supplement,) = reviewing.supplements()
    assert (supplement["release"], supplement["run"], supplement["state"]) == (2, held_back, "open")
    (own,), (other,) = reviewing.releases(CHILD_WELFARE, 2), reviewing.releases(SCHOOL, 2)
    files = {
        party: parse_release(
            reviewing.get(f"/v1/releases/{release['release']}/file", party).content
        )
        for party, release in ((CHILD_WELFARE, own), (SCHOOL, other))
    }
    header, matches = files[CHILD_WELFARE]
    assert (header.number, header.matches, header.run) == (2, 4, held_back)
    accepted = {one.handle: one.row for one in questions[:4]}
    assert {handle: match.row for handle, match in matches.items()} == accepted
    ids = {match.match_id for match in matches.values()}
    assert ids == {match.match_id for match in files[SCHOOL][1].values()}
    # Not those of the run: nobody can tell by an ID that two releases are of one run.
    (first,) = reviewing.releases(CHILD_WELFARE, 1)
    linked = parse_release(reviewing.get(f"/v1/releases/{first['release']}/file").content)[1]
    assert not ids & {match.match_id for match in linked.values()}
    assert not set(linked) & set(matches)
