"""Columns that go by the broker: delivered, attached, replaced, and refused where anything is wrong."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from rigs.agreed import sign_roster
from rigs.desk import Desk
from rigs.exchange import columns_of, exchanging
from rigs.near_broker import PROJECT, NearBroker
from rigs.weeks import links

from app.deliveries.ending import live_deliveries
from encoding.cli.parts import arrivals, attachments, outgoing_columns, shared_links
from encoding.cli.parts.outgoing_columns import DeliveriesApi
from encoding.sharing.kept_deliveries import KeptDeliveries

BOTH = ("refresh", "--deliver", "--attach")


class Killed(KeyboardInterrupt):
    pass


@pytest.fixture(scope="module")
def linked(tmp_path_factory: pytest.TempPathFactory) -> NearBroker:
    """Two agencies that are linked; for copies."""
    with exchanging(tmp_path_factory.mktemp("linked") / "broker") as near:
        pass
    return near


@pytest.fixture
def near(linked: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with exchanging(tmp_path / "broker", like=linked) as made:
        yield made


@pytest.fixture
def welfare(near: NearBroker) -> Desk:
    return near.desks["welfare"]


@pytest.fixture
def schools(near: NearBroker) -> Desk:
    return near.desks["schools"]


def said(near: NearBroker, kind: str) -> list[dict[str, Any]]:
    return [one for one in near.log_entries() if one["kind"] == f"delivery-{kind}"]


def meddle(near: NearBroker, part: str, change: Callable[[bytes], bytes]) -> None:
    """Change what the broker answers to questions about a path that holds this part."""

    def after(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if part not in request.url.path or response.status_code != 200:
            return response
        return httpx2.Response(
            200,
            headers={"content-type": response.headers["content-type"]},
            content=change(response.content),
        )

    near.courier.after = after


def test_each_job_ends_with_the_partners_columns_beside_its_rows(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    first = welfare.type(*BOTH)
    assert first.exit_code == 7
    assert "schools has delivered nothing for round 1 yet" in first.stderr
    done = schools.json(*BOTH)
    assert [one["to"] for one in done["delivered"]] == ["welfare"]
    assert [one["columns"] for one in done["attached"]] == [["Placement"]]
    welfare.ok(*BOTH)
    # Without columns of other people's, and nothing that a spreadsheet takes for a formula.
    assert columns_of(welfare, "schools") == [
        {"ID": "7", "Grade": "9", "School": "North"},
        {"ID": "9", "Grade": "4", "School": "'=West"},
    ]
    assert columns_of(schools, "welfare") == [
        {"ID": "p1", "Placement": "kin"},
        {"ID": "p4", "Placement": "foster home"},
    ]
    for kind in ("received", "fetched", "opened"):
        assert len(said(near, kind)) == 2, kind
    assert [one["outcome"] for one in said(near, "opened")] == ["done"] * 2
    passed = b"".join(near.courier.seen)
    assert b"foster home" not in passed
    assert b"North" not in near.logs.getvalue().encode()


def test_another_night_changes_nothing_and_fetches_nothing(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    for desk in (welfare, schools, welfare):
        desk.type(*BOTH)
    before = near.log_kinds()
    for desk in (welfare, schools):
        done = desk.json(*BOTH)
        assert [one["new"] for one in done["delivered"]] == [False]
    assert [kind for kind in near.log_kinds()[len(before) :] if kind.startswith("delivery-")] == []


def test_an_unlink_takes_the_place_of_what_was_delivered(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    for desk in (welfare, schools, welfare):
        desk.type(*BOTH)
    schools.ok("unlink", "p4", "--reason", "The parents dispute it.")
    schools.ok(*BOTH)
    welfare.ok(*BOTH)
    assert [row["ID"] for row in columns_of(welfare, "schools")] == ["7"]
    assert [row["ID"] for row in columns_of(schools, "welfare")] == ["p1"]
    numbers = [(one["actor"]["party"], one["body"]["number"]) for one in said(near, "received")]
    assert ("schools", 2) in numbers
    near.sweep()
    assert [one["body"]["reason"] for one in said(near, "destroyed")] == ["replaced"]


def test_the_next_week_brings_the_next_rounds_columns(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    for desk in (welfare, schools, welfare):
        desk.type(*BOTH)
    near.move(days=7)
    file = schools.folder / "people.csv"
    file.write_text(file.read_text("utf-8").replace(",9,North", ",10,North"), "utf-8")
    for desk in (welfare, schools) * 4:
        desk.type(*BOTH)
    assert columns_of(welfare, "schools")[0]["Grade"] == "10"
    assert [one["body"]["round"] for one in said(near, "received")] == [1, 1, 2, 2]
    assert len(said(near, "opened")) == 4


def test_a_later_rounds_delivery_is_no_alarm_where_the_links_are_still_older(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for desk in (welfare, schools, welfare):
        desk.type(*BOTH)
    before = (welfare.folder / "with-schools.csv").read_bytes()
    near.move(days=7)
    for desk in (welfare, schools) * 3:
        desk.type("refresh", "--deliver")
    real = attachments.shared_links

    def older(counter: Any, partner: str) -> Any:
        # As where a change waits until somebody accepts it.
        found = real(counter, partner)
        return type(found)(1, found.link_of, found.record_keys)

    monkeypatch.setattr(attachments, "shared_links", older)
    result = welfare.type("attach", "schools")
    assert (result.exit_code, "replaced by" in result.stderr) == (7, True)
    assert (welfare.folder / "with-schools.csv").read_bytes() == before


def test_by_hand_one_partner_is_served_and_what_changed_goes_again(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    assert schools.json("deliver", "welfare")["delivered"][0]["rows"] == 2
    done = welfare.json("attach", "schools")
    assert done["attached"][0]["rows_attached"] == 2
    assert schools.json("deliver", "welfare")["delivered"][0]["new"] is False
    file = schools.folder / "people.csv"
    file.write_text(file.read_text("utf-8").replace("North", "East"), "utf-8")
    # A job does not send it again for a value: the round's columns are there.
    assert schools.json("refresh", "--deliver")["delivered"][0]["new"] is False
    assert schools.json("deliver", "welfare")["delivered"][0]["number"] == 2
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["School"] == "East"
    result = welfare.type("attach", "nobody")
    assert (result.exit_code, "lets no columns of nobody come here" in result.stderr) == (1, True)
    result = welfare.type("deliver", "nobody")
    assert (result.exit_code, "go to nobody" in result.stderr) == (1, True)


def test_before_the_newest_links_are_written_nothing_is_delivered(
    near: NearBroker, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_columns, "newest_linked", lambda *_: SimpleNamespace(round=2))
    result = schools.type("deliver", "welfare")
    assert (result.exit_code, "nothing was delivered to welfare" in result.stderr) == (1, True)
    assert "no columns were exchanged" in schools.ok("refresh", "--deliver").stderr
    assert not said(near, "received")


def test_files_by_hand_still_work(welfare: Desk, schools: Desk) -> None:
    share(schools, ["Grade"])
    target = schools.folder / "grades.csv"
    schools.ok("extract", "-o", str(target))
    joined = welfare.folder / "joined.csv"
    welfare.ok("join", str(target), "--columns", "Grade", "-o", str(joined))
    with joined.open(encoding="utf-8", newline="") as file:
        assert [row["Grade"] for row in csv.DictReader(file)] == ["9", "4"]


def share(desk: Desk, columns: list[str], keep: tuple[str, ...] = ()) -> None:
    """List columns in the settings."""
    place = desk.folder / "blindlink.toml"
    text = place.read_text("utf-8").replace("\ncolumns = []", f"\ncolumns = {json.dumps(columns)}")
    place.write_text(text.replace("\nkeep = []", f"\nkeep = {json.dumps(keep)}"), "utf-8")


def test_only_listed_columns_go_and_own_ones_are_kept_beside(welfare: Desk, schools: Desk) -> None:
    share(schools, ["Grade"])
    share(welfare, [], keep=("last",))
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0] == {"ID": "7", "last": "Ortiz", "Grade": "9"}


def test_a_column_that_is_not_agreed_is_not_sent(near: NearBroker, schools: Desk) -> None:
    share(schools, ["Grade", "born"])
    result = schools.type("deliver", "welfare")
    assert result.exit_code == 2
    assert "does not let the column born go to welfare" in result.stderr
    assert not said(near, "received")


def test_a_file_that_somebody_else_wrote_stays(welfare: Desk, schools: Desk) -> None:
    (welfare.folder / "with-schools.csv").write_text("mine", "utf-8")
    schools.ok("deliver", "welfare")
    result = welfare.type("attach", "schools")
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert (welfare.folder / "with-schools.csv").read_text("utf-8") == "mine"


def test_link_ids_in_a_file_that_was_edited_count_for_nothing(welfare: Desk, schools: Desk) -> None:
    own = links(schools)
    file = schools.folder / "links.csv"
    file.write_text(file.read_text("utf-8").replace(own["p1"], own["p4"]), "utf-8")
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    assert [row["Grade"] for row in columns_of(welfare, "schools")] == ["9", "4"]


# What cannot be honest, or cannot be used.


def test_a_broker_that_keeps_another_file_is_refused_by_its_sender(
    near: NearBroker, schools: Desk
) -> None:
    meddle(near, "/deliveries/welfare/", lambda raw: raw.replace(b'"number":1', b'"number":2'))
    result = schools.type("deliver", "welfare")
    assert (result.exit_code, "kept a different file" in result.stderr) == (9, True)
    # The answer was changed on its way, and the delivery itself is there.
    schools.ok("deliver", "welfare")
    assert len(said(near, "received")) == 1


def refused(
    near: NearBroker, welfare: Desk, words: str, code: int, fault: str | None = None
) -> None:
    """Check that a delivery is refused, the file stays as it is, and what the sender is told."""
    before = (welfare.folder / "with-schools.csv").read_bytes()
    result = welfare.type("attach", "schools")
    assert (result.exit_code, words in result.stderr) == (code, True), result.stderr
    assert (welfare.folder / "with-schools.csv").read_bytes() == before
    told = [one["body"]["fault"] for one in said(near, "opened") if one["outcome"] == "failed"]
    assert told == ([] if fault is None else [fault])


@pytest.fixture
def attached(near: NearBroker, welfare: Desk, schools: Desk) -> None:
    """The first delivery is attached, and a second one is there."""
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    file = schools.folder / "people.csv"
    file.write_text(file.read_text("utf-8").replace("North", "East"), "utf-8")


@pytest.mark.usefixtures("attached")
def test_an_exchanged_file_is_refused(near: NearBroker, welfare: Desk, schools: Desk) -> None:
    schools.ok("deliver", "welfare")
    meddle(near, "/file", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]))
    refused(
        near, welfare, "a different file from the one that schools delivered", 9, "not-as-stated"
    )


@pytest.mark.usefixtures("attached")
def test_an_entry_of_another_delivery_is_no_proof(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    meddle(near, "/deliveries", lambda raw: raw.replace(b'"number":2', b'"number":3'))
    refused(
        near, welfare, "the match log and the broker show different deliveries", 9, "not-as-stated"
    )


@pytest.mark.usefixtures("attached")
def test_a_withheld_delivery_is_seen(near: NearBroker, welfare: Desk) -> None:
    meddle(near, "/deliveries", lambda _: b'{"deliveries":[]}')
    refused(near, welfare, "the broker withholds delivery 1 of round 1", 9)


@pytest.mark.usefixtures("attached")
def test_what_is_of_another_number_or_round_is_refused_though_the_log_has_it(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Last week's file, sent once more by a dishonest sender or its computer.
    kept: list[bytes] = []
    real = DeliveriesApi.send

    def replay(self: Any, number: int, round: int, recipient: str, sealed: bytes) -> Any:
        kept.append(sealed)
        return real(self, number, round, recipient, kept[0])

    monkeypatch.setattr(DeliveriesApi, "send", replay)
    schools.ok("deliver", "welfare")
    file = schools.folder / "people.csv"
    file.write_text(file.read_text("utf-8").replace("East", "Far"), "utf-8")
    welfare.ok("attach", "schools")
    schools.ok("deliver", "welfare")
    refused(near, welfare, "it is delivery 2 of round 1", 9, "not-as-stated")
    monkeypatch.undo()
    result = schools.ok("refresh", "--deliver")
    assert "welfare could not use delivery 3 of round 1" in result.stderr
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["School"] == "Far"


@pytest.mark.usefixtures("attached")
def test_what_holds_more_than_was_agreed_is_refused(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_columns, "_columns", lambda *_: ("Grade", "last"))
    schools.ok("deliver", "welfare")
    refused(
        near, welfare, "1 columns that the agreement does not let it hand over", 1, "not-agreed"
    )


@pytest.mark.usefixtures("attached")
def test_link_ids_that_are_none_of_ours_are_refused(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = outgoing_columns.shared_links

    def others(counter: Any, partner: str) -> Any:
        found = real(counter, partner)
        strange = {record: f"{number:032x}" for number, record in enumerate(found.link_of)}
        return type(found)(found.round, strange, found.record_keys)

    monkeypatch.setattr(outgoing_columns, "shared_links", others)
    schools.ok("deliver", "welfare")
    refused(near, welfare, "none of the link IDs", 1, "not-agreed")


@pytest.mark.usefixtures("attached")
def test_what_is_sealed_to_other_keys_is_told_and_comes_again(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = near.joining("welfare", "recipient")
    monkeypatch.setattr(outgoing_columns, "trusted_persons", lambda *_: (stranger.public,))
    schools.ok("deliver", "welfare")
    monkeypatch.undo()
    refused(near, welfare, "cannot be opened", 1, "unreadable")
    result = schools.ok("refresh", "--deliver")
    assert "its keys do not open it" in result.stderr
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["School"] == "East"


@pytest.mark.usefixtures("attached")
def test_what_nobody_whom_we_trust_has_signed_is_refused(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = near.person("schools", "analyst", "recipient")
    monkeypatch.setattr(outgoing_columns, "unlock_own", lambda *_: stranger)
    schools.ok("deliver", "welfare")
    monkeypatch.undo()
    refused(near, welfare, "no person of schools whom you trust has signed", 1, "not-signed")


@pytest.mark.usefixtures("attached")
def test_what_somebody_signed_after_they_had_left_is_refused(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = near.joining("schools", "analyst", "recipient")
    # Who was compared here stays trusted; the party's own steward says that they have left.
    fingerprint = former.public.fingerprint().split()
    welfare.ok("identity", "trust", "schools", *fingerprint, "--also")
    near.move(minutes=1)
    gone = [former.public.person]
    sign_roster(near.broker, PROJECT, near.people["schools"], joining=[], leaving=gone)
    monkeypatch.setattr(outgoing_columns, "unlock_own", lambda *_: former)
    schools.ok("deliver", "welfare")
    monkeypatch.undo()
    refused(near, welfare, "no person of schools whom you trust has signed", 1, "not-signed")


# Killed anywhere.


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (KeptDeliveries, "keep_sent", False),
        (outgoing_columns, "seal_delivery", False),
        (outgoing_columns, "seal_delivery", True),
        (DeliveriesApi, "send", False),
        (DeliveriesApi, "send", True),
    ],
    ids=["before kept", "before sealed", "sealed", "before sent", "sent"],
)
@pytest.mark.campaign("kills-agency", database="sqlite")
def test_a_delivery_that_was_killed_is_there_once(
    near: NearBroker,
    welfare: Desk,
    schools: Desk,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    after: bool,
) -> None:
    kill(monkeypatch, owner, name, after=after)
    assert schools.type("refresh", "--deliver").exit_code != 0
    monkeypatch.undo()
    schools.ok("refresh", "--deliver")
    schools.ok("refresh", "--deliver")
    assert len(said(near, "received")) == 1
    welfare.ok("attach", "schools")


@pytest.mark.parametrize(
    ("owner", "name", "after"),
    [
        (arrivals, "write_durably", False),
        (KeptDeliveries, "keep_received", False),
        (attachments, "attach", False),
        (attachments, "attach", True),
        (DeliveriesApi, "say", False),
    ],
    ids=["fetched", "before kept", "before written", "written", "before it is told"],
)
@pytest.mark.campaign("kills-agency", database="sqlite")
def test_an_attachment_that_was_killed_goes_on(
    near: NearBroker,
    welfare: Desk,
    schools: Desk,
    monkeypatch: pytest.MonkeyPatch,
    owner: Any,
    name: str,
    after: bool,
) -> None:
    schools.ok("deliver", "welfare")
    kill(monkeypatch, owner, name, after=after)
    assert welfare.type("refresh", "--attach").exit_code != 0
    monkeypatch.undo()
    welfare.ok("refresh", "--attach")
    assert len(columns_of(welfare, "schools")) == 2
    assert [one["outcome"] for one in said(near, "opened")] == ["done"]


def kill(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, after: bool) -> None:
    """Kill the next command at this call, before it or after it."""
    real = getattr(owner, name)

    def killing(*given: Any, **named: Any) -> Any:
        if after:
            real(*given, **named)
        raise Killed

    monkeypatch.setattr(owner, name, killing)


def test_what_was_delivered_is_known_to_the_destruction_of_local_copies(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    result = welfare.type("destroy", "--local", typed="no\n")
    for name in ("with-schools.csv", "schools.incoming", "schools.received"):
        assert name in result.output, name
    assert "welfare.sent" in schools.type("destroy", "--local", typed="no\n").output


def test_its_receipts_prove_it_to_both_and_are_held_against_the_certificate(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    for desk in (welfare, schools):
        assert "delivery-received" in {one["kind"] for one in desk.json("receipt", "verify")}
        desk.ok("audit-pack", "-o", str(desk.folder / "pack.zip"))
    with near.broker.database.read() as session:
        assert live_deliveries(session, "foster-pupils")
    said = schools.ok("destroy", "--yes").stderr
    assert "1 delivery" in said
    before = (welfare.folder / "with-schools.csv").read_bytes()
    result = welfare.type("attach", "schools")
    assert result.exit_code == 7
    assert "was destroyed, or replaced by a later round's delivery" in result.stderr
    assert (welfare.folder / "with-schools.csv").read_bytes() == before


def test_the_register_of_one_record_says_that_its_columns_went(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    for record, certainties in (("p1", ["yes"]), ("p2", [])):
        lines = schools.json("disclosures", "--record", record)["disclosures"]
        found = [one["certainty"] for one in lines if one["what"] == "columns"]
        assert found == certainties, record
    (line,) = [
        one
        for one in welfare.json("disclosures", "--record", "7")["disclosures"]
        if one["what"] == "columns"
    ]
    assert (line["giver"], line["receiver"]) == ("schools", "welfare")


def test_what_was_attached_is_counted_and_frozen_with_its_round(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    pytest.importorskip("highspy", reason="the extra tables is not installed")
    welfare.type(*BOTH)
    schools.ok(*BOTH)
    welfare.ok(*BOTH)
    table = str(welfare.folder / "table.csv")
    words = ("tabulate", "--by", "Placement,Grade", "--from", "schools", "-o", table)
    said = welfare.json(*words)
    assert (said["round"], said["people"], said["cells_not_shown"]) == (1, 2, 0)
    assert welfare.json(*words, "--as-of", "1", "--force")["round"] == 1
    (welfare.folder / "links.csv").write_text(f"record_id,link_id\n7,{'0' * 32}\n", "utf-8")
    assert welfare.json(*words, "--force")["round"] is None
    study = ("freeze", "study", "--why", "IRB 1", "--columns", "Grade", "--from", "schools")
    until = ("--until", "2027-01-31", "--as-of", "1", "-o", str(welfare.folder / "study.csv"))
    frozen = welfare.json(*study, *until)
    assert (frozen["round"], frozen["rows"]) == (1, 2)


OUT = ("--why", "IRB 1", "--until", "2027-01-31", "--columns", "Grade", "--from", "schools")


@pytest.fixture
def waiting(near: NearBroker, welfare: Desk, schools: Desk) -> NearBroker:
    """Round 2 has its links, and child welfare has the schools' columns of round 1."""
    for desk in (welfare, schools, welfare):
        desk.type(*BOTH)
    near.move(days=7)
    for desk in (welfare, schools) * 4:
        desk.type("refresh")
    return near


