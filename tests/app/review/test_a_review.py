"""A review from the question to the supplement, and what each party sees of it."""

from __future__ import annotations

from rigs.linkage import CHILD_WELFARE, SCHOOL
from rigs.reviewing import MakeReviewing, Reviewing
from samples.round_files import less_like, random_people

from schemas.agreement.clauses import FileSize
from schemas.linkage.run import Recipient
from schemas.rounds.release import parse_release

HEALTH = "health-office"
PARTIES = (CHILD_WELFARE, HEALTH, SCHOOL)
MOST = {CHILD_WELFARE: 1000, HEALTH: 1500, SCHOOL: 2000}


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


def test_only_the_reviewers_pairs_are_asked_about_and_supplements_are_numbered_on(
    make_reviewing: MakeReviewing,
) -> None:
    reviewing = make_reviewing(
        providers=PARTIES,
        recipients=tuple(Recipient(party=one, mode="linked", space="shared") for one in PARTIES),
        files=tuple(FileSize(party=one, least=1, most=MOST[one]) for one in PARTIES),
    )
    people = random_people(reviewing.rng, 30)
    others = {
        party: people[:12]
        + [less_like(one) for one in people[12:20]]
        + random_people(reviewing.rng, 10)
        for party in (HEALTH, SCHOOL)
    }
    files = {CHILD_WELFARE: people, **others}
    for party in PARTIES:
        assert reviewing.offer(party).status_code == 201
    reviewing.open_round()
    sent = {
        (one, other): reviewing.upload(files[one], one, other)[1]
        for one in PARTIES
        for other in PARTIES
        if one != other
    }
    reviewing.work()
    path = f"/v1/projects/{reviewing.terms.project}/reviews"
    reviews = reviewing.get(path).json()["reviews"]
    assert {one["asked"] for one in reviews} == {HEALTH, SCHOOL}
    # Of a pair without the reviewer's agency nothing is asked.
    pairs = reviewing.round()["progress"]
    without = next(one for one in pairs if CHILD_WELFARE not in (one["larger"], one["smaller"]))
    assert without["run"] not in {one["run"] for one in reviews}
    for number, review in enumerate(reviews, 2):
        questions = [one.reference for one in reviewing.questions(review["run"])]
        pair = CHILD_WELFARE, review["asked"]
        reviewing.containers = sent[pair], sent[pair[::-1]]
        reviewing.answer(review["run"], review["asked"])
        reviewing.decide(review["run"], dict.fromkeys(questions, "accept"))
        supplement = reviewing.supplements()[-1]
        assert (supplement["release"], supplement["run"]) == (number, review["run"])
    # A third agency sees that there is a review, and no number of it.
    seen = {one["asked"]: one for one in reviewing.get(path, HEALTH).json()["reviews"]}
    assert (seen[SCHOOL]["questions"], seen[SCHOOL]["buckets"]) == (None, None)
    assert seen[HEALTH]["buckets"] is not None
    # Claims about one supplement close that one alone.
    asked = reviews[0]["asked"]
    reviewing.put_claims(CHILD_WELFARE, asked, b"one", release=2)
    reviewing.put_claims(asked, CHILD_WELFARE, b"two", release=2)
    assert [one["state"] for one in reviewing.supplements()] == ["closed", "open"]
