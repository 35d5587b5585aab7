"""Agreements from answers: what is filled in, what is refused, what an amendment keeps."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from samples.agreement import PEOPLE, person_id
from samples.agreement_answers import ANSWERS, write_answers, write_identity
from samples.refusals import raises

from encoding.agreement.draft import draft_agreement, read_answers
from encoding.agreement.files import read_proposal, write_proposal
from encoding.agreement.persons import needs_enrolled, newest_identities, read_party
from encoding.cli.terminal.shown_keys import read_shown
from encoding.errors import AgreementDraftError, AgreementFileError, OutputExistsError
from encoding.profiles.catalog import shipped_profile
from schemas.agreement.agreement import Agreement
from schemas.agreement.amendment import clauses_of, newcomer_fault
from schemas.agreement.clauses import MOST_ENDED
from schemas.agreement.negotiation import AgreementProposal
from schemas.signing.identity import IdentityHistory, SignedIdentity

GUIDE = Path(__file__).parents[3] / "docs/agreement.md"


@pytest.fixture
def proposal(tmp_path: Path) -> AgreementProposal:
    return draft_agreement(read_answers(write_answers(tmp_path)), tmp_path)


def amend(proposal: AgreementProposal, folder: Path, **answers: Any) -> AgreementProposal:
    return draft_agreement(answers, folder, proposal)


def drafted(folder: Path, old: str = "", new: str = "") -> AgreementProposal:
    """Draft from the answers with one text in the place of another."""
    assert old in ANSWERS
    answers = read_answers(write_answers(folder, ANSWERS.replace(old, new, 1) if old else ANSWERS))
    (folder / "answers.toml").unlink()
    return draft_agreement(answers, folder)


def test_answers_make_a_whole_agreement(proposal: AgreementProposal) -> None:
    agreement = proposal.agreement
    assert agreement.names() == ("child-welfare", "data-center", "k12")
    assert agreement.profile == proposal.profile.digest() == shipped_profile("children").digest()
    assert (agreement.number, agreement.previous, agreement.epoch) == (1, None, 1)
    assert agreement.approvals.parties == ("child-welfare", "k12")
    assert [(space.name, space.lifetime) for space in agreement.spaces] == [("shared", "lasting")]
    # Files come in the order of their parties.
    assert [file.party for file in agreement.limits.files] == ["child-welfare", "k12"]
    assert agreement.terms().pairs == (("k12", "child-welfare"),)
    # What an answer leaves out of the policy is as it was measured.
    policy = agreement.policy
    assert (policy.auto, policy.review, policy.lead) == ("0.9", "0.05", 1)
    assert (policy.twin_guard, policy.prior_matches) == (False, "0.4")
    assert (policy.link_rate.least, policy.link_rate.most) == ("0", "1")
    assert agreement.schedule.round_days == 7


def test_numbers_texts_and_profiles_come_in_the_form_that_agreements_have(tmp_path: Path) -> None:
    policy = "[policy]\nprior_matches = 1\nlink_rate = { least = 0, most = 1 }\n\n[limits]"
    assert drafted(tmp_path, "[limits]", policy).agreement.policy.prior_matches == "1"
    made = drafted(tmp_path, "Example Code 12.4", "Re\u0301sume\u0301").agreement
    assert made.directions[1].citation == "R\u00e9sum\u00e9"
    profile = drafted(tmp_path, 'profile = "children"', 'profile = "children"\nzip = false').profile
    assert profile == shipped_profile("children", zip_code=False) != shipped_profile("children")


def tables_of_the_guide() -> list[str]:
    return re.findall(r"```toml\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def drafted_of_the_guide(folder: Path, answers: str) -> Agreement:
    # Which log this computer has pinned, a file of answers need not say.
    pinned = {"log": "broker.example/log"}
    return draft_agreement(pinned | read_answers(write_answers(folder, answers)), folder).agreement


def test_the_example_of_the_guide_makes_an_agreement(tmp_path: Path) -> None:
    example, review, number, _ = tables_of_the_guide()
    agreement = drafted_of_the_guide(tmp_path, example)
    assert agreement.paper is not None
    assert [one.use for one in agreement.elements] == ["encoded", "shared", "counted"]
    assert agreement.review is None
    reviewed = drafted_of_the_guide(tmp_path, example + review)
    assert reviewed.review is not None
    # What is said to stand there if it is left out.
    (tmp_path / "answers.toml").unlink()
    shorter = re.sub(r"^(persons|first|weekly|bucket|days) = .*\n", "", review, flags=re.MULTILINE)
    assert drafted_of_the_guide(tmp_path, example + shorter) == reviewed
    assert [one.use for one in reviewed.elements].count("shown") == 2
    (tmp_path / "answers.toml").unlink()
    known = drafted_of_the_guide(tmp_path, example + number).known_number
    assert known is not None
    assert known.kind == "student-id"


def test_the_first_analyst_holds_the_secret_unless_another_is_named(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    holders = {party.name: party.holder for party in proposal.agreement.parties}
    assert holders == {
        "child-welfare": person_id("bob"),
        "data-center": None,
        "k12": person_id("kim"),
    }
    named = ANSWERS.replace(
        '["bob.json", "ann.json"]', f'["bob.json", "ann.json"]\nholder = "{person_id("ann")}"'
    )
    made = draft_agreement(read_answers(write_answers(tmp_path, named)), tmp_path).agreement
    assert made.parties[0].holder == person_id("ann")


def test_how_many_links_may_end_is_as_it_is_answered(tmp_path: Path) -> None:
    for answer, expected in (
        *(("", MOST_ENDED), ("most_ended = 0.2", "0.2"), ("most_ended = 0", "0")),
        ("most_ended = 1", "1"),
    ):
        made = drafted(tmp_path, "[limits]", f"[limits]\n{answer}").agreement
        assert made.limits.most_ended == made.terms().most_ended == expected, answer
    with raises(AgreementDraftError, match="limits.most_ended"):
        drafted(tmp_path, "[limits]", "[limits]\nmost_ended = 1.5")


def test_a_file_of_more_than_a_million_takes_the_passes_for_a_nation(tmp_path: Path) -> None:
    answers = read_answers(write_answers(tmp_path))
    assert draft_agreement(answers, tmp_path).profile == shipped_profile("children")
    answers = read_answers(write_answers(tmp_path))
    max(answers["limits"]["files"], key=lambda file: file["most"])["most"] = 1_000_001
    made = draft_agreement(answers, tmp_path)
    assert made.profile == shipped_profile("children", size="nation")


def sized(folder: Path, most: int, **policy: Any) -> dict[str, Any]:
    answers = read_answers(write_answers(folder))
    for file in answers["limits"]["files"]:
        file["most"] = most
    return {**answers, "policy": policy} if policy else answers


def test_a_run_may_find_as_many_pairs_as_files_of_the_agreed_sizes_can(tmp_path: Path) -> None:
    small = draft_agreement(read_answers(write_answers(tmp_path)), tmp_path)
    assert small.agreement.policy.max_pairs == 50_000_000
    made = draft_agreement(sized(tmp_path, 2_000_000), tmp_path)
    rows = made.profile.rows("smaller")
    assert made.agreement.policy.max_pairs == 2_000_000 * rows > 50_000_000
    larger = draft_agreement(sized(tmp_path, 20_000_000), tmp_path)
    assert larger.agreement.policy.max_pairs == 10**9 < 20_000_000 * rows
    answered = draft_agreement(sized(tmp_path, 20_000_000, max_pairs=7), tmp_path)
    assert answered.agreement.policy.max_pairs == 7
    amended = draft_agreement({"limits": sized(tmp_path, 3_000_000)["limits"]}, tmp_path, made)
    assert amended.agreement.policy.max_pairs == 3_000_000 * rows
    same = draft_agreement({"end": "2027-10-31"}, tmp_path, made)
    assert same.agreement.policy == made.agreement.policy


def test_the_answer_zip_is_for_a_shipped_profile_alone(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    (tmp_path / "own.json").write_text(json.dumps(proposal.profile.to_json()))
    own = ANSWERS.replace('profile = "children"', 'profile = "own.json"\nzip = true')
    with raises(AgreementDraftError, match="for a shipped profile"):
        draft_agreement(read_answers(write_answers(tmp_path, own)), tmp_path)
    with raises(AgreementDraftError, match="needs the answer profile"):
        amend(proposal, tmp_path, zip=False)


def test_an_impossible_answer_or_one_of_another_shape_is_refused(tmp_path: Path) -> None:
    for old, new, match in (
        ('profile = "children"', "", "name no encoding profile"),
        ("destroy_by = 2028-08-31", "", "answer retention.destroy_by is missing"),
        ('basis = "ferpa-child-welfare"', 'basis = "ferpa"', r"\(k12 to child-welfare\) basis is none of"),
        ('citation = "Example Code 12.4"', "", "needs its citation"),
        ('identities = ["eve.json"]', 'identities = ["nobody.json"]', "there is no file"),
        ('["bob.json", "ann.json"]', '["bob.json"]', "with the duty steward"),
        ("end = 2027-08-31", "end = 2027-08-31T12:00:00Z", "a time of day"),
        ("[breach]", "[[breach]]", "answer breach is not a table"),
        ("hours = 24", "hours = 24\nsurprise = 1", "breach.surprise is none that belongs there"),
        ('statement = "Know', 'statement = "Know\\u202e', "printable characters"),
    ):  # fmt: skip
        with raises(AgreementDraftError, match=match):
            drafted(tmp_path, old, new)
        (tmp_path / "answers.toml").unlink(missing_ok=True)
    answers = read_answers(write_answers(tmp_path))
    # The sizes of files are never filled in.
    without_files = {name: one for name, one in answers["limits"].items() if name != "files"}
    for name, answer in (
        *(("recipients", {}), ("parties", ["k12"]), ("limits", 7)),
        ("limits", without_files),
    ):
        with raises(AgreementDraftError, match="files" if answer is without_files else name):
            draft_agreement(answers | {name: answer}, tmp_path)


def test_an_identity_that_its_person_did_not_sign_is_refused(tmp_path: Path) -> None:
    path = write_answers(tmp_path)
    stolen = json.loads((tmp_path / "eve.json").read_text())
    stolen["identity"]["duties"] = ["approver", "steward"]
    (tmp_path / "eve.json").write_text(json.dumps(stolen))
    with raises(AgreementDraftError, match="that its person signed"):
        draft_agreement(read_answers(path), tmp_path)


def test_an_amendment_keeps_what_is_not_answered(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    after = amend(proposal, tmp_path, end="2028-08-31", limits={"floor": 11}).agreement
    before = proposal.agreement
    assert (after.number, after.previous, after.epoch) == (2, before.digest(), 1)
    assert (after.end, after.limits.floor) == ("2028-08-31", 11)
    kept = {"number": 2, "previous": before.digest(), "end": "2028-08-31"}
    limits = before.limits.model_copy(update={"floor": 11})
    assert after == before.model_copy(update={**kept, "limits": limits})


def test_the_same_answers_amend_an_agreement_to_what_it_says_already(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    answers = read_answers(tmp_path / "answers.toml")
    before, after = proposal.agreement, amend(proposal, tmp_path, **answers).agreement
    assert (after.number, after.previous) == (2, before.digest())
    assert clauses_of(after) == clauses_of(before)
    assert (after.parties, after.epoch) == (before.parties, before.epoch)


def test_what_an_amendment_adds_may_leave_out_what_a_first_agreement_may(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    """TOML has no null, so that what is none could not be answered at all."""
    paper = amend(proposal, tmp_path, paper={"number": "2026-17", "date": "2026-08-01"})
    assert paper.agreement.paper is not None
    assert paper.agreement.paper.sha256 is None
    direction = {"giver": "k12", "receiver": "child-welfare", "basis": "ferpa-studies"}
    directions = proposal.agreement.to_json()["directions"]
    directions = [one for one in directions if one["basis"] != "ferpa-child-welfare"]
    changed = amend(proposal, tmp_path, directions=[*directions, direction]).agreement.directions
    assert [one.citation for one in changed if one.basis == "ferpa-studies"] == [None]


def test_an_amendment_takes_the_spaces_that_its_recipients_name(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    once = [{"name": "shared", "lifetime": "round"}]
    before = amend(proposal, tmp_path, spaces=once)
    rows = [{"party": "k12"}, {"party": "child-welfare", "space": "apart"}]
    after = amend(before, tmp_path, recipients=rows).agreement
    assert [one.space for one in after.recipients] == ["apart", "shared"]
    found = {one.name: one.lifetime for one in after.spaces}
    assert found == {"apart": "lasting", "shared": "round"}


def test_an_amendment_opens_an_epoch_only_where_it_must(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    assert amend(proposal, tmp_path, end="2028-08-31").agreement.epoch == 1
    assert amend(proposal, tmp_path, profile="generic-person").agreement.epoch == 2
    assert amend(proposal, tmp_path, new_secret=True).agreement.epoch == 2


def test_an_amendment_can_list_other_persons_of_a_party(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    party = {"name": "child-welfare", "identities": ["ann.json"]}
    others = [{"name": "k12"}, {"name": "data-center"}]
    after = amend(proposal, tmp_path, parties=[party, *others]).agreement
    assert [person.person for person in after.parties[0].persons] == [person_id("ann")]
    assert after.parties[0].holder == person_id("ann")
    assert after.parties[1:] == proposal.agreement.parties[1:]
    # Bob held the secret, and may not know the next one.
    assert after.epoch == 2


def test_new_stewards_of_a_party_are_for_all_to_sign_if_counsel_is_asked_for(
    proposal: AgreementProposal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The guide's answers for a party that has lost all its stewards, with and without its option."""
    monkeypatch.setitem(PEOPLE, "lee", (22, *PEOPLE["kim"][1:]))
    write_identity(tmp_path / "lee.json", "lee")
    path = tmp_path / "stewards.toml"
    path.write_text(tables_of_the_guide()[-1], "utf-8")
    answers, before = read_answers(path), proposal.agreement
    alone = draft_agreement(answers, tmp_path, proposal).agreement
    with_counsel = draft_agreement(answers | {"counsel": True}, tmp_path, proposal).agreement
    assert (alone.signers, with_counsel.signers) == (("k12",), before.names())
    assert with_counsel.parties == alone.parties
    assert newcomer_fault([before], alone, ["k12"]) is not None
    assert newcomer_fault([before], with_counsel, ["k12"]) is None


