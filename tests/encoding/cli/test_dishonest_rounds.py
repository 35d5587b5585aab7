"""A broker that does not keep to the order of rounds: nothing is encoded twice, nor kept without proof."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from breaks.false_log import Log
from rigs.desk import Desk
from rigs.near_broker import NearBroker, answer_with, document
from rigs.weeks import links, settle
from sqlalchemy import text

from app.links import preparation
from app.links.matches import LinkedRun, Matches
from app.matching.blocks.bins import MemoryShelf
from app.matching.blocks.ranges import Sizes
from app.matchlog import service as matchlog
from app.matchlog.draft import SOFTWARE
from app.rounds import opening
from app.security.log_key import read_log_key
from schemas.agreement.clauses import RoundBudget
from schemas.matchlog.entry import entry_bytes, parse_entry
from schemas.matchlog.kinds import KINDS
from schemas.reports.audit_pack import Sample
from schemas.rounds.rounds import NonceState

Bend = Callable[[dict[str, Any]], dict[str, Any]]


def show_rounds(near: NearBroker, bend: Bend, *, hides_above: int = 10**6) -> None:
    """From now on show rounds otherwise than they are: each as bent, and none above a number."""

    def lie(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method != "GET" or "/rounds" not in request.url.path:
            return response
        shown = json.loads(response.content)
        if "rounds" in shown:
            kept = [bend(one) for one in shown["rounds"] if one["round"] <= hides_above]
            return answer_with(response, {**shown, "rounds": kept})
        return answer_with(response, bend(shown)) if "progress" in shown else response

    near.courier.after = lie


def uploads(near: NearBroker) -> int:
    return sum("/uploads" in path and method != "GET" for method, path in near.courier.requests)


def require_nothing_kept(*desks: Desk) -> None:
    for desk in desks:
        assert not (desk.folder / "links.csv").exists()
        ledger = desk.folder / "workspace" / "ledgers" / "foster-pupils.shared.sealed"
        # With nothing but what was said: the first link ID makes it longer.
        assert not ledger.exists() or ledger.stat().st_size < 1000


def execute(near: NearBroker, statement: str) -> None:
    with near.broker.database.write() as session:
        session.execute(text(statement))


# Matches that nothing proves.


def forge_records(run: LinkedRun, side: int, space: str) -> Any:
    """Give each match of the smaller file to another record, and name the row of the true one."""
    if side == 1:
        forged = np.concatenate(list(run.matches.of_side(side)))
        forged["smaller"] = np.roll(forged["smaller"], 1)
        sizes = Sizes(larger=len(run.handles[0]), smaller=len(run.handles[1]))
        run = replace(run, matches=Matches([forged], sizes, MemoryShelf()))
    return REAL(run, side, space)


REAL = preparation.own_matches


def test_a_forged_match_that_names_a_row_of_another_record_is_an_alarm(
    near: NearBroker, schools: Desk, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "own_matches", forge_records)
    assert schools.type("refresh").exit_code == 7
    refused = welfare.type("refresh")
    assert refused.exit_code == 9, refused.stderr
    assert "3 of 3 matches name a row of another record" in refused.stderr
    # The other side's claims never come, so it keeps nothing either.
    assert schools.type("refresh").exit_code == 7
    require_nothing_kept(schools, welfare)


def test_a_root_that_is_not_that_of_the_own_container_is_an_alarm_and_no_excuse(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    def other_roots(shown: dict[str, Any]) -> dict[str, Any]:
        progress = [
            {**one, "root_larger": "1" * 64, "root_smaller": "2" * 64}
            if one["root_larger"] and one["root_smaller"]
            else one
            for one in shown["progress"]
        ]
        return {**shown, "progress": progress}

    assert schools.type("refresh").exit_code == 7
    show_rounds(near, other_roots)
    refused = welfare.type("refresh")
    assert refused.exit_code == 9, refused.stderr
    assert "a different container from the one this agency has sent" in refused.stderr
    assert schools.type("refresh").exit_code == 9
    # Nor is it one where the workspace knows of no nonce, as after a restore.
    (welfare.folder / "workspace" / "nonces" / "foster-pupils.sealed").unlink()
    assert welfare.type("refresh").exit_code == 9
    require_nothing_kept(schools, welfare)


def test_no_round_is_asked_for_after_one_that_the_log_does_not_have(
    settled: NearBroker, near: NearBroker, schools: Desk
) -> None:
    near.move(days=7)
    near.sweep()
    asked = [("POST", "/v1/projects/foster-pupils/rounds/1")]
    show_rounds(near, lambda shown: {**shown, "round": shown["round"] + 5})
    refused = schools.type("encode")
    assert "the match log and the broker show different rounds" in refused.stderr
    assert [
        one for one in near.courier.requests if one[0] == "POST" and "/rounds/" in one[1]
    ] == asked


def test_a_nonce_that_is_spent_stays_spent_whatever_number_the_broker_gives(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    assert welfare.type("refresh").exit_code == 7

    def again(request: httpx2.Request) -> httpx2.Response | None:
        if request.url.path.endswith("/nonces"):
            assert request.method == "GET", "nothing is offered"
            return document(NonceState(party="welfare", unspent=0, next=1))
        return None

    near.courier.before = again
    refused = welfare.type("refresh")
    assert refused.exit_code == 9, refused.stderr
    assert "encodings have left with that number or a later one" in refused.stderr
    near.courier.before = lambda _: None
    settle(near)
    assert links(welfare)


def test_matches_that_a_partner_cannot_prove_are_counted_aloud(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    assert schools.type("refresh").exit_code == 7
    for path in (schools.folder / "workspace" / "outbox").glob("*.enc"):
        path.unlink()
    assert welfare.type("refresh").exit_code == 7
    assert "what was matched with welfare cannot be proven" in schools.ok("refresh").stderr
    done = welfare.ok("refresh")
    assert "3 matches with schools have no proof that the records met by a key" in done.stderr


# Containers made twice.


def test_no_container_is_made_for_a_nonce_that_a_round_has_used_before(
    settled: NearBroker, near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    sent = uploads(near)
    execute(near, "UPDATE offered_nonce SET state = 'unspent'")
    near.move(days=7)
    for desk in (schools, welfare):
        refused = desk.type("refresh")
        assert refused.exit_code == 1
        assert "round-nonce" in refused.stderr
        assert desk.type("encode").exit_code == 1
    assert uploads(near) == sent


def never_had(shown: dict[str, Any]) -> dict[str, Any]:
    gone = {"root_larger": None, "root_smaller": None, "earlier": None, "run": None}
    return {**shown, "progress": [{**one, **gone} for one in shown["progress"]]}


def test_a_container_that_the_broker_says_it_never_had_is_sent_again_and_no_other_is_made(
    near: NearBroker, welfare: Desk, write_people: Callable[..., Any], people: list[Any]
) -> None:
    assert welfare.type("refresh").exit_code == 7
    (path,) = (welfare.folder / "workspace" / "outbox").glob("*.enc")
    before = path.read_bytes()
    show_rounds(near, never_had)
    write_people(people[:2])
    welfare.type("refresh")
    assert path.read_bytes() == before
    assert welfare.type("encode").exit_code == 1
    assert path.read_bytes() == before
    path.unlink()
    refused = welfare.type("refresh")
    assert refused.exit_code == 1
    assert "are never made twice" in refused.stderr


def put_back(desk: Desk, snapshot: Path) -> None:
    """Put a workspace back as files, nonces and all, as a machine's snapshot does."""
    shutil.rmtree(desk.folder / "workspace")
    shutil.copytree(snapshot, desk.folder / "workspace")


