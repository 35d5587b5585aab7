"""Rounds of three agencies, not all of which receive in one link-ID set: whose claims and statements count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from rigs.agreed import OPERATOR, amend, bind
from rigs.moments import Moments
from rigs.near_broker import POLICY, NearBroker, near_broker, small_profile, small_terms
from rigs.weeks import links, settle
from samples.agreed import agreement_of, without

from schemas.agreement.clauses import FileSize
from schemas.linkage.run import IdSpace, LinkRate, MatchingPolicy, Recipient

AGENCIES = ("clinics", "schools", "welfare")
HEAD = "ID,first,last,born\n"
ANA, CHLOE, DEE, ZOE = (
    "Ana,Ortiz,2011-04-09\n",
    "Chloé,O'Neal,2010-12-31\n",
    "Dee,Lee,2015-01-15\n",
    "Zoe,Zinn,2010-10-10\n",
)
# Ana and Dee are everywhere, Chloé at clinics and schools, Zoe at clinics and welfare.
ROWS = {
    "clinics": f"{HEAD}c1,{ANA}c2,{CHLOE}c3,{DEE}c4,{ZOE}",
    "schools": f"{HEAD}s1,{ANA}s2,{CHLOE}s3,{DEE}s4,Bo,Nguyen,2012-05-01\n",
    "welfare": f"{HEAD}w1,{ANA}w3,{DEE}w4,{ZOE}",
}

# What the other agencies may have; nothing goes by itself.
SHARED = {"elements": [{"party": "schools", "name": "born", "use": "shared"}]}
SHARE = '[share]\ncolumns = ["last"]'

pytestmark = pytest.mark.long


def terms_of(*recipients: str) -> dict[str, Any]:
    named = [(party, "linked" if party in recipients else "none") for party in AGENCIES]
    return {
        "providers": AGENCIES,
        "recipients": tuple(
            Recipient(party=p, mode=mode, space="shared" if mode == "linked" else "nothing")  # type: ignore[arg-type]
            for p, mode in named
        ),
        "spaces": tuple(IdSpace(name=name, lifetime="lasting") for name in ("nothing", "shared")),
        "files": tuple(
            FileSize(party=party, least=1, most=most)
            for party, most in zip(AGENCIES, (3000, 2000, 1000), strict=True)
        ),
    }


Three = Callable[..., NearBroker]


@pytest.fixture
def three(tmp_path: Path, moments: Moments) -> Iterator[Three]:
    """Gives the broker with three agencies that are ready for rounds, or have `settled` their first one."""

    def make(
        near: NearBroker, recipients: tuple[str, ...], policy: MatchingPolicy, files: dict[str, str]
    ) -> None:
        for party in AGENCIES:
            near.add(party, files.get(party, ROWS[party]))
        near.add_project(policy=policy, clauses=SHARED, **terms_of(*recipients))
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")

    with near_broker(tmp_path / "broker") as near:

        def given(
            *recipients: str, settled: bool = False, policy: MatchingPolicy = POLICY, **files: str
        ) -> NearBroker:
            which = recipients, policy, files
            name = f"{__name__} {which}"
            moments.reach(near, name, lambda: make(near, *which))
            if settled:
                moments.reach(near, f"{name}, settled", lambda: settle(near))
            return near

        yield given


def test_a_recipient_may_be_paired_with_an_agency_that_is_none(three: Three) -> None:
    near = three("schools", "welfare", settled=True)
    schools, welfare = near.desks["schools"], near.desks["welfare"]
    first = links(schools), links(welfare)
    # What the clinics have gives a link ID as well, and what both others have one that joins.
    assert first[0].keys() == {"s1", "s2", "s3"}
    assert first[1].keys() == {"w1", "w3", "w4"}
    assert (first[0]["s1"], first[0]["s3"]) == (first[1]["w1"], first[1]["w3"])
    assert first[0]["s2"] not in first[1].values()
    assert "statement-received" not in near.log_kinds()
    near.move(days=7)
    settle(near)
    assert (links(schools), links(welfare)) == first


@pytest.mark.parametrize("recipients", [AGENCIES, ("schools", "welfare")])
def test_columns_go_to_a_partner_of_those_alone_whom_it_has_too(
    three: Three, recipients: tuple[str, ...]
) -> None:
    near = three(*recipients, settled=True)
    schools, welfare = near.desks["schools"], near.desks["welfare"]
    # Chloé is at schools and clinics, and her link ID is no business of welfare.
    assert links(schools).keys() == {"s1", "s2", "s3"}
    done = schools.json("refresh", "--deliver")["delivered"]
    expected = {"clinics": 3, "welfare": 2}
    assert {one["to"]: one["rows"] for one in done} == {
        party: n for party, n in expected.items() if party in recipients
    }
    attached = welfare.json("refresh", "--attach")["attached"]
    assert [(one["from"], one["rows_attached"]) for one in attached] == [("schools", 2)]
    if "clinics" not in recipients:
        said = near.desks["clinics"].ok("refresh", "--deliver", "--attach").stderr
        assert (
            "beside link IDs, the agreement lets clinics neither send nor receive columns" in said
        )


def test_who_is_linked_with_a_third_agency_alone_is_not_exported_as_in_care(
    three: Three, tmp_path: Path
) -> None:
    schools, out = three("schools", "welfare", settled=True).desks["schools"], tmp_path / "out.csv"
    export = ("export", "--for", "csv", "--organization", "7", "-o", str(out))
    refused = schools.type(*export)
    assert (refused.exit_code, "say whose records are in care" in refused.stderr) == (2, True)
    assert not out.exists()
    schools.ok(*export, "--from", "welfare")
    students = [line.split(",")[0] for line in out.read_text("utf-8").splitlines()[1:]]
    assert students == ["s1", "s3"]
    refused = schools.type(*export, "--from", "clinic")
    assert (refused.exit_code, "clinic is no other agency" in refused.stderr) == (2, True)


def test_whom_a_record_was_told_to_is_only_who_has_it_too(three: Three) -> None:
    schools = three("schools", "welfare", settled=True).desks["schools"]
    for record, others in (("s1", {"clinics", "welfare"}), ("s2", {"clinics"})):
        lines = schools.json("disclosures", "--record", record)["disclosures"]
        linked = [one for one in lines if one["what"] == "link-ids"]
        assert {one["certainty"] for one in linked} == {"yes"}
        assert {one[side] for one in linked for side in ("giver", "receiver")} == {
            "schools",
            *others,
        }


def test_a_link_id_of_an_own_match_joins_once_the_other_recipient_has_the_person(
    three: Three,
) -> None:
    near = three("schools", "welfare", settled=True)
    schools, welfare = near.desks["schools"], near.desks["welfare"]
    before = links(schools)
    more = ROWS["welfare"] + f"w2,{CHLOE}"
    (near.folder / "welfare" / "people.csv").write_text(more, "utf-8")
    near.move(days=7)
    settle(near)
    assert links(schools) == before
    assert links(welfare)["w2"] == before["s2"]


def test_recipients_of_more_than_one_pair_agree_by_statements(three: Three) -> None:
    near = three(*AGENCIES, settled=True)
    found = {party: links(desk) for party, desk in near.desks.items()}
    assert near.log_kinds().count("statement-received") == 3
    assert found["clinics"]["c1"] == found["schools"]["s1"] == found["welfare"]["w1"]
    assert found["clinics"]["c4"] == found["welfare"]["w4"]
    near.move(days=7)
    settle(near)
    assert {party: links(desk) for party, desk in near.desks.items()} == found


def test_a_job_that_does_not_run_before_the_deadline_costs_its_round_alone(three: Three) -> None:
    near = three(*AGENCIES, settled=True)
    before = {party: links(desk) for party, desk in near.desks.items()}
    clinics, schools, welfare = near.desks.values()
    near.move(days=7)
    # All send claims, and the clinics never state what they found: each other one's statement is listed.
    for desk in (clinics, schools, welfare):
        assert desk.type("refresh").exit_code == 7
    near.work()
    for desk in (clinics, schools, welfare, schools):
        assert desk.type("refresh").exit_code == 7
    stated = [e["actor"]["party"] for e in near.log_entries() if e["kind"] == "statement-received"]
    assert sorted(stated[3:]) == ["schools", "welfare"]
    near.move(days=4)
    near.sweep()
    for desk in near.desks.values():
        desk.ok("refresh")
    for days in (3, 7):
        near.move(days=days)
        settle(near)
        assert {party: links(desk) for party, desk in near.desks.items()} == before
    assert near.log_kinds().count("statement-received") == 3 + 2 + 3 + 3


def test_where_the_runs_of_other_pairs_failed_one_pair_needs_no_statements(three: Three) -> None:
    # Nobody of the clinics is known to the others, and runs that link so few fail.
    policy = POLICY.model_copy(update={"link_rate": LinkRate(least="0.3", most="1")})
    strangers = f"{HEAD}c1,Kim,Park,2009-01-02\nc2,Uma,Rao,2008-03-04\nc3,Wes,Hill,2007-05-06\n"
    near = three(*AGENCIES, policy=policy, clinics=strangers)
    clinics, schools, welfare = (near.desks[party] for party in AGENCIES)
    assert [desk.type("refresh").exit_code for desk in (clinics, schools)] == [7, 7]
    assert [desk.type("refresh").exit_code for desk in (welfare, schools)] == [7, 7]
    assert clinics.type("refresh").exit_code == 6
    assert "statement-received" not in near.log_kinds()
    assert near.log_kinds().count("claims-received") == 2
    # A run that failed may be asked for again, so the round stays open until its deadline.
    near.move(days=4)
    near.sweep()
    for desk in (schools, welfare):
        desk.ok("links")
    assert links(schools)["s1"] == links(welfare)["w1"]


def test_a_round_that_was_closed_without_ones_claims_is_told_and_the_next_one_goes_on(
    three: Three,
) -> None:
    near = three("schools", "welfare")
    schools, welfare = near.desks["schools"], near.desks["welfare"]

    def lose(request: httpx2.Request) -> httpx2.Response | None:
        if "/claims/" in request.url.path and request.method == "PUT":
            raise httpx2.ConnectError("no network")
        return None

    for _ in range(2):
        for desk in near.desks.values():
            near.courier.before = lose if desk is welfare else (lambda _: None)
            desk.type("refresh")
    near.courier.before = lambda _: None
    near.move(days=4)
    near.sweep()
    assert near.log_kinds()[-1] == "round-closed"
    for desk in (schools, welfare):
        result = desk.type("links")
        assert result.exit_code == 0, result.stderr
        assert "have none yet" in result.stderr
    near.move(days=4)
    settle(near)
    assert links(schools)["s1"] == links(welfare)["w1"]


def test_sealed_link_ids_of_each_pair_are_in_a_file_of_their_own_and_are_delivered_together(
    tmp_path: Path,
) -> None:
    research = "research-office"
    blind = {
        "recipients": (Recipient(party=research, mode="blind", space="shared"),),
        "spaces": (IdSpace(name="shared", lifetime="lasting"),),
    }
    with near_broker(tmp_path) as near:
        for party in AGENCIES:
            settings = near.add(party, ROWS[party]).folder / "blindlink.toml"
            settings.write_text(settings.read_text().replace("[share]\ncolumns = []", SHARE))
        near.enrol(research)
        elements = [{"party": one, "name": "last", "use": "shared"} for one in AGENCIES]
        near.add_project(clauses={"elements": elements}, **terms_of() | blind)
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        settle(near)
        schools = near.desks["schools"]
        files = [f"links-for-{research}-with-{partner}.csv" for partner in ("clinics", "welfare")]
        assert {name for name in schools.files() if name.startswith("links-for-")} == set(files)
        written = schools.json("links", "--for", research)["files"]
        assert sorted(Path(one["file"]).name for one in written) == files
        at_research = near.desk(research, tmp_path / research, tmp_path / "none.csv")
        near.compare()
        for party in AGENCIES:
            near.desks[party].ok("deliver", research)
        (done,) = at_research.json("attach")["attached"]
        assert done["columns"] == [f"{party}.last" for party in AGENCIES]
        _, *found = (at_research.folder / "joined.csv").read_text("utf-8").splitlines()
        names = ["Lee,Lee,Lee", "O'Neal,O'Neal,", "Ortiz,Ortiz,Ortiz", "Zinn,,Zinn"]
        assert sorted(row.partition(",")[2] for row in found) == names
        # The next round is closed without the clinics: nothing of theirs is in it, which is said.
        near.move(days=7)
        for party in ("schools", "welfare"):
            assert near.desks[party].type("refresh").exit_code == 7
        near.work()
        near.move(days=8)
        near.sweep()
        for party in ("schools", "welfare"):
            near.desks[party].ok("links", "--for", research)
            near.desks[party].ok("deliver", research)
        result = at_research.type("attach")
        assert result.exit_code == 0, result.stderr
        assert "round 2 was closed without matches of clinics" in result.stderr
        assert "from-clinics.csv is still of round 1" in result.stderr
        _, *found = (at_research.folder / "joined.csv").read_text("utf-8").splitlines()
        assert sorted(row.partition(",")[2] for row in found) == ["Lee,Lee", "Ortiz,Ortiz"]


def test_of_a_pair_whose_other_agency_has_left_no_sealed_link_ids_are_fetched(
    tmp_path: Path,
) -> None:
    research = "research-office"
    with near_broker(tmp_path) as near:
        for party in AGENCIES:
            near.add(party, ROWS[party])
        near.enrol(research)
        people = [near.seated(party) for party in (*AGENCIES, research)]
        people.append(near.person(OPERATOR, "operator", "steward"))
        profile = small_profile()
        blind = Recipient(party=research, mode="blind", space="shared")
        terms = small_terms(profile, **terms_of() | {"recipients": (blind,)})
        said = {
            "log": near.broker.log.key.name,
            "elements": [{"party": one, "name": "last", "use": "shared"} for one in AGENCIES],
        }
        agreement = agreement_of(terms, [one.public for one in people], **said)
        bind(near.broker, near.operator, agreement, profile, people)
        near.compare()
        near.agree()
        for desk in near.desks.values():
            desk.ok("round", "--ready")
        for desk in near.desks.values():
            desk.type("refresh")
        near.work()
        clauses = without(agreement, "clinics")
        clauses["approvals"] = agreement.to_json()["approvals"] | {"parties": ["schools"]}
        amend(near.broker, agreement, profile, people, **clauses)
        written = near.desks["schools"].json("links", "--for", research)["files"]
        assert [Path(one["file"]).name for one in written] == [f"links-for-{research}.csv"]
