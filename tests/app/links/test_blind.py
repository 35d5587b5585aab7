"""Blind releases over HTTP: agencies fetch what only the recipient opens, and learn nothing from it."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from rigs.agreed_copies import reach
from rigs.blind import AGENCIES, RESEARCH, BlindLinkage, make_blind, opened, records_of
from rigs.enrolled import EnrolledPerson, revoke
from rigs.linkage import AUDITOR, CHILD_WELFARE, PROJECT, SCHOOL, MakeLinkage
from samples.round_files import random_people
from vectors.file import read_vectors

from encoding.people.identity import Identity, new_identity
from schemas.documents.errors import SealedError
from schemas.linkage.run import IdSpace, Recipient
from schemas.matchlog.kinds import KINDS
from schemas.matchlog.proof import verify_receipt
from schemas.rounds.blind import parse_blind_header
from schemas.rounds.receipt import Receipt
from schemas.rounds.release import release_digest


@pytest.fixture
def blind(ordinary_blind: None, make_linkage: MakeLinkage) -> BlindLinkage:
    return make_blind(make_linkage)


@pytest.fixture
def given(later_releases: None, blind: BlindLinkage) -> BlindLinkage:
    """The same, once a round of twelve matches has its releases."""

    def steps() -> None:
        blind.linkage.upload_both()
        blind.run()

    reach(blind.linkage, steps)
    return blind


def test_the_recipient_alone_joins_the_records_and_agencies_and_watchers_see_no_more_than_theirs(
    given: BlindLinkage,
) -> None:
    blind = given
    of_left, of_right = blind.match_ids(CHILD_WELFARE), blind.match_ids(SCHOOL)
    joined = {(h, g) for (h, a), (g, b) in product(of_left.items(), of_right.items()) if a == b}
    assert joined == set(
        zip(
            blind.linkage.containers[0].handles[:12],
            blind.linkage.containers[1].handles[:12],
            strict=True,
        )
    )
    # Every record of an upload has a match id of its own kind.
    for agency, made in zip(AGENCIES, blind.linkage.containers, strict=True):
        match_ids = blind.match_ids(agency)
        assert set(match_ids) == set(made.handles)
        assert Counter(match_ids.values()).most_common(1)[0][1] == 1
    # An agency opens nothing.
    stranger = new_identity(SCHOOL, ("analyst",), blind.linkage.founded.clock())
    with pytest.raises(SealedError):
        opened(blind.file(SCHOOL), stranger)
    # The log states the file and no count.
    raw, view = blind.file(SCHOOL), blind.view(SCHOOL)
    assert view["sha256"] == release_digest(raw)
    assert (view["agency"], view["recipient"], view["mode"]) == (SCHOOL, RESEARCH, "blind")
    receipt = blind.linkage.get(f"/v1/releases/{view['release']}/receipt", SCHOOL)
    entry, _ = verify_receipt(
        Receipt.from_json(receipt.json()), [blind.linkage.broker.log.key], KINDS
    )
    assert entry.kind == "blind-release-prepared"
    header = parse_blind_header(raw).header
    assert entry.body.model_dump() == {
        "run": header.run,
        "recipient": RESEARCH,
        "agency": SCHOOL,
        "space": "research",
        "sha256": view["sha256"],
    }
    fetched = blind.linkage.log_entries()[-1]
    assert (fetched["kind"], fetched["actor"]["party"]) == ("release-fetched", SCHOOL)
    assert fetched["body"] == {"recipient": SCHOOL, "sha256": view["sha256"]}
    # The broker keeps no key of a blind release.
    key = parse_blind_header(raw).header.open(
        blind.receiver.public, blind.receiver.keys.receiving_key
    )
    state = blind.linkage.broker.settings.state_dir
    for path in state.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert key not in content
            assert key.hex().encode() not in content
    # Nobody but its agency sees a blind release.
    for party, path in product((CHILD_WELFARE, RESEARCH), ("", "/file", "/receipt")):
        foreign = blind.linkage.get(f"/v1/releases/{view['release']}{path}", party)
        absent = blind.linkage.get(f"/v1/releases/rel-{'0' * 32}{path}", party)
        assert foreign.status_code == absent.status_code == 404, (party, path)
        assert foreign.json() | {"request": ""} == absent.json() | {"request": ""}
    # Watchers see for whom and whose.
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        seen = blind.linkage.get(f"/v1/projects/{PROJECT}/releases", party, role).json()["releases"]
        assert {(one["recipient"], one["agency"]) for one in seen} == {
            (RESEARCH, agency) for agency in AGENCIES
        }
    # Nothing is fetched by an agency that provides no more.
    blind.linkage.founded.clock.move(days=90)
    answer = blind.linkage.get(f"/v1/releases/{view['release']}/file", SCHOOL)
    assert answer.status_code == 410


def test_who_matched_changes_nothing_but_random_bytes(blind: BlindLinkage) -> None:
    files = []
    for n_common in (0, 12, 20):
        blind.linkage.upload_both(20, n_common)
        blind.run()
        raw = blind.file(SCHOOL)
        header = parse_blind_header(raw).header
        files.append((len(raw), header.records, header.space, set(header.to_json())))
        view = blind.view(SCHOOL)
        assert (view["matches"], view["size_bytes"]) == (20, len(raw))
    assert len(set(map(str, files))) == 1


def test_match_ids_are_new_in_every_round(blind: BlindLinkage) -> None:
    seen: set[bytes] = set()
    for _ in range(2):
        blind.linkage.upload_both()
        blind.run()
        match_ids = set(blind.match_ids(SCHOOL).values())
        sealed = set(records_of(blind.file(SCHOOL)).values())
        assert not seen & (match_ids | sealed)
        seen |= match_ids | sealed


def test_two_recipients_whose_spaces_are_apart_share_nothing(make_linkage: MakeLinkage) -> None:
    other = "university"
    spaces = ("one", "two")
    blind = make_blind(
        make_linkage,
        recipients=tuple(
            Recipient(party=party, mode="blind", space=space)
            for party, space in zip((RESEARCH, other), spaces, strict=True)
        ),
        spaces=tuple(IdSpace(name=space, lifetime="lasting") for space in spaces),
    )
    linkage = blind.linkage
    second = linkage.person(other).identity
    linkage.upload_both(20, 12)
    blind.run()
    ids: dict[tuple[str, str], set[bytes]] = {}
    for agency, (party, receiver) in product(
        AGENCIES, ((RESEARCH, blind.receiver), (other, second))
    ):
        ids[agency, party] = set(opened(blind.file(agency, party), receiver).values())
    both = {party: ids[CHILD_WELFARE, party] & ids[SCHOOL, party] for party in (RESEARCH, other)}
    assert [len(found) for found in both.values()] == [12, 12]
    everything = {party: ids[CHILD_WELFARE, party] | ids[SCHOOL, party] for party in both}
    assert not everything[RESEARCH] & everything[other]
    with pytest.raises(SealedError):
        opened(blind.file(SCHOOL, RESEARCH), second)


def test_linked_and_blind_recipients_of_one_run_share_nothing(make_linkage: MakeLinkage) -> None:
    blind = make_blind(
        make_linkage,
        recipients=(
            Recipient(party=CHILD_WELFARE, mode="linked", space="own"),
            Recipient(party=RESEARCH, mode="blind", space="research"),
        ),
        spaces=(IdSpace(name="own", lifetime="round"), IdSpace(name="research", lifetime="round")),
    )
    blind.linkage.upload_both(20, 12)
    blind.run()
    own = blind.linkage.get(
        f"/v1/releases/{blind.view(CHILD_WELFARE, CHILD_WELFARE)['release']}/file"
    ).content
    own_ids = {bytes.fromhex(line.split(b" ")[1].decode()) for line in own.splitlines()[1:]}
    assert len(own_ids) == 12
    assert not own_ids & set(blind.match_ids(CHILD_WELFARE).values())


COUNTS = ("candidate_pairs", "auto_pairs", "review_pairs", "expected_false", "concordance")


def test_no_agency_sees_a_count_from_which_a_smaller_upload_could_be_told(
    blind: BlindLinkage,
) -> None:
    seen = []
    for n_common in (12, 11):
        blind.linkage.upload_both(20, n_common)
        blind.run()
        for party in (*AGENCIES, RESEARCH):
            (run, *_) = blind.linkage.get(f"/v1/projects/{PROJECT}/runs", party).json()["runs"]
            seen.append([run["counts"][name] for name in COUNTS])
    finished = [e["body"] for e in blind.linkage.log_entries() if e["kind"] == "run-finished"]
    logged = {"auto_pairs", "expected_false", "concordance"}
    assert [{body[name] for name in logged} for body in finished] == [{None}] * 2
    assert seen == [[None] * 5] * 6
    # Anyone who watches sees them, from the floor on.
    for party, role in ((AUDITOR, "auditor"), ("operator", "operator")):
        (run, *_) = blind.linkage.get(f"/v1/projects/{PROJECT}/runs", party, role).json()["runs"]
        assert run["counts"]["auto_pairs"] in (11, 12)


def test_nothing_is_committed_for_a_run_that_nobody_could_open(blind: BlindLinkage) -> None:
    linkage = blind.linkage
    revoke(linkage.founded, blind.receiver.public.person)
    linkage.upload(random_people(linkage.rng, 5), CHILD_WELFARE)
    made = linkage.container(random_people(linkage.rng, 5), SCHOOL)
    answer = linkage.commit(linkage.send(made, SCHOOL), linkage.manifest(made, SCHOOL), SCHOOL)
    assert answer.status_code == 409
    assert answer.json()["type"].endswith(":nobody-receives")
    assert answer.json()["clause"] == "recipients"
    assert linkage.log_kinds().count("upload-received") == 1


def test_a_run_whose_last_receiver_goes_meanwhile_fails(blind: BlindLinkage) -> None:
    blind.linkage.upload_both()
    run = blind.linkage.run_id()
    revoke(blind.linkage.founded, blind.receiver.public.person)
    blind.linkage.work()
    view = blind.linkage.get(f"/v1/runs/{run}").json()
    assert (view["state"], view["failure"]) == ("failed", "nobody-receives")


def test_it_is_sealed_to_everybody_who_receives_and_to_nobody_else(blind: BlindLinkage) -> None:
    linkage = blind.linkage
    people: dict[str, Identity] = {
        duty: EnrolledPerson.confirmed(linkage.founded, linkage.client, RESEARCH, duty).identity
        for duty in ("analyst", "recipient", "steward")
    }
    off_the_roster = EnrolledPerson.confirmed(
        linkage.founded, linkage.client, RESEARCH, "recipient"
    ).identity
    linkage.list_also(*people.values())
    linkage.upload_both()
    blind.run()
    raw = blind.file(SCHOOL)
    assert opened(raw, people["recipient"]) == opened(raw, blind.receiver)
    for one in (people["analyst"], people["steward"], off_the_roster):
        with pytest.raises(SealedError):
            opened(raw, one)


def test_the_form_is_that_of_the_vectors() -> None:
    vector = read_vectors("blind-release")["good"][0]
    assert len(vector["match_ids"]) == vector["header"]["records"]
