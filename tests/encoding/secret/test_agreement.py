"""Agreeing on a secret: it is that of the vectors, and whatever was tampered with is refused with a reason."""

from __future__ import annotations

import pickle
from collections.abc import Callable
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
from encoding.secret.secret import Secret
from schemas.identity import PublicIdentity, SignedIdentity, base64_bytes, base64_text
from schemas.secret_share import (
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


@pytest.mark.parametrize("vector", VECTORS["shares"], ids=lambda v: f"{v['from']} to {v['to']}")
def test_the_shares_of_the_vectors_open_by_the_documents_alone(vector: dict[str, str]) -> None:
    private = bytes.fromhex(VECTORS["private_hex"][vector["to"]])
    sealed = base64_bytes(VECTORS["sealed"][f"{vector['from']} to {vector['to']}"], 1168)
    opened = open_sealed(sealed, private[32:96], private[96:], vector["info"].encode())
    assert opened.hex() == VECTORS["contributions_hex"][vector["from"]]


@pytest.mark.parametrize("vector", VECTORS["shares"], ids=lambda v: f"{v['from']} to {v['to']}")
def test_the_shares_of_the_vectors_open(vector: dict[str, str]) -> None:
    signed = SHARES[vector["from"], vector["to"]]
    opened = open_share(signed, HOLDERS, PEOPLE[vector["to"]], PUBLIC[vector["from"]])
    assert opened.to_bytes().hex() == VECTORS["contributions_hex"][vector["from"]]


def test_the_secret_is_that_of_the_vectors() -> None:
    assert make_secret(HOLDERS, CONTRIBUTIONS) == SECRET
    assert SECRET.key_id == VECTORS["key_id"]


def test_the_holders_are_those_of_the_vectors_in_whatever_order_they_come() -> None:
    for order in permutations(PUBLIC.values()):
        assert holders_of("river-county", 3, order) == HOLDERS


def test_every_holder_makes_the_same_secret() -> None:
    made = [
        agree(party, [seal(sender, party) for sender in PARTIES if sender != party])
        for party in PARTIES
    ]
    assert made == [SECRET] * len(PARTIES)


def test_the_order_in_which_shares_come_does_not_matter() -> None:
    assert agree("schools", list(TO_SCHOOLS.values())[::-1]) == SECRET


@pytest.mark.parametrize("missing", PARTIES)
def test_without_every_contribution_there_is_no_secret(missing: str) -> None:
    given = {party: made for party, made in CONTRIBUTIONS.items() if party != missing}
    with pytest.raises(ShareMissingError, match=f"the share of {missing} is missing"):
        make_secret(HOLDERS, given)


def test_a_contribution_of_nobodys_is_refused() -> None:
    with pytest.raises(ShareError, match="is not a holder of this secret"):
        make_secret(HOLDERS, {**CONTRIBUTIONS, "stranger": Contribution.draw()})


@pytest.mark.parametrize("party", PARTIES)
def test_every_contribution_counts(party: str) -> None:
    assert make_secret(HOLDERS, {**CONTRIBUTIONS, party: Contribution.draw()}) != SECRET


@pytest.mark.parametrize("change", [{"epoch": 4}, {"project": "sea-county"}])
def test_the_same_contributions_give_another_secret_elsewhere(change: dict[str, object]) -> None:
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


def test_a_share_that_a_stranger_made_is_refused() -> None:
    stranger = new_identity("health", ("analyst",), NOW)
    with pytest.raises(ShareError, match="person that you trust"):
        open_share(TO_SCHOOLS["health"], HOLDERS, PEOPLE["schools"], stranger.public)


def test_a_share_made_for_another_party_is_refused() -> None:
    with pytest.raises(ShareError, match="made for a different party"):
        open_share(TO_SCHOOLS["health"], HOLDERS, PEOPLE["child-welfare"], PUBLIC["health"])


def test_two_shares_of_one_sender_are_refused() -> None:
    with pytest.raises(ShareError, match="two shares of health"):
        open_shares(
            [TO_SCHOOLS["health"], seal("health", "schools")],
            HOLDERS,
            PEOPLE["schools"],
            others("schools"),
        )


def test_a_share_of_nobodys_is_refused() -> None:
    with pytest.raises(ShareError, match="is not a holder of this secret"):
        open_shares(
            [TO_SCHOOLS["health"]],
            HOLDERS,
            PEOPLE["schools"],
            {"child-welfare": PUBLIC["child-welfare"]},
        )


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


@pytest.mark.parametrize("reason", OTHER_HOLDERS)
def test_a_share_for_other_holders_is_refused_with_what_differs(reason: str) -> None:
    signed = seal("health", "schools", OTHER_HOLDERS[reason])
    with pytest.raises(ShareError, match=reason):
        open_share(signed, HOLDERS, PEOPLE["schools"], PUBLIC["health"])


@pytest.mark.parametrize("reason", OTHER_HOLDERS)
def test_what_is_sealed_for_other_holders_does_not_open_even_when_signed_anew(reason: str) -> None:
    sealed = seal("health", "schools", OTHER_HOLDERS[reason]).share.sealed
    share = TO_SCHOOLS["health"].share.model_copy(update={"sealed": sealed})
    forged = SignedShare.of(share, PEOPLE["health"].keys.signing_key)
    with pytest.raises(ShareError, match="does not open"):
        open_share(forged, HOLDERS, PEOPLE["schools"], PUBLIC["health"])


@pytest.mark.parametrize("place", [0, 500, 1087, 1088, 1119, 1120, 1151, 1152, 1167])
def test_one_changed_bit_of_what_is_sealed_is_refused(place: int) -> None:
    raw = bytearray(base64_bytes(TO_SCHOOLS["health"].share.sealed, 1168))
    raw[place] ^= 1
    share = TO_SCHOOLS["health"].share.model_copy(update={"sealed": base64_text(bytes(raw))})
    unsigned = TO_SCHOOLS["health"].model_copy(update={"share": share})
    signed = SignedShare.of(share, PEOPLE["health"].keys.signing_key)
    for forged, reason in ((unsigned, "signature"), (signed, "does not open")):
        with pytest.raises(ShareError, match=reason):
            open_share(forged, HOLDERS, PEOPLE["schools"], PUBLIC["health"])


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_an_encapsulation_of_no_use_is_refused(point: bytes) -> None:
    raw = base64_bytes(TO_SCHOOLS["health"].share.sealed, 1168)
    sealed = base64_text(raw[:1088] + point + raw[1120:])
    share = TO_SCHOOLS["health"].share.model_copy(update={"sealed": sealed})
    forged = SignedShare.of(share, PEOPLE["health"].keys.signing_key)
    with pytest.raises(ShareError, match="does not open"):
        open_share(forged, HOLDERS, PEOPLE["schools"], PUBLIC["health"])


@pytest.mark.parametrize("vector", VECTORS["confirmations"], ids=lambda v: v["party"])
def test_the_confirmations_of_the_vectors_are_of_the_same_secret(vector: dict[str, str]) -> None:
    signed = SignedConfirmation.from_canonical(vector["document"].encode())
    assert has_secret(SECRET, check_confirmation(signed, HOLDERS, PUBLIC[vector["party"]]))


def test_a_confirmation_is_the_one_of_the_vectors() -> None:
    for vector in VECTORS["confirmations"]:
        made = confirm(SECRET, HOLDERS, PEOPLE[vector["party"]], SELF_TEST, NOW)
        assert made.to_canonical() == vector["document"].encode()


def test_a_confirmation_of_another_secret_is_told() -> None:
    made = confirm(Secret(bytes(range(32))), HOLDERS, PEOPLE["health"], SELF_TEST, NOW)
    assert not has_secret(SECRET, check_confirmation(made, HOLDERS, PUBLIC["health"]))


def test_a_confirmation_whose_self_test_was_changed_is_not_of_the_secret() -> None:
    made = confirm(SECRET, HOLDERS, PEOPLE["health"], SELF_TEST, NOW).confirmation
    other = SELF_TEST.model_copy(update={"software": "blindlink-9"})
    assert not has_secret(SECRET, made.model_copy(update={"self_test": other}))


@pytest.mark.parametrize("reason", OTHER_HOLDERS)
def test_a_confirmation_about_another_secret_is_refused(reason: str) -> None:
    made = confirm(SECRET, OTHER_HOLDERS[reason], PEOPLE["health"], SELF_TEST, NOW)
    with pytest.raises(ShareError, match="a different epoch, project or list of holders"):
        check_confirmation(made, HOLDERS, PUBLIC["health"])


def test_a_confirmation_in_anothers_name_is_refused() -> None:
    made = confirm(SECRET, HOLDERS, PEOPLE["health"], SELF_TEST, NOW)
    with pytest.raises(ShareError, match="person that you trust"):
        check_confirmation(made, HOLDERS, PUBLIC["schools"])


def test_a_contribution_shows_itself_nowhere() -> None:
    made = Contribution(bytes(range(65, 97)))
    assert "ABC" not in repr(made)
    assert "<" not in repr(made)
    with pytest.raises(TypeError):
        pickle.dumps(made)


@pytest.mark.parametrize("make", [lambda: Contribution(bytes(31)), lambda: Contribution(b"")])
def test_a_contribution_has_32_bytes(make: Callable[[], Contribution]) -> None:
    with pytest.raises(ShareError):
        make()


def test_no_two_contributions_are_alike() -> None:
    assert len({Contribution.draw().to_bytes() for _ in range(8)}) == 8
