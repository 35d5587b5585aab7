"""Pages of rounds: what each pair uses and has sent, its proofs, and the weights that a run decided by."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from rigs.agreed import amend
from rigs.delivering import Delivering
from rigs.linkage import CHILD_WELFARE, PROJECT, SCHOOL, Linkage

from app.errors import KeyKeeperUnavailableError
from app.security.keystore import KeyStore
from app.web.weights import BAR_WIDTH, odds_words, waterfall
from schemas.linkage.profile import EncodingProfile
from schemas.rounds.match_record import MatchRecordHeader
from schemas.rounds.rounds import RoundList, RoundView

ROUNDS = f"/projects/{PROJECT}/rounds"


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_round_shows_what_it_uses_its_run_and_its_proofs_and_when_it_is_closed_the_claims_that_count(
    finished: Any, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = RoundView.from_json(visitor.get(f"{ROUNDS}/1.json").json())
    page = visitor.get(f"{ROUNDS}/1").text
    pair, progress = view.pairs[0], view.progress[0]
    assert f"number {pair.nonce_larger.number}" in page
    for shown in (pair.nonce_larger.nonce, pair.nonce_smaller.nonce, progress.root_larger):
        assert shown in page
    assert finished.ids["run"] in page
    seqs = re.findall(r"/log/entries/(\d+)", page)
    kinds = finished.linkage.log_kinds()
    assert [kinds[int(seq)] for seq in seqs] == ["round-opened"]
    # A run shows its weights to auditors alone.
    path = f"/runs/{finished.ids['run']}"
    auditor, operator = visitor.get(path).text, visitor.get(path, "operator", "operator").text
    assert "By which weights it decided" in auditor
    assert auditor.count('class="chart bar"') > 10
    assert "before anything is compared" in auditor
    assert "By which weights it decided" not in operator
    assert f'href="{ROUNDS}/1"' in auditor
    # A closed round names its closing and the claims that count.
    finished.linkage.exchange_claims()
    view = RoundView.from_json(visitor.get(f"{ROUNDS}/1.json").json())
    page = visitor.get(f"{ROUNDS}/1").text
    assert "Link IDs follow from the claims below, and from no others." in page
    # Where no claims stand, nothing follows from claims below.
    for elsewhere in ("/projects", f"/projects/{PROJECT}"):
        assert "claims below" not in visitor.get(elsewhere).text
    assert len(view.progress[0].claims) == 2
    assert all(one.sha256 in page for one in view.progress[0].claims)
    kinds = finished.linkage.log_kinds()
    seqs = re.findall(r"/log/entries/(\d+)", page)
    assert [kinds[int(seq)] for seq in seqs] == ["round-opened", "round-closed"]
    # The list has a line for each pair in all three forms.
    finished.linkage.open_round()
    document = RoundList.from_json(visitor.get(f"{ROUNDS}.json").json())
    assert [view.round for view in document.rounds] == [2, 1]
    rows = rows_of(visitor.get(f"{ROUNDS}.csv").text)
    assert [(row["round"], row["state"]) for row in rows] == [("2", "open"), ("1", "closed")]
    assert rows[1]["larger"] == SCHOOL
    assert rows[1]["run"] == finished.ids["run"]
    page = visitor.get(ROUNDS).text
    assert page.index(f"{ROUNDS}/2") < page.index(f"{ROUNDS}/1")
    assert "No new round is due now." in page
    # Twins have the rounds that the page has no room for.
    monkeypatch.setattr("app.web.pages.rounds.LIST_LIMIT", 1)
    page = visitor.get(ROUNDS).text
    assert "the first lines of a" in page
    assert f'href="{ROUNDS}/1"' not in page
    assert [row["round"] for row in rows_of(visitor.get(f"{ROUNDS}.csv").text)] == ["2", "1"]
    document = RoundList.from_json(visitor.get(f"{ROUNDS}.json").json())
    assert [view.round for view in document.rounds] == [2, 1]


def test_a_project_without_rounds_says_so_and_a_round_that_waits_for_whom(
    linkage: Linkage, visitor: Any
) -> None:
    page = visitor.get(ROUNDS).text
    assert "No round was opened yet." in page
    assert "Without an unspent nonce" in page
    # A round that is not there is not found.
    assert visitor.get(f"{ROUNDS}/7").status_code == 404
    assert visitor.get(f"{ROUNDS}/0").status_code in {404, 422}
    # A round that waits says for whom.
    linkage.open_round()
    page = visitor.get(f"{ROUNDS}/1").text
    assert f"It waits for uploads of {CHILD_WELFARE} and {SCHOOL}." in page
    assert page.count("not yet") == 2
    # A corrected round leads to the one that took its place.
    linkage.offer_all()
    assert linkage.correct(1).status_code == 201
    page = visitor.get(f"{ROUNDS}/1").text
    assert f'href="{ROUNDS}/2"' in page
    assert "does not count" in page


def test_a_run_is_shown_while_its_keys_cannot_be_had(
    finished: Any, visitor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise KeyKeeperUnavailableError("down")

    monkeypatch.setattr(KeyStore, "open", fail)
    page = visitor.get(f"/runs/{finished.ids['run']}")
    assert page.status_code == 200
    assert "By which weights it decided" in page.text
    assert visitor.get(f"/runs/{finished.ids['run']}/match-record").status_code == 503


def test_the_levels_of_a_run_are_named_by_the_profile_that_it_was_made_by(
    delivering: Delivering, visit_as_auditor: Any
) -> None:
    run = delivering.run_id()
    raw = delivering.profile.to_json()
    raw["fields"][0]["levels"][0]["name"] = "identical"
    renamed = EncodingProfile.from_json(raw)
    changes = {"profile": renamed.digest(), "epoch": 2}
    amend(delivering.broker, delivering.agreement, renamed, delivering.people, **changes)
    for path in (f"/runs/{run}", f"/runs/{run}/match-record"):
        page = visit_as_auditor(delivering, path).text
        assert "<td>exact</td>" in page
        assert "identical" not in page, path


HEADER = MatchRecordHeader.from_json(
    {
        "version": "blindlink/match-record/3",
        "project": "foster-k12",
        "run": "run-" + "1" * 32,
        "round": 1,
        "release": 1,
        "specification": "a" * 64,
        "uploads": [
            {"party": "k12", "upload": "upl-" + "1" * 32},
            {"party": "welfare", "upload": "upl-" + "2" * 32},
        ],
        "prior": -20_000,
        "weights": [{"field": "first", "levels": [9_000, 4_000, -3_000]}],
        "floor": 10,
        "rows": 0,
    }
)


def test_bars_start_at_zero_and_fill_the_width() -> None:
    from samples.documents import PROFILE

    bars = waterfall(HEADER, EncodingProfile.from_json(PROFILE))
    assert [(bar.field, bar.level) for bar in bars] == [
        ("start", "before anything is compared"),
        ("first", "exact"),
        ("first", "near"),
        ("first", "far"),
    ]
    assert {bar.zero for bar in bars} == {bars[1].x}
    assert bars[0].x == 0
    assert bars[1].x + bars[1].width == BAR_WIDTH
    for bar in bars:
        ends = {round(bar.x, 1), round(bar.x + bar.width, 1)}
        assert bar.zero in ends
        assert (bar.kind == "auto") == (bar.bits >= 0)
    # Levels that the profile does not name have their number.

    others = {**PROFILE, "dependence": None, "fields": PROFILE["fields"][1:]}
    bars = waterfall(HEADER, EncodingProfile.from_json(others))
    assert [bar.level for bar in bars[1:]] == ["level 1", "level 2", "level 3"]


def test_odds_are_said_as_a_person_takes_them_in() -> None:
    assert odds_words(1_000) == "2.0 times as likely"
    assert odds_words(-3_000) == "8.0 times less likely"
    assert odds_words(0) == odds_words(-54) == "about as likely"
    assert odds_words(20_000) == "1,048,576 times as likely"