def test_columns_of_an_earlier_round_are_not_joined_with_todays_links(
    waiting: NearBroker, welfare: Desk, schools: Desk
) -> None:
    out = str(welfare.folder / "out.csv")
    told = "what schools has delivered here is of round 1, and the link IDs to join it with are of round 2"
    named = f"schools={welfare.folder / 'with-schools.csv'}"
    for words in (
        ("freeze", "s1", *OUT),
        ("freeze", "s1", *OUT[:-1], named),
        ("tabulate", "--by", "Grade", "--from", "schools"),
        ("export", "--for", "csv", "--organization", "1", "--from", "schools", "--begin", "Grade"),
    ):
        refused = welfare.type(*words, "-o", out)
        assert (refused.exit_code, told in refused.stderr) == (1, True), refused.stderr
        assert not Path(out).exists()
    assert welfare.json("freeze", "s1", *OUT, "--as-of", "1", "-o", out)["round"] == 1
    mixed = welfare.ok("freeze", "s2", *OUT, "--other-round", "-o", f"{out}2")
    assert told in mixed.stderr
    schools.ok("refresh", "--deliver")
    welfare.ok("attach", "schools")
    assert welfare.json("freeze", "s3", *OUT, "-o", f"{out}3")["round"] == 2
    assert "is of round 2, and the link IDs to join it with are of round 1" in (
        welfare.type("freeze", "s4", *OUT, "--as-of", "1", "-o", f"{out}4").stderr
    )