def shown(folder: Path) -> list[IdentityHistory]:
    """Return whom a broker shows, where all of the answers' persons have enrolled."""
    return [read_shown(path) for path in sorted(folder.glob("*.json"))]


def without_files(folder: Path) -> dict[str, Any]:
    answers = read_answers(write_answers(folder))
    for party in answers["parties"]:
        del party["identities"]
    return answers


def test_persons_who_are_not_named_are_those_whom_the_broker_shows(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    answers = without_files(tmp_path)
    assert needs_enrolled(answers["parties"], is_first=True)
    found = newest_identities(shown(tmp_path))
    enrolled = [one for one in found if proposal.agreement.person(one.person) is not None]
    assert draft_agreement(answers, tmp_path, enrolled=enrolled) == proposal
    with raises(AgreementDraftError, match="nobody of .* has enrolled"):
        draft_agreement(answers, tmp_path, enrolled=enrolled[:1])


def test_persons_are_named_by_their_ids_beside_files(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    enrolled = newest_identities(shown(tmp_path))
    ids = {"name": "child-welfare", "identities": [person_id("ann"), "bob.json"]}
    parties = [ids, {"name": "k12"}, {"name": "data-center"}]
    assert needs_enrolled(parties, is_first=False)
    assert not needs_enrolled(parties[1:], is_first=False)
    after = draft_agreement({"parties": parties}, tmp_path, proposal, enrolled)
    assert after.agreement.parties == proposal.agreement.parties
    # Kim is of another party.
    ids["identities"] = [person_id("kim")]
    with raises(AgreementDraftError, match="shows nobody of child-welfare with the ID"):
        draft_agreement({"parties": parties}, tmp_path, proposal, enrolled)


def test_keys_whose_changes_are_forged_are_not_drafted(tmp_path: Path) -> None:
    write_answers(tmp_path)
    first, second = shown(tmp_path)[:2]
    forged = SignedIdentity(identity=first.enrolled.identity, signature=second.enrolled.signature)
    with raises(AgreementDraftError, match="do not follow"):
        newest_identities([IdentityHistory(enrolled=forged)])


def test_a_file_of_an_agreement_is_read_back_and_another_neither_read_nor_overwritten(
    proposal: AgreementProposal, tmp_path: Path
) -> None:
    path, other = tmp_path / "draft.json", tmp_path / "other.json"
    for _ in range(2):
        write_proposal(path, proposal)
        assert read_proposal(path) == proposal
    other.write_text("{}")
    with raises(AgreementFileError):
        read_proposal(other)
    with raises(OutputExistsError):
        write_proposal(other, proposal)
    raw = proposal.to_json() | {"profile": shipped_profile("generic-person").to_json()}
    path.write_text(json.dumps(raw))
    with raises(AgreementFileError, match="not the one that the agreement names"):
        read_proposal(path)


STUDENT_ID = {"kind": "student-id"}
SSN = {"kind": "ssn", "basis": "other", "citation": "Example Code 12.5"}


def numbered(folder: Path, number: Any, **more: Any) -> AgreementProposal:
    answers = read_answers(write_answers(folder))
    return draft_agreement({**answers, "known_number": number, **more}, folder)


def test_a_known_number_is_in_the_profile_the_clause_and_the_elements(tmp_path: Path) -> None:
    made = numbered(tmp_path, STUDENT_ID)
    assert made.profile == shipped_profile("children", number="student-id")
    known = made.agreement.known_number
    assert known is not None
    assert (known.kind, known.basis, known.citation) == ("student-id", None, None)
    listed = [(one.party, one.use) for one in made.agreement.elements if one.name == "student_id"]
    assert listed == [("child-welfare", "encoded"), ("k12", "encoded")]


def test_social_security_numbers_without_basis_and_citation_and_other_kinds_are_refused(
    tmp_path: Path,
) -> None:
    assert numbered(tmp_path, SSN).agreement.known_number is not None
    needs = "need a legal basis and its citation"
    for number, match in (
        *(
            ({n: v for n, v in SSN.items() if n != missing}, needs)
            for missing in ("basis", "citation")
        ),
        ({"kind": "passport"}, "student-id, case-number, ssn"),
    ):
        (tmp_path / "answers.toml").unlink()
        with raises(AgreementDraftError, match=match):
            numbered(tmp_path, number)


def test_a_profile_that_takes_numbers_of_which_the_agreement_says_nothing_is_refused(
    tmp_path: Path,
) -> None:
    path = tmp_path / "profile.json"
    path.write_bytes(shipped_profile("children", number="ssn").to_canonical())
    with raises(AgreementDraftError, match="not the one that the agreement states"):
        numbered(tmp_path, False, profile="profile.json")
    (tmp_path / "answers.toml").unlink()
    assert numbered(tmp_path, SSN, profile="profile.json").profile.number_kind == "ssn"


def test_an_amendment_keeps_the_number_takes_another_or_none(tmp_path: Path) -> None:
    before = numbered(tmp_path, STUDENT_ID)
    kept = amend(before, tmp_path, profile="children", zip=False)
    assert kept.profile.name == "children-no-zip-student-id"
    assert kept.agreement.epoch == 2
    gone = amend(before, tmp_path, profile="children", known_number=False)
    assert gone.profile == shipped_profile("children")
    assert gone.agreement.known_number is None
    assert "known_number" not in gone.agreement.to_json()
    with raises(AgreementDraftError, match="known_number needs the answer profile"):
        amend(before, tmp_path, known_number=SSN)


def test_of_several_analysts_the_one_who_is_named_first_holds_the_secret(tmp_path: Path) -> None:
    for name in ("kim", "pat"):
        write_identity(tmp_path / f"{name}.json", name)
    for first, second in (("kim", "pat"), ("pat", "kim")):
        raw = {"name": "k12", "kind": "agency", "identities": [f"{first}.json", f"{second}.json"]}
        assert read_party(raw, tmp_path)["holder"] == person_id(first)
