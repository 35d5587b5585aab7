"""Agreeing on a secret: it is that of the vectors, and whatever was tampered with is refused with a reason."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from itertools import permutations

import pytest
from samples.refusals import raises
from twins.hpke import open_sealed
from vectors.file import read_vectors

from encoding.errors import HoldersError, ShareError, ShareMissingError
from encoding.people.identity import Identity, PrivateKeys, new_identity
from encoding.secret.agreement import (
    Contribution,
    check_confirmation,
    confirm,
    has_secret,
    holders_of,
    make_secret,
    open_share,
    open_shares,
    seal_share,
)
from encoding.secret.secret import Marks, Secret
from schemas.signing.identity import PublicIdentity, SignedIdentity, base64_bytes, base64_text
from schemas.signing.secret_share import (
    SecretHolders,
    SelfTest,
    SignedConfirmation,
    SignedShare,
    StepTest,
)

VECTORS = read_vectors("secret-share")
NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
HOLDERS = SecretHolders.from_canonical(VECTORS["holders"].encode())
PARTIES = HOLDERS.parties
SECRET = Secret(bytes.fromhex(VECTORS["secret_hex"]))
MARKS = Marks.of(SECRET, HOLDERS.project, HOLDERS.epoch)
SELF_TEST = SelfTest(
    **{step: StepTest(rules="1" * 64, result="2" * 64) for step in ("recipe", "rows")},
    software="blindlink-0.1.0",
)


def identity_of(party: str) -> Identity:
    public = PublicIdentity.from_canonical(VECTORS["identities"][party].encode())
    keys = PrivateKeys.from_bytes(bytes.fromhex(VECTORS["private_hex"][party]))
    return Identity(SignedIdentity(identity=public, signature="A" * 88), keys)


PEOPLE = {party: identity_of(party) for party in PARTIES}
PUBLIC = {party: identity.public for party, identity in PEOPLE.items()}
CONTRIBUTIONS = {
    party: Contribution(bytes.fromhex(VECTORS["contributions_hex"][party])) for party in PARTIES
}
SHARES = {
    (vector["from"], vector["to"]): SignedShare.from_canonical(vector["document"].encode())
    for vector in VECTORS["shares"]
}
TO_SCHOOLS = {sender: share for (sender, to), share in SHARES.items() if to == "schools"}


def seal(sender: str, recipient: str, holders: SecretHolders = HOLDERS) -> SignedShare:
    return seal_share(CONTRIBUTIONS[sender], holders, PEOPLE[sender], PUBLIC[recipient], NOW)


def others(party: str) -> dict[str, PublicIdentity]:
    return {name: public for name, public in PUBLIC.items() if name != party}


def agree(party: str, shares: list[SignedShare]) -> Secret:
    opened = open_shares(shares, HOLDERS, PEOPLE[party], others(party))
    return make_secret(HOLDERS, opened | {party: CONTRIBUTIONS[party]})


def test_holders_shares_and_secret_are_those_of_the_vectors() -> None:
    for order in permutations(PUBLIC.values()):
        assert holders_of("river-county", 3, order) == HOLDERS
    for vector in VECTORS["shares"]:
        sender, recipient = vector["from"], vector["to"]
        expected = VECTORS["contributions_hex"][sender]
        # By the documents alone, and by the program.
        private = bytes.fromhex(VECTORS["private_hex"][recipient])
        sealed = base64_bytes(VECTORS["sealed"][f"{sender} to {recipient}"], 1168)
        opened = open_sealed(sealed, private[32:96], private[96:], vector["info"].encode())
        assert opened.hex() == expected
        signed = SHARES[sender, recipient]
        found = open_share(signed, HOLDERS, PEOPLE[recipient], PUBLIC[sender])
        assert found.to_bytes().hex() == expected
    assert make_secret(HOLDERS, CONTRIBUTIONS) == SECRET
    assert SECRET.key_id == VECTORS["key_id"]


def test_every_holder_makes_the_same_secret_in_whatever_order_shares_come() -> None:
    for party in PARTIES:
        shares = [seal(sender, party) for sender in PARTIES if sender != party]
        assert agree(party, shares) == agree(party, shares[::-1]) == SECRET


def test_every_contribution_counts_and_nobody_elses() -> None:
    for party in PARTIES:
        given = {name: made for name, made in CONTRIBUTIONS.items() if name != party}
        with pytest.raises(ShareMissingError, match=f"the share of {party} is missing"):
            make_secret(HOLDERS, given)
        assert make_secret(HOLDERS, {**given, party: Contribution.draw()}) != SECRET
    with pytest.raises(ShareError, match="is not a holder of this secret"):
        make_secret(HOLDERS, {**CONTRIBUTIONS, "stranger": Contribution.draw()})
    for change in ({"epoch": 4}, {"project": "sea-county"}):
        assert make_secret(HOLDERS.model_copy(update=change), CONTRIBUTIONS) != SECRET


def test_two_persons_of_one_party_or_one_person_alone_share_no_secret() -> None:
    second = new_identity("schools", ("analyst",), NOW).public
    for persons in ([PUBLIC["schools"], second], [PUBLIC["schools"]], []):
        with raises(HoldersError):
            holders_of("river-county", 3, persons)


def test_nothing_is_sealed_to_who_is_no_holder() -> None:
    stranger = new_identity("schools", ("analyst",), NOW).public
    with raises(HoldersError, match="schools"):
        seal_share(CONTRIBUTIONS["health"], HOLDERS, PEOPLE["health"], stranger, NOW)


def test_a_share_of_or_for_somebody_else_and_two_of_one_sender_are_refused() -> None:
    share, schools = TO_SCHOOLS["health"], PEOPLE["schools"]
    stranger = new_identity("health", ("analyst",), NOW).public
    with pytest.raises(ShareError, match="person that you trust"):
        open_share(share, HOLDERS, schools, stranger)
    with pytest.raises(ShareError, match="made for a different party"):
        open_share(share, HOLDERS, PEOPLE["child-welfare"], PUBLIC["health"])
    with pytest.raises(ShareError, match="two shares of health"):
        open_shares([share, seal("health", "schools")], HOLDERS, schools, others("schools"))
    alone = {"child-welfare": PUBLIC["child-welfare"]}
    with pytest.raises(ShareError, match="is not a holder of this secret"):
        open_shares([share], HOLDERS, schools, alone)


def with_holders(**change: object) -> SecretHolders:
    return HOLDERS.model_copy(update=change)


OTHER_PERSON = new_identity("child-welfare", ("analyst",), NOW).public
OTHER_HOLDERS = {
    "of another project": with_holders(project="sea-county"),
    "of epoch 4, and yours is 3": with_holders(epoch=4),
    "for different holders from yours: health, schools": with_holders(holders=HOLDERS.holders[1:]),
    "for a person or keys of child-welfare that you do not trust": holders_of(
        "river-county", 3, [OTHER_PERSON, PUBLIC["health"], PUBLIC["schools"]]
    ),
}


def test_a_share_or_confirmation_for_other_holders_is_refused_even_when_signed_anew() -> None:
    for reason, holders in OTHER_HOLDERS.items():
        signed = seal("health", "schools", holders)
        with pytest.raises(ShareError, match=reason):
            open_share(signed, HOLDERS, PEOPLE["schools"], PUBLIC["health"])
        with pytest.raises(ShareError, match="does not open"):
            open_share(resigned(signed.share.sealed), HOLDERS, PEOPLE["schools"], PUBLIC["health"])
        made = confirm(MARKS, holders, PEOPLE["health"], SELF_TEST, NOW)
        with pytest.raises(ShareError, match="a different epoch, project or list of holders"):
            check_confirmation(made, HOLDERS, PUBLIC["health"])


def resigned(sealed: str) -> SignedShare:
    """What health seals to the schools otherwise, signed anew."""
    share = TO_SCHOOLS["health"].share.model_copy(update={"sealed": sealed})
    return SignedShare.of(share, PEOPLE["health"].keys.signing_key)


def test_one_changed_bit_of_what_is_sealed_and_an_encapsulation_of_no_use_are_refused() -> None:
    raw = base64_bytes(TO_SCHOOLS["health"].share.sealed, 1168)
    for place in (0, 500, 1087, 1088, 1119, 1120, 1151, 1152, 1167):
        changed = bytearray(raw)
        changed[place] ^= 1
        signed = resigned(base64_text(bytes(changed)))
        unsigned = TO_SCHOOLS["health"].model_copy(update={"share": signed.share})
        for forged, reason in ((unsigned, "signature"), (signed, "does not open")):
            with pytest.raises(ShareError, match=reason):
                open_share(forged, HOLDERS, PEOPLE["schools"], PUBLIC["health"])
    for point in (bytes(32), b"\x01" + bytes(31), b"\xff" * 32):
        forged = resigned(base64_text(raw[:1088] + point + raw[1120:]))
        with pytest.raises(ShareError, match="does not open"):
            open_share(forged, HOLDERS, PEOPLE["schools"], PUBLIC["health"])


def test_the_confirmations_are_those_of_the_vectors_and_of_the_same_secret() -> None:
    for vector in VECTORS["confirmations"]:
        signed = SignedConfirmation.from_canonical(vector["document"].encode())
        assert has_secret(MARKS, check_confirmation(signed, HOLDERS, PUBLIC[vector["party"]]))
        assert confirm(MARKS, HOLDERS, PEOPLE[vector["party"]], SELF_TEST, NOW) == signed


def test_a_confirmation_of_another_secret_self_test_or_person_is_told() -> None:
    made = confirm(
        Marks.of(Secret(bytes(range(32))), HOLDERS.project, HOLDERS.epoch),
        HOLDERS,
        PEOPLE["health"],
        SELF_TEST,
        NOW,
    )
    assert not has_secret(MARKS, check_confirmation(made, HOLDERS, PUBLIC["health"]))
    made = confirm(MARKS, HOLDERS, PEOPLE["health"], SELF_TEST, NOW)
    other = SELF_TEST.model_copy(update={"software": "blindlink-9"})
    changed = made.confirmation.model_copy(update={"self_test": other})
    assert not has_secret(MARKS, changed)
    with pytest.raises(ShareError, match="person that you trust"):
        check_confirmation(made, HOLDERS, PUBLIC["schools"])


def test_a_contribution_has_32_bytes_of_its_own_and_shows_itself_nowhere() -> None:
    made = Contribution(bytes(range(65, 97)))
    assert "ABC" not in repr(made)
    assert "<" not in repr(made)
    with pytest.raises(TypeError):
        pickle.dumps(made)
    for n_bytes in (31, 0):
        with pytest.raises(ShareError):
            Contribution(bytes(n_bytes))
    assert len({Contribution.draw().to_bytes() for _ in range(8)}) == 8
