"""Under `blind` the recipient alone can open the match record, for an auditor who asks; agencies cannot."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

import pytest
from rigs.agreed_copies import reach
from rigs.blind import AGENCIES, RESEARCH, BlindLinkage, make_blind
from rigs.linkage import AUDITOR, CHILD_WELFARE, SCHOOL, Linkage, MakeLinkage

from encoding.errors import SealedFileError
from encoding.people.identity import Identity, new_identity
from encoding.people.sealed_file import open_pieces, read_sealed_header
from schemas.linkage.run import IdSpace, Recipient
from schemas.rounds.match_record import Decision, Opening, OpeningsHeader, opens, read_openings


@pytest.fixture
def blind(ordinary_blind: None, later_releases: None, make_linkage: MakeLinkage) -> BlindLinkage:
    made = make_blind(make_linkage)

    def steps() -> None:
        made.linkage.upload_both(20, 12)
        made.run()

    reach(made.linkage, steps)
    return made


def newest_run(linkage: Linkage) -> str:
    listed = linkage.get(f"/v1/projects/{linkage.terms.project}/runs").json()["runs"]
    return str(listed[0]["run"])


def fetched(blind: BlindLinkage) -> bytes:
    answer = blind.linkage.get(f"/v1/runs/{newest_run(blind.linkage)}/openings", RESEARCH)
    assert answer.status_code == 200, answer.text
    return answer.content


def opened(raw: bytes, receiver: Identity) -> list[tuple[OpeningsHeader, tuple[Opening, ...]]]:
    content = io.BytesIO(b"".join(open_pieces(io.BytesIO(raw), receiver)))
    return [(header, tuple(openings)) for header, openings in read_openings(content)]


def decisions(linkage: Linkage) -> Iterator[tuple[int, Decision]]:
    page = linkage.get(f"/v1/runs/{newest_run(linkage)}/match-record", AUDITOR, "auditor").json()
    for number, row in enumerate(page["rows"], start=page["first"]):
        if not isinstance(row, str):
            yield number, Decision.from_json(row)


def test_the_recipient_alone_opens_the_decisions_about_every_linked_record_as_the_log_vouches(
    blind: BlindLinkage,
) -> None:
    files = opened(fetched(blind), blind.receiver)
    # The larger file's agency comes first.
    assert [header.party for header, _ in files] == list(AGENCIES[::-1])
    shown = dict(decisions(blind.linkage))
    assert len(shown) > 8
    fitting = 0
    for place, (header, openings) in enumerate(files):
        assert len(openings) == 12
        for opening in openings:
            if opening.number in shown:
                assert opens(opening, header, place, shown[opening.number])
                fitting += 1
    assert fitting == 2 * len(shown)
    # The log vouches for what was sealed and says that it was handed out.
    raw = fetched(blind)
    entries = blind.linkage.log_entries()
    (finished,) = (entry["body"] for entry in entries if entry["kind"] == "run-finished")
    assert finished["openings"] == [{"party": RESEARCH, "sha256": hashlib.sha256(raw).hexdigest()}]
    assert entries[-1]["body"]["what"] == "openings"
    assert entries[-1]["actor"]["party"] == RESEARCH
    # It is sealed by the operator to those who receive alone.
    sealed, _ = read_sealed_header(io.BytesIO(raw))
    assert (sealed.sender, sealed.recipient) == ("operator", RESEARCH)
    assert [key.person for key in sealed.keys] == [blind.receiver.public.person]
    for party in (SCHOOL, RESEARCH):
        stranger = new_identity(party, ("recipient",), blind.linkage.founded.clock())
        with pytest.raises(SealedFileError):
            opened(raw, stranger)
    # To an agency it is as if there were none.
    for party in AGENCIES:
        foreign = blind.linkage.get(f"/v1/runs/{newest_run(blind.linkage)}/openings", party)
        absent = blind.linkage.get(f"/v1/runs/run-{'0' * 32}/openings", party)
        assert foreign.status_code == absent.status_code == 404
        assert foreign.json() | {"request": ""} == absent.json() | {"request": ""}
        release = blind.view(party)["release"]
        assert blind.linkage.get(f"/v1/releases/{release}/openings", party).status_code == 404, (
            party
        )
    # It goes when the links go.
    run = newest_run(blind.linkage)
    blind.linkage.founded.clock.move(days=91)
    assert blind.linkage.get(f"/v1/runs/{run}/openings", RESEARCH).status_code == 410


def test_a_linked_recipient_of_the_same_run_gets_its_own_and_no_more(
    make_linkage: MakeLinkage,
) -> None:
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
    run = newest_run(blind.linkage)
    assert blind.linkage.get(f"/v1/runs/{run}/openings", CHILD_WELFARE).status_code == 404
    assert len(opened(fetched(blind), blind.receiver)) == 2
    (finished,) = (
        entry["body"] for entry in blind.linkage.log_entries() if entry["kind"] == "run-finished"
    )
    assert [one["party"] for one in finished["openings"]] == [CHILD_WELFARE, RESEARCH]
