"""What a broker shows of an agreement, honest or not: believed, or refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from samples.agreement import PEOPLE, amended, consent, identity, person_id, private, signed, stated
from samples.documents import PROFILE
from samples.refusals import raises
from samples.shown_agreements import FIRST, SECOND, STEWARDS, notice, view
from vectors.agreement import key_change
from vectors.identity import private_bytes, signature

from encoding.agreement.kept_agreements import KeptAgreement, KeptAgreements, read_kept, write_kept
from encoding.agreement.verification import (
    merged,
    require_adoptable,
    require_keys,
    require_keys_of_then,
    require_next,
    require_stewards,
    untrusted_keys,
    verified,
    vouched_keys,
)
from encoding.errors import AgreementUntrustedError, UntrustedKeyError, WorkspaceError
from encoding.people.peers import Peers
from schemas.agreement.agreement import Agreement
from schemas.agreement.statement import SignedStatement
from schemas.signing.identity import IdentityHistory, PublicIdentity

NOW = datetime(2026, 9, 1, tzinfo=UTC)
NOTHING = KeptAgreements(project="foster-k12")
COUNSEL = {"name": "Dana Cole", "title": "General counsel", "date": "2026-08-24"}
CW = "child-welfare"


def known(*views: Any) -> KeptAgreements:
    kept = NOTHING
    for shown in views:
        kept = kept.with_one(verified(shown))
    return kept


def history(name: str, *changes: dict[str, Any], seed: int | None = None) -> IdentityHistory:
    public = identity(name, seed=seed)
    key = private(name)
    enrolled = {"identity": public, "signature": signature("enrolment", public, key)}
    return IdentityHistory.from_json({"enrolled": enrolled, "changes": list(changes)})


def trusting(*names: str, met: bool = True) -> Peers:
    peers = Peers()
    for name in names:
        public = PublicIdentity.from_json(identity(name))
        peers = peers.trust(public.party, public.fingerprint(), NOW, keep_others=True)
    return peers.meet([history(name) for name in names]) if met else peers


def test_an_agreement_that_all_have_signed_is_believed_and_who_is_missing_worked_out() -> None:
    kept = verified(view(), known(view()).agreements[0].digest)
    assert kept.is_complete()
    assert kept.missing() == ()
    shown = view(state="proposed", consents=[consent("ann", FIRST)], missing=["k12"])
    assert verified(shown).missing() == ("data-center", "k12", "state-auditor")


def test_another_agreement_or_profile_and_dropped_forged_or_double_signatures_are_refused() -> None:
    with raises(AgreementUntrustedError, match="a different agreement from the one you asked for"):
        verified(view(), "0" * 64)
    others = [consent(name, FIRST) for name in ("ann", "eve", "sue")]
    kim = stated("consent", "kim", FIRST, counsel=COUNSEL)
    twice = [consent("ann", FIRST), consent("ann", FIRST, at="2026-08-26T12:00:00Z")]
    for shown, said in (
        (view(profile={**PROFILE, "strength": 301}), "a different encoding profile"),
        (view(consents=others), "signature of k12 is not there"),
        (view(consents=[notice("ann", "suspend", "2026-09-02T06:00:00Z")]), "in place of another"),
        (view(state="proposed", consents=twice), "two signatures"),
        *(
            (view(consents=[*others, forged]), "does not count")
            for forged in (
                signed(kim, private("ann")),
                signed(stated("consent", "bob", FIRST, counsel=COUNSEL), private("bob")),
                consent("kim", SECOND),
                {**consent("kim", FIRST), "signature": consent("ann", FIRST)["signature"]},
            )
        ),
    ):
        with raises(AgreementUntrustedError, match=said):
            verified(shown)


def test_notices_count_by_their_newest() -> None:
    halt = notice("kim", "suspend", "2026-09-02T06:00:00Z")
    assert verified(view(notices=[halt])).halted_by() == ("k12",)
    lifted = notice("kim", "resume", "2026-09-03T06:00:00Z")
    assert verified(view(notices=[lifted, halt])).halted_by() == ()
    left = notice("kim", "withdraw", "2026-09-04T06:00:00Z")
    assert verified(view(notices=[halt, lifted, left])).ended_by() == ("k12",)


def test_what_was_seen_cannot_be_taken_back() -> None:
    halt = notice("kim", "suspend", "2026-09-02T06:00:00Z")
    kept = known(view(notices=[halt]))
    with raises(AgreementUntrustedError, match="notice of k12"):
        merged(kept, verified(view()))
    fewer = view(state="proposed", consents=[consent(name, FIRST) for name in STEWARDS[:2]])
    with raises(AgreementUntrustedError, match="signature of k12"):
        merged(known(view()), verified(fewer))


def test_a_consent_that_its_party_undid_does_not_count_again() -> None:
    left = notice("kim", "withdraw", "2026-09-04T06:00:00Z")
    kept = known(view(notices=[left]))
    undone = verified(view(SECOND, consents=[consent(name, SECOND) for name in STEWARDS]))
    assert undone.is_complete()
    assert merged(kept, undone).find(undone.digest).missing() == ("k12",)  # type: ignore[union-attr]
    same = [consent(name, SECOND, at="2026-09-04T06:00:00Z") for name in STEWARDS]
    anew = verified(view(SECOND, consents=same))
    assert merged(kept, anew).find(anew.digest).is_complete()  # type: ignore[union-attr]
    # One of the same second that the notice names was before it all the same.
    (own,) = (one for one in anew.consents if one.statement.party == "k12")
    later = signed(
        stated(
            "notice",
            "kim",
            FIRST,
            act="withdraw",
            reason="A reason.",
            at="2026-09-04T06:00:00Z",
            before=own.statement.digest(),
        ),
        private("kim"),
    )
    after = merged(known(view(notices=[later])), anew)
    assert after.find(anew.digest).missing() == ("k12",)  # type: ignore[union-attr]


def test_the_own_signature_that_is_on_its_way_is_kept() -> None:
    mine = known(view(state="proposed", consents=[consent("ann", FIRST)]))
    after = merged(mine, verified(view(state="proposed", consents=[consent("kim", FIRST)])))
    assert after.agreements[0].missing() == ("data-center", "state-auditor")


def test_an_amendment_follows_the_one_that_is_kept() -> None:
    require_next(known(view()), Agreement.from_json(SECOND))
    skipped = SECOND | {"number": 3}
    with raises(AgreementUntrustedError, match="does not follow number 1"):
        require_next(known(view()), Agreement.from_json(skipped))


def test_the_first_agreement_is_kept_to_be_compared_and_an_amendment_by_the_same_steward() -> None:
    assert require_adoptable(NOTHING, verified(view()), "k12", Peers())
    assert not require_adoptable(known(view()), verified(view(SECOND)), "k12", Peers())
    # An older one that a kept one names is kept, too.
    assert not require_adoptable(known(view(SECOND)), verified(view()), "k12", Peers())
    with raises(AgreementUntrustedError, match="does not name health"):
        require_adoptable(NOTHING, verified(view()), "health", Peers())
    unsigned = verified(view(state="proposed", consents=[]))
    with raises(AgreementUntrustedError, match="has not signed"):
        require_adoptable(NOTHING, unsigned, "k12", Peers())


def test_an_amendment_by_unknown_keys_is_refused_unless_they_are_trusted() -> None:
    other = {**SECOND, "parties": [dict(party) for party in SECOND["parties"]]}
    other["parties"][2]["persons"] = [identity("kim", seed=31)]
    forged = signed(stated("consent", "kim", other, counsel=COUNSEL), private_bytes(31))
    consents = [*(consent(name, other) for name in ("ann", "eve", "sue")), forged]
    shown = verified(view(other, consents=consents))
    with raises(AgreementUntrustedError, match="keys that are not known"):
        require_adoptable(known(view()), shown, "k12", Peers())
    public = PublicIdentity.from_json(identity("kim", seed=31))
    peers = Peers().trust("k12", public.fingerprint(), NOW)
    assert not require_adoptable(known(view()), shown, "k12", peers)


def roster_of(party: str, *persons: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """The amendment by which these are a party's persons."""
    parties = [
        one | {"persons": sorted(persons, key=lambda each: str(each["person"]))}
        if one["name"] == party
        else one
        for one in FIRST["parties"]
    ]
    return amended(FIRST, parties=parties, amends={"only": "persons", "party": party}, **changes)