def test_a_delivery_that_came_and_was_not_written_leaves_the_columns_of_their_round(
    waiting: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools.ok("refresh", "--deliver")
    kill(monkeypatch, attachments, "attach", after=False)
    assert welfare.type("attach", "schools").exit_code != 0
    monkeypatch.undo()
    out = str(welfare.folder / "out.csv")
    refused = welfare.type("freeze", "s1", *OUT, "-o", out)
    assert "is of round 1, and the link IDs to join it with are of round 2" in refused.stderr
    welfare.ok("attach", "schools")
    assert welfare.json("freeze", "s1", *OUT, "-o", out)["round"] == 2


@pytest.mark.usefixtures("attached")
@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda raw: raw + b"a,b,c,d,e,f,g\n", "row 3 has 7 cells"),
        (lambda raw: raw + b"\0\n", "holds a NUL byte"),
        (lambda raw: raw + b"\xff\n", "holds a byte that the encoding"),
        (lambda _: b"link_id,Grade\n" + b"a" * 32 + b",9\n", "has no column School"),
    ],
    ids=["ragged", "nul", "not UTF-8", "a column less"],
)
def test_rows_that_cannot_be_read_are_refused_and_their_sender_is_told(
    near: NearBroker,
    welfare: Desk,
    schools: Desk,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[bytes], bytes],
    words: str,
) -> None:
    real = shared_links.extract

    def spoilt(file: Any, links: Any, columns: Any, output: Path) -> int:
        n = real(file, links, columns, output)
        output.write_bytes(spoil(output.read_bytes()))
        return n

    monkeypatch.setattr(shared_links, "extract", spoilt)
    schools.ok("deliver", "welfare")
    refused(near, welfare, words, 1, "not-agreed")
    monkeypatch.undo()
    again = schools.ok("refresh", "--deliver")
    assert "welfare could not use delivery 2 of round 1" in again.stderr


