"""Columns that go by the broker: delivered, attached, replaced, and refused where anything is wrong."""

from __future__ import annotations

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
from encoding.project.delivering import exchange as exchanged
from encoding.project.delivering import outgoing as outgoing_columns
from encoding.project.delivering.outgoing import DeliveriesApi
from encoding.project.linking import shared_links

BOTH = ("refresh", "--deliver", "--attach")
FROM_SCHOOLS = ("--columns", "Grade", "--from", "schools")
OUT = ("--why", "IRB 1", "--until", "2027-01-31", *FROM_SCHOOLS)


@pytest.fixture
def near(exchanged: NearBroker, tmp_path: Path) -> Iterator[NearBroker]:
    with exchanging(tmp_path / "broker", like=exchanged) as made:
        yield made


@pytest.fixture
def desks(near: NearBroker) -> dict[str, Desk]:
    return near.desks


def said(near: NearBroker, kind: str) -> list[dict[str, Any]]:
    return [one for one in near.log_entries() if one["kind"] == f"delivery-{kind}"]


def exchange(near: NearBroker) -> None:
    """Let both jobs deliver and attach."""
    for party in ("welfare", "schools", "welfare"):
        near.desks[party].type(*BOTH)


def edit(desk: Desk, old: str, new: str, name: str = "people.csv") -> None:
    path = desk.folder / name
    text = path.read_text("utf-8")
    assert old in text, old
    path.write_text(text.replace(old, new), "utf-8")


def share(desk: Desk, columns: list[str], keep: tuple[str, ...] = ()) -> None:
    """List columns in the settings."""
    place = desk.folder / "blindlink.toml"
    lines = place.read_text("utf-8").splitlines()
    given = {"columns = [": json.dumps(columns), "keep = [": json.dumps(keep)}
    for at, line in enumerate(lines):
        for head, value in given.items():
            if line.startswith(head):
                lines[at] = f"{head[:-1]}{value}"
    place.write_text("\n".join(lines) + "\n", "utf-8")


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
    # Another night changes nothing and fetches nothing.
    before = near.log_kinds()
    for desk in (welfare, schools):
        assert [one["new"] for one in desk.json(*BOTH)["delivered"]] == [False]
    assert [kind for kind in near.log_kinds()[len(before) :] if kind.startswith("delivery-")] == []
    # The register of one record says that its columns went.
    for desk, record, certainties in ((schools, "p1", ["yes"]), (schools, "p2", [])):
        lines = desk.json("disclosures", "--record", record)["disclosures"]
        found = [one for one in lines if (one["what"], one["giver"]) == ("columns", "schools")]
        assert [one["certainty"] for one in found] == certainties, record
    lines = welfare.json("disclosures", "--record", "7")["disclosures"]
    assert {(one["giver"], one["receiver"]) for one in lines if one["what"] == "columns"} == {
        ("schools", "welfare"),
        ("welfare", "schools"),
    }
    # What was delivered is known to the destruction of local copies.
    listed = welfare.type("destroy", "--local", typed="no\n").output
    for name in ("with-schools.csv", "schools.incoming", "schools.received"):
        assert name in listed, name
    assert "welfare.sent" in schools.type("destroy", "--local", typed="no\n").output