def signed_alone(agreement: dict[str, Any], name: str, key: bytes | None = None) -> KeptAgreement:
    said = signed(stated("consent", name, agreement, counsel=None), key or private(name))
    return verified(view(agreement, consents=[said]))


def test_other_persons_of_a_partner_are_taken_from_its_known_steward() -> None:
    # Child welfare's steward lets bob alone go; k12 has signed nothing.
    changed = roster_of("child-welfare", identity("ann"), identity("bob"), epoch=2)
    assert not require_adoptable(known(view()), signed_alone(changed, "ann"), "k12", Peers())


def test_a_stranger_who_lists_themselves_is_refused() -> None:
    thief = {**identity("ann", seed=31), "person": f"per-{31:032x}"}
    changed = roster_of("child-welfare", identity("ann"), identity("bob"), thief)
    own = stated("consent", "ann", changed, counsel=None, person=thief["person"])
    shown = verified(view(changed, consents=[signed(own, private_bytes(31))]))
    with raises(AgreementUntrustedError, match="for child-welfare with keys that are not known"):
        require_adoptable(known(view()), shown, "k12", Peers())
    # Nor if someone trusts that key for other reasons: it was no steward's.
    public = PublicIdentity.from_json(thief)
    peers = Peers().trust("child-welfare", public.fingerprint(), NOW)
    with raises(AgreementUntrustedError, match="keys that are not known"):
        require_adoptable(known(view()), shown, "k12", peers)