@pytest.mark.usefixtures("attached")
def test_a_sender_is_not_told_of_a_recipients_own_file_that_cannot_be_read(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    own = welfare.folder / "people.csv"
    own.write_bytes(own.read_bytes() + b"a,b\n")
    refused(near, welfare, "has 2 cells", 3)


def test_nobody_who_was_unlinked_or_withdrawn_is_frozen_or_exported(
    schools: Desk, tmp_path: Path
) -> None:
    frozen, exported = tmp_path / "frozen.csv", tmp_path / "exported.csv"
    export = ("export", "--for", "csv", "--organization", "7", "-o", str(exported))
    known = links(schools)
    schools.ok(*export)
    assert exported.read_text("utf-8").count(",start,") == 2
    schools.ok("unlink", "p1", "--reason", "The parents dispute it.")
    freeze = ("freeze", "--why", "IRB 1", "--columns", "School", "--until", "2027-01-31")
    said = schools.ok(*freeze, "unlinked", "-o", str(frozen)).stderr
    assert "1 record left out: withdrawn or unlinked" in said
    assert known["p4"] in frozen.read_text("utf-8")
    assert known["p1"] not in frozen.read_text("utf-8")
    schools.ok("withdraw-record", "--record", "p4", "--yes")
    # `links` writes what came before, and so does --as-of.
    for number, words in enumerate(((), ("--as-of", "1"))):
        study, path = f"withdrawn-{number}", tmp_path / f"{number}.csv"
        schools.ok(*freeze, study, "-o", str(path), *words)
        assert path.read_bytes() == b"link_id,School\n"
    schools.ok(*export)
    assert exported.read_text("utf-8").count(",end,") == 2


def test_a_frozen_file_that_is_lost_is_told_as_late_until_nothing_is_left(
    near: NearBroker, schools: Desk, tmp_path: Path
) -> None:
    freeze = ("freeze", "study", "--why", "IRB 1", "--columns", "School", "--until", "2026-11-30")
    schools.ok(*freeze, "-o", str(tmp_path / "study.csv"))
    (tmp_path / "study.csv").unlink()
    near.move(days=14)
    assert "frozen for study" in schools.type("status").stdout
    schools.ok("destroy", "--local", "--keep", "link-table=For the audit.", "--yes")
    assert "frozen for study" in schools.type("status").stdout
    schools.ok("destroy", "--local", "--yes")
    assert "frozen for study" not in schools.type("status").stdout
    (listed,) = schools.json("freeze", "--list")["frozen"]
    assert listed["destroyed"] == "2026-12-04"