def test_its_receipts_prove_it_to_both_and_are_held_against_the_certificate(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    schools.ok("deliver", "welfare")
    welfare.ok("attach", "schools")
    for desk in (welfare, schools):
        assert "delivery-received" in {one["kind"] for one in desk.json("receipts")}
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


def test_an_unlink_and_the_next_round_take_the_place_of_what_was_delivered(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange(near)
    schools.ok("unlink", "--record", "p4", "--reason", "The parents dispute it.")
    schools.ok(*BOTH)
    welfare.ok(*BOTH)
    assert [row["ID"] for row in columns_of(welfare, "schools")] == ["7"]
    assert [row["ID"] for row in columns_of(schools, "welfare")] == ["p1"]
    numbers = [(one["actor"]["party"], one["body"]["number"]) for one in said(near, "received")]
    assert ("schools", 2) in numbers
    near.sweep()
    assert [one["body"]["reason"] for one in said(near, "destroyed")] == ["replaced"]
    before = (welfare.folder / "with-schools.csv").read_bytes()
    near.move(days=7)
    edit(schools, ",9,North", ",10,North")
    for desk in (welfare, schools) * 3:
        desk.type("refresh", "--deliver")
    real = exchanged.shared_links

    def older(counter: Any, partner: str) -> Any:
        # As where a change waits until someone accepts it.
        found = real(counter, partner)
        return type(found)(1, found.link_of, found.record_keys)

    # A later round's delivery is no alarm where the links are still older.
    with monkeypatch.context() as patched:
        patched.setattr(exchanged, "shared_links", older)
        result = welfare.type("attach", "schools")
    assert (result.exit_code, "replaced by" in result.stderr) == (7, True)
    assert (welfare.folder / "with-schools.csv").read_bytes() == before
    for desk in (welfare, schools):
        desk.ok(*BOTH)
    assert columns_of(welfare, "schools")[0]["Grade"] == "10"
    assert [one["body"]["round"] for one in said(near, "received")][-2:] == [2, 2]


def test_by_hand_one_partner_is_served_and_what_changed_goes_again(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        # Before the newest links are written nothing is delivered.
        patched.setattr(outgoing_columns, "newest_linked", lambda *_: SimpleNamespace(round=2))
        result = schools.type("deliver", "welfare")
        assert (result.exit_code, "nothing was delivered to welfare" in result.stderr) == (1, True)
        assert "no columns were exchanged" in schools.ok("refresh", "--deliver").stderr
    share(schools, ["Grade", "born"])
    result = schools.type("deliver", "welfare")
    assert result.exit_code == 2
    assert "does not let the column born go to welfare" in result.stderr
    assert not said(near, "received")
    # Only listed columns go, and own ones are kept beside them.
    share(schools, ["Grade"])
    share(welfare, [], keep=("last",))
    # Link IDs in a file that was edited count for nothing.
    own = links(schools)
    edit(schools, own["p1"], own["p4"], "links.csv")
    assert schools.json("deliver", "welfare")["delivered"][0]["rows"] == 2
    (welfare.folder / "with-schools.csv").write_text("mine", "utf-8")
    result = welfare.type("attach", "schools")
    assert (result.exit_code, "is there already" in result.stderr) == (1, True)
    assert (welfare.folder / "with-schools.csv").read_text("utf-8") == "mine"
    (welfare.folder / "with-schools.csv").unlink()
    done = welfare.json("attach", "schools")
    assert done["attached"][0]["rows_attached"] == 2
    assert columns_of(welfare, "schools") == [
        {"ID": "7", "last": "Ortiz", "Grade": "9"},
        {"ID": "9", "last": "Lee", "Grade": "4"},
    ]
    assert schools.json("deliver", "welfare")["delivered"][0]["new"] is False
    edit(schools, ",9,North", ",10,North")
    # A job does not send it again for a value: the round's columns are there.
    assert schools.json("refresh", "--deliver")["delivered"][0]["new"] is False
    assert schools.json("deliver", "welfare")["delivered"][0]["number"] == 2
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["Grade"] == "10"
    result = welfare.type("attach", "nobody")
    assert (result.exit_code, "lets no columns of nobody come here" in result.stderr) == (1, True)
    result = welfare.type("deliver", "nobody")
    assert (result.exit_code, "go to nobody" in result.stderr) == (1, True)


# What cannot be honest, or cannot be used.


class Meddled:
    """A broker, or a sender's computer, that does what no honest one does, until it is told to stop."""

    def __init__(self, near: NearBroker, patch: pytest.MonkeyPatch) -> None:
        self.near, self.patch = near, patch

    def answer(self, part: str, change: Callable[[bytes], bytes]) -> None:
        """Change what the broker answers to questions about a path that holds this part."""

        def after(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
            if part not in request.url.path or response.status_code != 200:
                return response
            kind = {"content-type": response.headers["content-type"]}
            return httpx2.Response(200, headers=kind, content=change(response.content))

        self.near.courier.after = after

    def columns(self, spoil: Callable[[bytes], bytes]) -> None:
        """Change the rows before they are sealed."""
        real = shared_links.extract

        def spoilt(file: Any, links: Any, columns: Any, output: Path) -> int:
            n = real(file, links, columns, output)
            output.write_bytes(spoil(output.read_bytes()))
            return n

        self.patch.setattr(shared_links, "extract", spoilt)

    def other_links(self) -> None:
        real = outgoing_columns.shared_links

        def others(counter: Any, partner: str) -> Any:
            found = real(counter, partner)
            strange = {record: f"{number:032x}" for number, record in enumerate(found.link_of)}
            return type(found)(found.round, strange, found.record_keys)

        self.patch.setattr(outgoing_columns, "shared_links", others)

    def set(self, name: str, value: Any) -> None:
        self.patch.setattr(outgoing_columns, name, lambda *_: value)

    def replay(self, kept: bytes) -> None:
        """Send an earlier file once more, as a dishonest sender or its computer does."""
        real = DeliveriesApi.send
        self.patch.setattr(
            DeliveriesApi,
            "send",
            lambda self, number, round, to, _: real(self, number, round, to, kept),
        )


def left_since(near: NearBroker, welfare: Desk) -> Any:
    """Return a person who has left the schools, and whom child welfare trusts for all that."""
    former = near.joining("schools", "analyst", "recipient")
    fingerprint = former.public.fingerprint().split()
    welfare.ok("people", "trust", "schools", *fingerprint, "--also")
    near.move(minutes=1)
    gone = [former.public.person]
    sign_roster(near.broker, PROJECT, near.people["schools"], joining=[], leaving=gone)
    return former


def test_what_cannot_be_honest_or_used_is_refused_and_its_sender_is_told(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[bytes] = []
    real = DeliveriesApi.send

    def keep(self: Any, number: int, round: int, recipient: str, content: bytes) -> Any:
        sealed.append(content)
        return real(self, number, round, recipient, content)

    with monkeypatch.context() as patch:
        patch.setattr(DeliveriesApi, "send", keep)
        Meddled(near, patch).answer(
            "/deliveries/welfare/", lambda raw: raw.replace(b'"number":1', b'"number":2')
        )
        result = schools.type("deliver", "welfare")
    assert (result.exit_code, "kept a different file" in result.stderr) == (9, True)
    near.courier.after = lambda _, response: response
    # The answer was changed on its way, and the delivery itself is there.
    schools.ok("deliver", "welfare")
    assert len(said(near, "received")) == 1
    welfare.ok("attach", "schools")
    stranger, strange = near.joining("welfare", "recipient"), near.person("schools", "analyst")
    former = left_since(near, welfare)
    no_signature = "no person of schools whom you trust has signed"
    # While the delivery is made, or while it is fetched: which is done otherwise, and what comes of it.
    faults: dict[str, tuple[str, Callable[[Meddled], None], str, int, str]] = {
        "another file": (
            "fetched",
            lambda m: m.answer("/file", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
            *("a different file from the one that schools delivered", 9, "not-as-stated"),
        ),
        "an entry of another": (
            "fetched",
            lambda m: m.answer(
                "/deliveries", lambda raw: raw.replace(b'"number":5', b'"number":9')
            ),
            *("the match log and the broker show different deliveries", 9, "not-as-stated"),
        ),
        "of another number": (
            "made",
            lambda m: m.replay(sealed[0]),
            *("it is delivery", 9, "not-as-stated"),
        ),
        "more than was agreed": (
            "made",
            lambda m: m.set("_columns", ("Grade", "last")),
            *("1 columns that the agreement does not let it hand over", 1, "not-agreed"),
        ),
        "none of our link IDs": (
            "made",
            Meddled.other_links,
            *("none of the link IDs", 1, "not-agreed"),
        ),
        "nobody's signature": (
            "made",
            lambda m: m.set("unlock_own", strange),
            *(no_signature, 1, "not-signed"),
        ),
        "a former person's signature": (
            "made",
            lambda m: m.set("unlock_own", former),
            *(no_signature, 1, "not-signed"),
        ),
        "ragged": (
            "made",
            lambda m: m.columns(lambda raw: raw + b"a,b,c,d,e,f,g\n"),
            *("row 3 has 7 cells", 1, "not-agreed"),
        ),
        "nul": (
            "made",
            lambda m: m.columns(lambda raw: raw + b"\0\n"),
            *("holds a NUL byte", 1, "not-agreed"),
        ),
        "not UTF-8": (
            "made",
            lambda m: m.columns(lambda raw: raw + b"\xff\n"),
            *("holds a byte that the encoding", 1, "not-agreed"),
        ),
        "a column less": (
            "made",
            lambda m: m.columns(lambda _: b"link_id,Grade\n" + b"a" * 32 + b",9\n"),
            *("has no column School", 1, "not-agreed"),
        ),
    }
    told: list[str] = []

    def refused(words: str, code: int, name: str) -> None:
        before = (welfare.folder / "with-schools.csv").read_bytes()
        result = welfare.type("attach", "schools")
        assert (result.exit_code, words in result.stderr) == (code, True), (name, result.stderr)
        assert (welfare.folder / "with-schools.csv").read_bytes() == before, name
        failed = [one for one in said(near, "opened") if one["outcome"] == "failed"]
        assert [one["body"]["fault"] for one in failed] == told, name

    with monkeypatch.context() as patch:
        Meddled(near, patch).answer("/deliveries", lambda _: b'{"deliveries":[]}')
        refused("the broker withholds delivery 1 of round 1", 9, "withheld")
    # What was sealed to other keys is told, and comes again.
    edit(schools, ",North\n", ",East\n")
    with monkeypatch.context() as patch:
        Meddled(near, patch).set("trusted_persons", (stranger.public,))
        near.courier.after = lambda _, response: response
        schools.ok("deliver", "welfare")
    told.append("unreadable")
    refused("cannot be opened", 1, "other keys")
    assert "its keys do not open it" in schools.ok("refresh", "--deliver").stderr
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["School"] == "East"
    school = "East"
    for number, (name, (when, meddle, words, code, fault)) in enumerate(faults.items(), start=4):
        near.courier.after = lambda _, response: response
        edit(schools, f",{school}\n", f",School {number}\n")
        school = f"School {number}"
        with monkeypatch.context() as patch:
            meddled = Meddled(near, patch)
            if when == "made":
                meddle(meddled)
            schools.ok("deliver", "welfare")
            if when == "fetched":
                meddle(meddled)
        told.append(fault)
        refused(words, code, name)
    near.courier.after = lambda _, response: response
    again = schools.ok("refresh", "--deliver")
    assert f"welfare could not use delivery {number} of round 1" in again.stderr
    edit(schools, f",{school}\n", ",West\n")
    schools.ok("deliver", "welfare")
    # A recipient's own file that cannot be read is no fault of the sender's.
    own = welfare.folder / "people.csv"
    good = own.read_bytes()
    own.write_bytes(good + b"a,b\n")
    refused("has 2 cells", 3, "own file")
    own.write_bytes(good)
    welfare.ok("attach", "schools")
    assert columns_of(welfare, "schools")[0]["School"] == "West"


def test_columns_are_counted_and_frozen_with_the_links_of_their_round_alone(
    near: NearBroker, welfare: Desk, schools: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("highspy", reason="the extra tables is not installed")
    exchange(near)
    table = ("tabulate", "--by", "Placement,Grade", "--from", "schools", "-o")
    path = str(welfare.folder / "table.csv")
    done = welfare.json(*table, path)
    assert (done["round"], done["people"], done["cells_not_shown"]) == (1, 2, 0)
    assert welfare.json(*table, path, "--as-of", "1", "--force")["round"] == 1
    true = (welfare.folder / "links.csv").read_bytes()
    (welfare.folder / "links.csv").write_text(f"record_id,link_id\n7,{'0' * 32}\n", "utf-8")
    assert welfare.json(*table, path, "--force")["round"] is None
    (welfare.folder / "links.csv").write_bytes(true)
    # Round 2 has its links, and child welfare has the schools' columns of round 1.
    near.move(days=7)
    for desk in (welfare, schools) * 4:
        desk.type("refresh")
    out = str(welfare.folder / "out.csv")
    mixed = "is of round 1, and the link IDs to join it with are of round 2"
    told = f"what schools has delivered here {mixed}"
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
    frozen = welfare.json("freeze", "s1", *OUT, "--as-of", "1", "-o", out)
    assert (frozen["round"], frozen["rows"]) == (1, 2)
    assert told in welfare.ok("freeze", "s2", *OUT, "--other-round", "-o", f"{out}2").stderr
    schools.ok("refresh", "--deliver")

    def killing(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    # A delivery that came and was not written leaves the columns of their round.
    with monkeypatch.context() as patched:
        patched.setattr(exchanged, "attach", killing)
        assert welfare.type("attach", "schools").exit_code != 0
    assert mixed in welfare.type("freeze", "s3", *OUT, "-o", f"{out}3").stderr
    welfare.ok("attach", "schools")
    assert welfare.json("freeze", "s3", *OUT, "-o", f"{out}3")["round"] == 2
    assert "is of round 2, and the link IDs to join it with are of round 1" in (
        welfare.type("freeze", "s4", *OUT, "--as-of", "1", "-o", f"{out}4").stderr
    )


def test_nobody_who_was_unlinked_or_withdrawn_is_frozen_or_exported(
    near: NearBroker, schools: Desk, tmp_path: Path
) -> None:
    frozen, exported = tmp_path / "frozen.csv", tmp_path / "exported.csv"
    export = ("export", "--for", "csv", "--organization", "7", "-o", str(exported))
    known = links(schools)
    schools.ok(*export)
    assert exported.read_text("utf-8").count(",start,") == 2
    schools.ok("unlink", "--record", "p1", "--reason", "The parents dispute it.")
    freeze = ("freeze", "--why", "IRB 1", "--columns", "School", "--until", "2026-11-30")
    done = schools.ok(*freeze, "unlinked", "-o", str(frozen)).stderr
    assert "1 record left out: withdrawn or unlinked" in done
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
    # A frozen file that is lost is told as late until nothing is left.
    frozen.unlink()
    near.move(days=14)
    for words in ((), ("destroy", "--local", "--keep", "link-table=For the audit.", "--yes")):
        if words:
            schools.ok(*words)
        assert "frozen for unlinked" in schools.type("status").stdout, words
    schools.ok("destroy", "--local", "--yes")
    assert "frozen for unlinked" not in schools.type("status").stdout
    listed = {one["study"]: one["destroyed"] for one in schools.json("freeze", "--list")["frozen"]}
    assert listed["unlinked"] == "2026-12-04"