def replaced(*names: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The amendment that lists someone else for these persons' parties, and the consents of all to it."""
    other = amended(FIRST, epoch=2)
    new = {name: f"per-{PEOPLE[name][0] + 20:032x}" for name in names}
    for name, person in new.items():
        (party,) = (one for one in other["parties"] if one["name"] == PEOPLE[name][1])
        own = {**identity(name, seed=PEOPLE[name][0] + 20), "person": person}
        own["duties"] = sorted({*own["duties"], "analyst", "recipient", "reviewer"})
        party["persons"] = [own]
        party["holder"] = party["holder"] and person
    consents = [consent(name, other) for name in STEWARDS if name not in new]
    for name, person in new.items():
        said = stated("consent", name, other, counsel=COUNSEL, person=person)
        consents.append(signed(said, private_bytes(PEOPLE[name][0] + 20)))
    return other, consents


def test_of_one_party_alone_all_stewards_may_be_new() -> None:
    other, consents = replaced("ann")
    require_stewards(known(view()), verified(view(other, consents=consents)), list)
    other, consents = replaced("ann", "kim")
    with raises(AgreementUntrustedError, match="at most one party may be left out"):
        require_stewards(known(view()), verified(view(other, consents=consents)), list)
    # Where the version before is not kept, there is nothing to compare with.
    require_stewards(NOTHING, verified(view(other, consents=consents)), list)


def with_new_keys_of_kim() -> KeptAgreement:
    """The next agreement, which lists other keys for kim, with which she has signed it."""
    other = {**SECOND, "parties": [dict(party) for party in SECOND["parties"]]}
    other["parties"][2]["persons"] = [identity("kim", seed=41)]
    said = signed(stated("consent", "kim", other, counsel=COUNSEL), private_bytes(41))
    consents = [*(consent(name, other) for name in ("ann", "eve", "sue")), said]
    return verified(view(other, consents=consents))


def test_a_steward_with_newer_keys_is_the_same_if_their_changes_show_it() -> None:
    shown = with_new_keys_of_kim()
    changed = history("kim", key_change("kim", PEOPLE["kim"][0], 41))
    require_stewards(known(view()), shown, lambda: [changed])
    # Nor do keys count to which the newer ones have led: the former ones were given up.
    backwards = history("kim", key_change("kim", 41, PEOPLE["kim"][0]), seed=41)
    for others in ([], [history("kim", seed=41)], [history("kim")], [backwards]):
        with raises(AgreementUntrustedError, match="was not its steward before"):
            require_stewards(known(view()), shown, lambda found=others: found)  # type: ignore[misc]


def test_what_is_kept_with_all_signatures_is_asked_no_more() -> None:
    shown = with_new_keys_of_kim()
    kept = known(view()).with_one(shown)
    require_stewards(kept, shown, list)
    # It is where a signature is missing here, or another person's is shown.
    fewer = shown.model_copy(update={"consents": shown.consents[1:]})
    for one in (known(view()).with_one(fewer), known(view())):
        with raises(AgreementUntrustedError, match="was not its steward before"):
            require_stewards(one, shown, list)
    same = verified(view(SECOND))
    *others, last = same.consents
    stranger = last.statement.model_copy(update={"person": f"per-{77:032x}"})
    swapped = last.model_copy(update={"statement": stranger})
    by_another = same.model_copy(update={"consents": (*others, swapped)})
    with raises(AgreementUntrustedError, match="was not its steward before"):
        require_stewards(known(view(), view(SECOND)), by_another, list)


def test_the_sheet_vouches_for_a_stewards_keys_and_for_nobody_else() -> None:
    require_stewards(known(view()), with_new_keys_of_kim(), list, is_compared=True)
    other, consents = replaced("ann", "kim")
    shown = verified(view(other, consents=consents))
    with raises(AgreementUntrustedError, match="at most one party") as refused:
        require_stewards(known(view()), shown, list, is_compared=True)
    assert "accept" not in (refused.value.hint or "")


def test_an_analyst_who_makes_himself_a_steward_more_than_it_says_or_what_was_left_is_refused() -> (
    None
):
    bob = {**identity("bob"), "duties": sorted([*identity("bob")["duties"], "steward"])}
    ann, left = identity("ann"), notice("kim", "withdraw", "2026-09-04T06:00:00Z")
    for kept, changed, signer, peers, said in (
        (view(), roster_of(CW, ann, bob), "bob", trusting("bob"), "keys that are not known"),
        (
            view(),
            roster_of(CW, ann, identity("bob"), end="2027-07-31"),
            *("ann", Peers(), "more changes than the persons of child-welfare"),
        ),
        (
            view(notices=[left]),
            roster_of(CW, ann, identity("bob")),
            *("ann", Peers(), "a party has left"),
        ),
    ):
        with raises(AgreementUntrustedError, match=said):
            require_adoptable(known(kept), signed_alone(changed, signer), "k12", peers)


def test_a_steward_whom_the_roster_dropped_makes_no_next_agreement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(PEOPLE, "zed", (21, "child-welfare", ["approver", "steward"]))
    first = roster_of("child-welfare", *map(identity, ("ann", "bob", "zed"))) | {
        "number": 1,
        "previous": None,
    }
    del first["amends"]
    second = amended(first, amends={"only": "persons", "party": "child-welfare"})
    second["parties"] = roster_of("child-welfare", identity("bob"), identity("zed"))["parties"]
    kept = known(view(first)).with_one(signed_alone(second, "zed"))
    third = amended(second, parties=first["parties"])
    del third["amends"]
    for peers in (Peers(), trusting("ann", "kim")):
        with raises(AgreementUntrustedError, match="child-welfare with keys that are not known"):
            require_adoptable(kept, verified(view(third)), "child-welfare", peers)


def test_who_halts_an_agreement_halts_what_amends_it_alone() -> None:
    halt = notice("kim", "suspend", "2026-09-02T06:00:00Z")
    changed = signed_alone(roster_of("child-welfare", identity("ann"), identity("bob")), "ann")
    kept = known(view(notices=[halt])).with_one(changed)
    assert changed.halted_by() == ()
    assert kept.with_words(changed).halted_by() == ("k12",)


def following(first: dict[str, Any], act: str, at: str) -> dict[str, Any]:
    """Kim's next notice after a first one."""
    before = SignedStatement.from_json(first).statement.digest()
    said = stated("notice", "kim", FIRST, act=act, reason="A reason.", at=at, before=before)
    return signed(said, private("kim"))


def test_of_words_of_one_second_or_a_clock_ahead_the_later_counts_and_else_the_halt() -> None:
    at = "2026-09-03T06:00:00Z"
    for ahead in (at, "2026-09-10T06:00:00Z"):
        resume = notice("kim", "resume", ahead)
        halt = following(resume, "suspend", at)
        for order in ([resume, halt], [halt, resume]):
            assert verified(view(notices=order)).halted_by() == ("k12",)
    halt = notice("kim", "suspend", at)
    resume = following(halt, "resume", at)
    for order in ([resume, halt], [halt, resume]):
        assert verified(view(notices=order)).halted_by() == ()
    words = [notice("kim", act, at) for act in ("suspend", "resume")]
    for order in (words, words[::-1]):
        assert verified(view(notices=order)).halted_by() == ("k12",)


def test_an_older_agreement_that_a_kept_one_names_is_refused_if_strangers_signed_it() -> None:
    forged = {**FIRST, "parties": [dict(party) for party in FIRST["parties"]]}
    fake = {**identity("kim", seed=31), "person": f"per-{31:032x}"}
    forged["parties"][2]["persons"] = sorted(
        [identity("kim"), fake], key=lambda each: str(each["person"])
    )
    own = stated("consent", "kim", forged, counsel=COUNSEL, person=fake["person"])
    others = [consent(name, forged) for name in ("ann", "eve", "sue")]
    shown = verified(view(forged, consents=[*others, signed(own, private_bytes(31))]))
    kept = known(view(amended(forged, parties=FIRST["parties"])))
    with raises(AgreementUntrustedError, match="for k12 with keys that are not known"):
        require_adoptable(kept, shown, "k12", Peers())


def test_swapped_keys_are_refused_with_both_fingerprints() -> None:
    swapped = {**FIRST, "parties": [dict(party) for party in FIRST["parties"]]}
    swapped["parties"][2]["persons"] = [identity("kim", seed=31)]
    agreement = Agreement.from_json(swapped)
    shown = PublicIdentity.from_json(identity("kim", seed=31)).fingerprint()
    for met in (True, False):
        with raises(UntrustedKeyError, match="trust") as caught:
            require_keys(agreement, trusting("kim", met=met))
        assert shown in str(caught.value)
        assert PublicIdentity.from_json(identity("kim")).fingerprint() in str(caught.value)


def test_trusted_keys_and_those_that_replaced_them_are_in_order() -> None:
    agreement = Agreement.from_json(FIRST)
    require_keys(agreement, Peers())
    require_keys(agreement, trusting("ann", "kim"))
    seed = 14
    peers = trusting("kim", met=False)
    followed = peers.meet([history("kim", key_change("kim", seed, 41))])
    require_keys(agreement, followed)
    assert [p.party for p in untrusted_keys(agreement, followed, "child-welfare")] == [
        "data-center",
        "k12",
        "state-auditor",
    ]


def test_replaced_keys_sign_nothing_new_and_what_they_signed_before_counts_on() -> None:
    peers = trusting("ann").meet([history("ann", key_change("ann", PEOPLE["ann"][0], 41))])
    changed = roster_of("child-welfare", identity("ann"), identity("bob"), epoch=2)

    def shown(at: str, key: bytes, *changes: dict[str, Any]) -> KeptAgreement:
        said = stated("consent", "ann", changed, counsel=None, at=at)
        return verified(view(changed, consents=[signed(said, key, changes=list(changes))]))

    # The keys were replaced at the beginning of October.
    before, after = "2026-09-30T12:00:00Z", "2026-10-01T12:00:00Z"
    require_keys_of_then(shown(before, private("ann")), peers)
    own_change = key_change("ann", PEOPLE["ann"][0], 41)
    require_keys_of_then(shown(after, private_bytes(41), own_change), peers)
    with raises(UntrustedKeyError, match="had already replaced"):
        require_keys_of_then(shown(after, private("ann")), peers)


def test_what_is_kept_is_read_again(tmp_path: Any) -> None:
    path = tmp_path / "agreements" / "foster-k12.json"
    assert read_kept(path, "foster-k12") == NOTHING
    kept = known(view(), view(SECOND))
    write_kept(path, kept)
    assert read_kept(path, "foster-k12") == kept
    with pytest.raises(WorkspaceError, match="a different project"):
        read_kept(path, "health")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(WorkspaceError, match="damaged"):
        read_kept(path, "foster-k12")


def test_a_trusted_steward_vouches_for_the_persons_of_the_own_party_once_it_is_signed() -> None:
    kept = known(view())
    vouched = [person.person for person in vouched_keys(kept, trusting("ann"), "k12")]
    # Ann has signed for child welfare, whose analyst is Bob; nobody trusts who signed for the others.
    assert vouched == [person_id("bob")]
    unsigned = known(view(state="proposed", consents=[], missing=["k12"]))
    for own, trusted, party in (
        (kept, trusting("bob"), "k12"),
        (kept, trusting("ann"), CW),
        (unsigned, trusting("ann"), "k12"),
    ):
        assert list(vouched_keys(own, trusted, party)) == []


def test_a_halt_goes_on_in_what_replaces_a_version_and_a_withdrawal_ends_with_it() -> None:
    for act, halted in (("suspend", ("k12",)), ("withdraw", ())):
        kept = known(view(notices=[notice("kim", act, "2026-09-02T06:00:00Z")]), view(SECOND))
        found = kept.with_words(kept.agreements[-1])
        assert (found.halted_by(), found.ended_by()) == (halted, ())