@pytest.mark.parametrize("had_encoded", [False, True])
def test_no_other_container_is_made_or_sent_once_the_log_shows_one(
    near: NearBroker, schools: Desk, welfare: Desk, tmp_path: Path, had_encoded: bool
) -> None:
    assert schools.type("refresh").exit_code == 7
    if had_encoded:
        welfare.ok("encode")
    shutil.copytree(welfare.folder / "workspace", tmp_path / "snapshot")
    welfare.ok("encode")
    welfare.ok("upload")
    put_back(welfare, tmp_path / "snapshot")
    sent = uploads(near)
    show_rounds(near, never_had)
    for words in (("refresh",), ("encode",), ("upload",)):
        refused = welfare.type(*words)
        assert refused.exit_code == 1
        if had_encoded or words != ("upload",):
            assert "are never made twice" in refused.stderr
    assert uploads(near) == sent
    assert len([*(welfare.folder / "workspace" / "outbox").glob("*.enc")]) == had_encoded


# Rounds that do not count.


def as_open(shown: dict[str, Any]) -> dict[str, Any]:
    return {**shown, "state": "open", "superseded_by": None}


def test_nothing_is_encoded_for_a_superseded_round_that_is_shown_as_open(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    schools.ok("encode")
    schools.ok("upload")
    schools.ok("round", "--correct", "wrong-file")
    sent = uploads(near)
    show_rounds(near, as_open, hides_above=1)
    for words in (("refresh",), ("encode",)):
        refused = welfare.type(*words)
        assert refused.exit_code == 1
        assert "the match log shows that round 1 was corrected" in refused.stderr
    assert uploads(near) == sent
    assert not list((welfare.folder / "workspace" / "outbox").iterdir())


@pytest.mark.parametrize("has_uploaded", [False, True])
def test_a_match_of_a_superseded_round_is_not_kept(
    settled: NearBroker, near: NearBroker, schools: Desk, welfare: Desk, has_uploaded: bool
) -> None:
    """All of the round is as if it counted, and the log alone says that it does not."""
    near.move(days=7)
    kept = {desk.party: (desk.folder / "links.csv").read_bytes() for desk in (schools, welfare)}
    assert schools.type("refresh").exit_code == 7
    if has_uploaded:
        assert welfare.type("refresh").exit_code == 7
    supersede_in_secret(near, 2)
    last = schools if has_uploaded else welfare
    refused = last.type("refresh")
    assert refused.exit_code == 1, refused.stderr
    assert "the match log breaks its rules" in refused.stderr
    assert {d.party: (d.folder / "links.csv").read_bytes() for d in (schools, welfare)} == kept


def supersede_in_secret(near: NearBroker, number: int) -> None:
    """Log that a round is superseded, and go on with it."""
    from app.agreements.service import binding_terms
    from app.matchlog.draft import EntryDraft
    from schemas.matchlog.round_kinds import RoundSuperseded

    with near.broker.database.write() as session:
        binding = binding_terms(session, "foster-pupils", near.now)
        assert binding is not None
        draft = EntryDraft(
            RoundSuperseded(round=number, by=number + 1, reason="wrong-file"),
            project="foster-pupils",
            agreement=binding.digest,
            purpose=binding.terms.purpose,
        )
        near.broker.log.append(session, [draft])


@pytest.mark.parametrize("terms", [{"round_budget": RoundBudget(rounds=1, days=30)}])
def test_no_round_beyond_the_budget_is_encoded_for_though_it_corrects_one(
    near: NearBroker, schools: Desk, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_refuse_beyond_budget", lambda *_: None)
    welfare.ok("encode")
    schools.ok("round", "--correct", "wrong-file")
    refused = welfare.type("encode")
    assert refused.exit_code == 1
    assert "beyond the number that the terms allow" in refused.stderr


def test_a_correction_that_no_person_has_signed_is_not_encoded_for(
    near: NearBroker, schools: Desk, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools.ok("encode")
    monkeypatch.setattr(matchlog, "hold_to_signers", lambda *_: None)
    as_it_is = opening._entry
    monkeypatch.setattr(opening, "_entry", lambda *said: replace(as_it_is(*said), actor=SOFTWARE))
    schools.ok("round", "--correct", "wrong-file")
    refused = welfare.type("encode")
    assert refused.exit_code == 1
    assert "someone acts who was not enrolled" in refused.stderr


# A log that was forked.


def forked(near: NearBroker, receipt: dict[str, Any], **changes: Any) -> Any:
    """Return a receipt of a log that has another entry in its place, under the same key."""
    entry = parse_entry(receipt["entry"].encode(), KINDS)
    body = entry.body.model_copy(update=changes)
    false = Log(signer=read_log_key(near.broker.settings.log_key_file))
    false.entries = [f"another past {number}".encode() for number in range(entry.seq)]
    false.entries.append(entry_bytes(entry.model_copy(update={"body": body})))
    return json.loads(false.receipt(entry.seq, None).to_canonical())  # type: ignore[arg-type]


def test_a_closing_of_a_forked_log_is_not_believed(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    def closed_without_claims(shown: dict[str, Any]) -> dict[str, Any]:
        closing = shown["closing"] and forked(near, shown["closing"], claims=())
        return {**shown, "closing": closing}

    for desk in (schools, welfare, schools):
        desk.type("refresh")
    assert near.log_kinds().count("round-closed") == 1
    show_rounds(near, closed_without_claims)
    refused = welfare.type("refresh")
    assert refused.exit_code == 1
    assert "is not the one that this agency has seen" in refused.stderr
    assert not (welfare.folder / "links.csv").exists()
    assert [*(welfare.folder / "workspace" / "pins").glob("evidence-*")]


def test_a_round_that_was_proven_is_not_shown_otherwise_by_a_forked_log(
    near: NearBroker, schools: Desk, welfare: Desk
) -> None:
    """The list shows it as it was opened, and by itself it is another one."""
    later = "2026-12-24T00:00:00Z"

    def other_deadline(shown: dict[str, Any]) -> dict[str, Any]:
        receipt = forked(near, shown["receipt"], deadline=later)
        return {**shown, "deadline": later, "receipt": receipt}

    def lie(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        is_one = request.method == "GET" and request.url.path.endswith("/rounds/1")
        return answer_with(response, other_deadline(response.json())) if is_one else response

    assert schools.type("refresh").exit_code == 7
    near.courier.after = lie
    refused = welfare.type("refresh")
    assert refused.exit_code == 1
    assert "the broker shows round 1 differently from before" in refused.stderr


# Openings of decisions that an auditor asks for.


def test_openings_are_taken_only_as_the_log_has_them(
    settled: NearBroker, near: NearBroker, welfare: Desk
) -> None:
    finished = next(one for one in near.log_entries() if one["kind"] == "run-finished")
    sample = Sample(
        project="foster-pupils",
        run=finished["object"],
        match_record=finished["body"]["match_record_root"],
        seed="spring",
        numbers=(1, 2, 3),
    )
    asked, pack = welfare.folder / "sample.json", welfare.folder / "welfare.pack"
    asked.write_bytes(sample.to_canonical())
    order = ("audit-pack", "--sample", str(asked), "-o", str(pack))
    bends: list[Callable[[bytes], bytes]] = [
        lambda raw: raw[:-2] + (b"1\n" if raw[-2:] == b"0\n" else b"0\n"),
        lambda raw: raw[:-40],
        lambda raw: b"x" + raw,
        lambda raw: raw + b"\n",
    ]
    changed: list[bytes] = []

    def after(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if not request.url.path.endswith("/openings"):
            return response
        changed.append(bends[len(changed)](response.content))
        return httpx2.Response(200, headers=response.headers, content=changed[-1])

    near.courier.after = after
    for _ in bends:
        refused = welfare.type(*order)
        assert refused.exit_code != 0
        assert "not those in the match log" in refused.stderr
        assert not pack.exists()
    assert len(changed) == len(bends)
    near.courier.after = lambda _, response: response
    assert "3 of 3 decisions opened" in welfare.ok(*order).output
