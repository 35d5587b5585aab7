"""What an agency unlinks ends at all, comes back by its relink alone, and every round can be told again."""

from __future__ import annotations

import csv
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from rigs.desk import Desk
from rigs.near_broker import NearBroker
from rigs.weeks import changed_ledger, links, settle

from encoding.ledger.events import Event
from encoding.ledger.values import Turn
from schemas.documents.ids import LinkId
from schemas.linkage.run import IdSpace

pytestmark = pytest.mark.usefixtures("settled")
WRONG, RIGHT = "The parents say that it is another child.", "The school has the birth certificate."


def next_week(near: NearBroker) -> None:
    near.move(days=7)
    settle(near)


def raw(desk: Desk) -> bytes:
    return (desk.folder / "links.csv").read_bytes()


def kept(desk: Desk) -> dict[str, bytes]:
    """Return the file of links, and everything that the workspace keeps of link IDs."""
    folders = ("ledgers", "links")
    found = [p for name in folders for p in sorted((desk.folder / "workspace" / name).rglob("*"))]
    return {path.name: path.read_bytes() for path in (desk.folder / "links.csv", *found)}


def test_an_unlink_drops_the_match_for_all_and_its_relink_undoes_it_exactly(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    first = raw(welfare), raw(schools)
    of_7 = links(welfare)["7"]
    assert "Nothing was unlinked." in schools.ok("unlink", "--list").stdout
    # The record may come by standard input.
    said = welfare.type("unlink", "--record", "-", "--reason", WRONG, typed="7\n")
    assert said.exit_code == 0
    assert "the other agencies hear of it in the next round" in said.stderr
    # Here at once, with the next file of links.
    assert raw(welfare) == first[0]
    assert welfare.ok("links")
    assert links(welfare).keys() == {"4", "x-3"}
    for _ in range(2):
        next_week(near)
        assert links(welfare).keys() == {"4", "x-3"}
        assert links(schools).keys() == {"p2", "p4"}
    # The other agency sees which of its records, and not why.
    (one,) = schools.json("unlink", "--list")["register"]
    assert (one["act"], one["by"], one["records"]) == ("unlink", "welfare", ["p1"])
    assert (one["person"], one["at"], one["reason"]) == (None, None, None)
    assert WRONG not in schools.ok("unlink", "--list").stdout
    refused = schools.type("unlink", "--undo", "--record", "p1", "--reason", RIGHT)
    assert refused.exit_code == 1
    assert "welfare has unlinked this record, and no other agency can undo it" in refused.stderr
    welfare.ok("unlink", "--undo", "--record", "7", "--reason", RIGHT)
    next_week(near)
    assert (raw(welfare), raw(schools)) == first
    assert of_7 == links(welfare)["7"]
    register = welfare.json("unlink", "--list")["register"]
    assert [(one["act"], one["reason"], one["stands"]) for one in register] == [
        ("unlink", WRONG, False),
        ("relink", RIGHT, True),
    ]
    assert all(one["records"] == ["7"] and one["by"] == "welfare" for one in register)
    assert register[0]["link_id"] == of_7
    person = near.people["welfare"].public.person
    assert {one["person"] for one in register} == {person}
    shown = welfare.ok("unlink", "--list").stdout
    assert WRONG in shown
    assert "undone since" in shown


def test_an_unlink_that_is_undone_before_the_next_round_was_never_there(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    first = raw(welfare), raw(schools)
    welfare.ok("unlink", "--record", "x-3", "--reason", WRONG)
    welfare.ok("unlink", "--undo", "--record", "x-3", "--reason", RIGHT)
    assert welfare.ok("links")
    assert raw(welfare) == first[0]
    next_week(near)
    assert (raw(welfare), raw(schools)) == first
    (one,) = schools.json("unlink", "--list")["register"]
    assert one == {
        "act": "relink",
        "by": "welfare",
        "from_round": 2,
        "stands": True,
        "records": [],
        "link_id": links(welfare)["x-3"],
        "person": None,
        "at": None,
        "reason": None,
    }


def test_links_that_were_written_elsewhere_or_again_are_those_that_are_told(
    near: NearBroker, welfare: Desk, tmp_path: Path
) -> None:
    before, told = raw(welfare), "links.csv stays as it was until the next round"
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    done = welfare.ok("links", "-o", str(tmp_path / "copy.csv"))
    assert (told in done.stderr, raw(welfare) == before) == (True, True), done.stderr
    # The job takes the round for done.
    welfare.ok("refresh")
    assert raw(welfare) == before
    assert told not in welfare.ok("links").stderr
    assert raw(welfare) == (tmp_path / "copy.csv").read_bytes()
    assert "7" not in links(welfare)
    assert welfare.ok("links", "--as-of", "1").stdout_bytes == raw(welfare)
    next_week(near)
    # What is linked again counts from the next round on, so that this one stays what it was.
    welfare.ok("unlink", "--undo", "--record", "7", "--reason", RIGHT)
    assert welfare.ok("links")
    assert "7" not in links(welfare)
    assert welfare.ok("links", "--as-of", "2").stdout_bytes == raw(welfare)


def test_what_cannot_be_done_is_refused_and_changes_nothing(welfare: Desk) -> None:
    welfare.ok("unlink", "--record", "4", "--reason", WRONG)
    before = kept(welfare)
    for words, said in (
        (("unlink", "--record", "07"), "this record has no link ID"),
        (("unlink", "--record", "nobody"), "this record has no link ID"),
        (("unlink", "--record", "4"), "this record's link ID is retired already"),
        (("unlink", "--undo", "--record", "7"), "this agency has not unlinked this record"),
        (("unlink", "--undo", "--record", "4", "--link-id", "0" * 32), "or not this link ID"),
    ):
        refused = welfare.type(*words, "--reason", RIGHT)
        assert (refused.exit_code, said in refused.stderr) == (1, True), (words, refused.stderr)
    for words in (
        ("unlink",),
        ("unlink", "--record", "7"),
        ("unlink", "--record", "7", "--list"),
        ("unlink", "--undo", "--record", "7"),
        ("unlink", "--undo"),
    ):
        assert welfare.type(*words).exit_code == 2, words
    assert kept(welfare) == before
    # Each of several link IDs of a record is linked again by its name.
    retired = [links(welfare)["7"]]
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    with changed_ledger(welfare) as ledger:
        record = ledger.bearers(bytes.fromhex(retired[0]))[0]  # type: ignore[arg-type]
        ledger.apply([Event("held", ledger.last, b"n" * 16, 1, record)])  # type: ignore[arg-type]
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    refused = welfare.type("unlink", "--undo", "--record", "7", "--reason", RIGHT)
    assert refused.exit_code == 1
    assert f"--link-id {retired[0]}" in refused.stderr
    assert welfare.ok(
        "unlink", "--undo", "--record", "7", "--reason", RIGHT, "--link-id", retired[0]
    )
    assert (
        welfare.json("unlink", "--undo", "--record", "7", "--reason", RIGHT)["link_id"]
        == (b"n" * 16).hex()
    )


@pytest.mark.parametrize("terms", [{"spaces": (IdSpace(name="shared", lifetime="round"),)}])
def test_where_link_ids_are_new_in_each_round_they_are_and_there_is_none_to_retire(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    before = links(welfare)
    refused = welfare.type("unlink", "--record", "7", "--reason", WRONG)
    assert refused.exit_code == 1
    assert "are new in each round: none can be retired for good" in refused.stderr
    next_week(near)
    now = links(welfare)
    assert now.keys() == before.keys()
    assert not {*now.values()} & {*before.values()}
    assert {*links(schools).values()} == {*now.values()}
    assert welfare.ok("links")
    assert links(welfare) == now


def test_every_round_is_told_again_byte_for_byte(
    near: NearBroker,
    welfare: Desk,
    schools: Desk,
    people: Sequence[tuple[str, ...]],
    write_people: Callable[..., Path],
) -> None:
    written = {1: {desk.party: raw(desk) for desk in (welfare, schools)}}
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    write_people(people[:3])
    next_week(near)
    written[2] = {desk.party: raw(desk) for desk in (welfare, schools)}
    welfare.ok("unlink", "--undo", "--record", "7", "--reason", RIGHT)
    schools.ok("unlink", "--record", "p2", "--reason", WRONG)
    write_people(people[:2])
    next_week(near)
    written[3] = {desk.party: raw(desk) for desk in (welfare, schools)}
    assert len({one["welfare"] for one in written.values()}) == 3
    for number, found in written.items():
        for desk in (welfare, schools):
            told = desk.ok("links", "--as-of", str(number))
            assert told.stdout_bytes == found[desk.party]
    # Offline, and without touching the file of links.
    near.courier.before = lambda _: pytest.fail("the broker was asked")
    out = welfare.folder / "of-1.csv"
    welfare.ok("links", "--as-of", "1", "-o", str(out))
    assert out.read_bytes() == written[1]["welfare"]
    assert raw(welfare) == written[3]["welfare"]
    document = welfare.json("links", "--as-of", "2")
    assert document["round"] == 2
    rows = csv.DictReader(written[2]["welfare"].decode().splitlines())
    assert document["links"] == list(rows)
    refused = welfare.type("links", "--as-of", "9")
    assert refused.exit_code == 1
    assert "no links of round 9 were written here" in refused.stderr
    assert "the rounds 1 to 3" in refused.stderr
    assert welfare.type("links", "--as-of", "1", "--accept-change", RIGHT).exit_code == 2
    out.write_text("my thesis")
    assert welfare.type("links", "--as-of", "1", "-o", str(out)).exit_code == 1


def test_a_ledger_that_was_edited_is_refused_in_one_sentence(welfare: Desk) -> None:
    (path,) = (welfare.folder / "workspace" / "ledgers").iterdir()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    before = kept(welfare)
    for words in (
        ("unlink", "--record", "7", "--reason", WRONG),
        ("unlink", "--list"),
        ("unlink", "--undo", "--record", "7", "--reason", RIGHT),
        ("links",),
        ("links", "--as-of", "1"),
        ("refresh",),
    ):
        refused = welfare.type(*words)
        assert refused.exit_code == 1, words
        said = "the ledger of link IDs is damaged, or sealed under another key"
        assert said in refused.stderr, words
        assert kept(welfare) == before, words


def test_claims_that_contradict_earlier_ones_are_an_alarm(
    near: NearBroker, welfare: Desk, schools: Desk
) -> None:
    with changed_ledger(schools) as ledger:
        record, held = next(iter(ledger.everyone().items()))
        ledger.apply([Event("held", ledger.last, held.link, 2, record)])  # type: ignore[arg-type]
    before = kept(welfare)
    near.move(days=7)
    codes = [desk.type("refresh").exit_code for _ in range(3) for desk in (schools, welfare)]
    assert codes[-1] == 9
    refused = welfare.type("links")
    assert refused.exit_code == 9
    assert "1 claims of schools contradict its earlier claims" in refused.stderr
    after = kept(welfare)
    assert after["links.csv"] == before["links.csv"]
    assert [name for name in after if name.endswith(".sealed") and name not in before] == []


@pytest.mark.parametrize(
    ("maker", "said"),
    [
        ("nobody", "schools tells of unlinks by parties that no agreement of the project names"),
        ("welfare", "schools says that this agency has unlinked 60 link IDs, which it has not"),
    ],
)
def test_unlinks_that_a_partner_makes_up_are_an_alarm_and_use_nothing_up(
    near: NearBroker, welfare: Desk, schools: Desk, maker: str, said: str
) -> None:
    with changed_ledger(schools) as ledger:
        made_up = [LinkId(number.to_bytes(16, "big")) for number in range(60)]
        ledger.apply(Event("veto", Turn(2, 0), link, 9_999_999, maker) for link in made_up)
    before = kept(welfare)
    near.move(days=7)
    ended = [desk.type("refresh") for _ in range(3) for desk in (schools, welfare)]
    refused = next(one for one in ended if one.exit_code == 9)
    assert said in refused.stderr
    assert kept(welfare) == before
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)


def test_who_was_put_back_hears_of_its_own_unlinks_until_it_has_them_again(
    near: NearBroker, welfare: Desk, schools: Desk, tmp_path: Path
) -> None:
    workspace = welfare.folder / "workspace"
    shutil.copytree(workspace, tmp_path / "snapshot")
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    next_week(near)
    assert links(welfare).keys() == {"4", "x-3"}
    shutil.rmtree(workspace)
    shutil.copytree(tmp_path / "snapshot", workspace)
    near.move(days=7)
    # It finds that it has not drawn the newest nonces, and voids them.
    said = [desk.type("refresh").stderr for _ in range(3) for desk in (schools, welfare)]
    assert any("schools says that this agency has unlinked 1 link ID" in one for one in said)
    settle(near)
    assert links(welfare).keys() == {"4", "x-3"}
    # From then on it has all of them again.
    with changed_ledger(schools) as ledger:
        ledger.apply([Event("veto", Turn(4, 0), LinkId(bytes(16)), 1, "welfare")])
    near.move(days=7)
    ended = [desk.type("refresh") for _ in range(3) for desk in (schools, welfare)]
    assert 9 in [one.exit_code for one in ended]


def test_what_both_have_forgotten_comes_back_with_a_backup_of_one(
    near: NearBroker, welfare: Desk, schools: Desk, tmp_path: Path
) -> None:
    def keep(*desks: Desk) -> dict[Path, Path]:
        folder = Path(tempfile.mkdtemp(dir=tmp_path))
        places = {desk.folder / "workspace": folder / desk.party for desk in desks}
        for workspace, copy in places.items():
            shutil.copytree(workspace, copy)
        return places

    def put_back(kept: dict[Path, Path]) -> None:
        for workspace, copy in kept.items():
            shutil.rmtree(workspace)
            shutil.copytree(copy, workspace)
        near.move(days=7)
        # They find that they have not drawn the newest nonces, void them, and go on.
        ended = [desk.type("refresh") for _ in range(3) for desk in (schools, welfare)]
        assert 9 not in [one.exit_code for one in ended], [one.stderr for one in ended]
        settle(near)

    before = keep(welfare, schools)
    welfare.ok("unlink", "--record", "7", "--reason", WRONG)
    next_week(near)
    after = keep(schools)
    put_back(before)
    next_week(near)
    assert "7" in links(welfare)
    put_back(after)
    assert links(welfare).keys() == {"4", "x-3"}
