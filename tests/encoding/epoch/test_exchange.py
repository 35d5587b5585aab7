"""One agency's steps to a secret: repeatable, on disk before they end, and refusing what a carrier may try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.epoch.exchange import Exchange, differences, refuse_differences, unconfirmed
from encoding.errors import (
    NotReadyError,
    SecretsDifferError,
    ShareError,
    ShareMissingError,
    ShareStartedError,
)
from encoding.people.identity import Identity, new_identity
from encoding.profiles.catalog import shipped_profile
from encoding.secret.agreement import holders_of
from encoding.secret.share_file import Carried
from encoding.workspace.workspace import open_workspace
from schemas.signing.secret_share import SignedConfirmation, SignedShare

NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
PROFILE = shipped_profile("generic-person")
PARTIES = ("health", "schools", "welfare")
PEOPLE = {party: new_identity(party, ("analyst",), NOW) for party in PARTIES}


class Side:
    """One agency with a workspace of its own."""

    def __init__(self, folder: Path, party: str, epoch: int = 1, parties=PARTIES) -> None:
        self.party = party
        self.parties = parties
        self.workspace = open_workspace(folder / party)
        self.exchange = self.at(epoch)

    def at(self, epoch: int, people: dict[str, Identity] = PEOPLE) -> Exchange:
        public = {party: people[party].public for party in self.parties}
        others = {party: one for party, one in public.items() if party != self.party}
        holders = holders_of("foster-pupils", epoch, public.values())
        return Exchange(self.workspace, holders, people[self.party], others)

    def shares(self) -> dict[str, SignedShare]:
        return {signed.share.recipient: signed for signed in self.exchange.share(NOW).sent}

    def take(self, *documents: SignedShare | SignedConfirmation) -> None:
        shares = tuple(one for one in documents if isinstance(one, SignedShare))
        confirmations = tuple(one for one in documents if isinstance(one, SignedConfirmation))
        self.exchange.receive(Carried(shares, confirmations))

    def finish(self) -> SignedConfirmation:
        self.exchange.make()
        return self.exchange.confirm(PROFILE, NOW)

    def key_id(self) -> str:
        kept = self.exchange.kept()
        assert kept is not None
        marks = kept.marks()
        assert marks is not None
        return marks.key_id

    def differences(self) -> list[str]:
        kept = self.exchange.kept()
        assert kept is not None
        return [difference.what for difference in differences(kept, self.party)]


@pytest.fixture
def sides(tmp_path: Path) -> dict[str, Side]:
    return {party: Side(tmp_path, party) for party in PARTIES}


def shared(sides: dict[str, Side]) -> None:
    """Everybody has shared and has what the others sent."""
    sent = [share for side in sides.values() for share in side.shares().values()]
    for side in sides.values():
        side.take(*(one for one in sent if one.share.recipient == side.party))


def test_all_sides_come_to_one_secret_and_confirm_it(sides: dict[str, Side]) -> None:
    shared(sides)
    confirmations = [side.finish() for side in sides.values()]
    for side in sides.values():
        side.take(*confirmations)
    assert len({side.key_id() for side in sides.values()}) == 1
    for side in sides.values():
        kept = side.exchange.kept()
        assert kept is not None
        assert unconfirmed(kept) == ()
        assert side.differences() == []


def test_sharing_twice_sends_the_same_again(sides: dict[str, Side]) -> None:
    first = sides["schools"].shares()
    assert sides["schools"].shares() == first
    assert set(first) == {"health", "welfare"}


def test_sharing_again_begins_anew(sides: dict[str, Side]) -> None:
    shared(sides)
    first = sides["schools"].shares()
    kept = sides["schools"].exchange.share(NOW, again=True)
    assert kept.received == ()
    assert {one.share.sealed for one in kept.sent}.isdisjoint(
        one.share.sealed for one in first.values()
    )


def test_what_all_have_confirmed_is_not_begun_anew(sides: dict[str, Side]) -> None:
    shared(sides)
    confirmations = [side.finish() for side in sides.values()]
    sides["schools"].take(*confirmations)
    with raises(ShareStartedError, match="all holders have confirmed"):
        sides["schools"].exchange.share(NOW, again=True)


def test_what_not_all_have_confirmed_may_be_begun_anew(sides: dict[str, Side]) -> None:
    shared(sides)
    sides["schools"].take(sides["health"].finish())
    sides["schools"].finish()
    assert not sides["schools"].exchange.share(NOW, again=True).is_made


def test_a_share_comes_before_anything_else(sides: dict[str, Side]) -> None:
    share = sides["health"].shares()["schools"]
    for step in (lambda: sides["schools"].take(share), sides["schools"].exchange.make):
        with pytest.raises(NotReadyError, match="has not sent its part"):
            step()


def test_without_a_holders_share_there_is_no_secret_and_the_rest_is_kept(
    sides: dict[str, Side],
) -> None:
    sides["schools"].shares()
    sides["schools"].take(sides["health"].shares()["schools"])
    with pytest.raises(ShareMissingError, match="welfare"):
        sides["schools"].exchange.make()
    sides["schools"].take(sides["welfare"].shares()["schools"])
    assert sides["schools"].exchange.make().is_made


def test_nothing_is_confirmed_before_it_is_made(sides: dict[str, Side]) -> None:
    sides["schools"].shares()
    with pytest.raises(NotReadyError, match="not made yet"):
        sides["schools"].exchange.confirm(PROFILE, NOW)


def test_shares_that_come_twice_or_late_change_nothing(sides: dict[str, Side]) -> None:
    shared(sides)
    share = sides["health"].shares()["schools"]
    sides["schools"].take(share, share)
    sides["schools"].finish()
    key_id = sides["schools"].key_id()
    sides["schools"].take(share)
    assert sides["schools"].finish() == sides["schools"].finish()
    assert sides["schools"].key_id() == key_id


def test_a_share_that_was_sent_to_somebody_else_is_refused(sides: dict[str, Side]) -> None:
    shared(sides)
    with pytest.raises(ShareError, match="made for a different party"):
        sides["schools"].take(sides["health"].shares()["welfare"])


def test_the_own_share_sent_back_is_refused(sides: dict[str, Side]) -> None:
    with pytest.raises(ShareError, match="not one of the other holders"):
        sides["schools"].take(sides["schools"].shares()["health"])


def test_a_second_share_of_one_sender_is_refused(sides: dict[str, Side]) -> None:
    sides["schools"].shares()
    sides["schools"].take(sides["health"].shares()["schools"])
    other = sides["health"].exchange.share(NOW, again=True).sent
    with pytest.raises(ShareError, match="two different shares of health"):
        sides["schools"].take(*(one for one in other if one.share.recipient == "schools"))


def test_of_what_comes_together_with_a_bad_share_nothing_is_kept(sides: dict[str, Side]) -> None:
    sides["schools"].shares()
    with pytest.raises(ShareError):
        sides["schools"].take(
            sides["health"].shares()["schools"], sides["welfare"].shares()["health"]
        )
    kept = sides["schools"].exchange.kept()
    assert kept is not None
    assert kept.received == ()


def test_a_share_of_another_epoch_is_refused(sides: dict[str, Side], tmp_path: Path) -> None:
    sides["schools"].shares()
    later = Side(tmp_path / "later", "health", epoch=2)
    with pytest.raises(ShareError, match="of epoch 2, and yours is 1"):
        sides["schools"].take(later.shares()["schools"])


def test_a_confirmation_of_another_epoch_is_refused(sides: dict[str, Side], tmp_path: Path) -> None:
    shared(sides)
    later = {party: Side(tmp_path / "later", party, epoch=2) for party in PARTIES}
    shared(later)
    with pytest.raises(ShareError, match="a different epoch"):
        sides["schools"].take(later["health"].finish())


def test_epochs_have_secrets_of_their_own_side_by_side(
    sides: dict[str, Side], tmp_path: Path
) -> None:
    shared(sides)
    sides["schools"].finish()
    first = sides["schools"].key_id()
    for side in sides.values():
        side.exchange = side.at(2)
    shared(sides)
    sides["schools"].finish()
    assert sides["schools"].key_id() != first
    assert sides["schools"].workspace.epochs_with_secret("foster-pupils") == (1, 2)
    sides["schools"].exchange = sides["schools"].at(1)
    assert sides["schools"].key_id() == first


def test_a_forged_confirmation_is_refused(sides: dict[str, Side]) -> None:
    shared(sides)
    forged = sides["health"].finish()
    other = forged.confirmation.model_copy(update={"key_id": "0" * 16})
    with pytest.raises(ShareError, match="person that you trust"):
        sides["schools"].take(forged.model_copy(update={"confirmation": other}))


def test_a_stranger_confirms_nothing(sides: dict[str, Side]) -> None:
    shared(sides)
    confirmation = sides["health"].finish()
    stranger = confirmation.confirmation.model_copy(update={"party": "stranger"})
    with pytest.raises(ShareError, match="not one of the other holders"):
        sides["schools"].take(confirmation.model_copy(update={"confirmation": stranger}))


def test_a_sender_that_gives_each_holder_another_contribution_is_noticed(
    sides: dict[str, Side],
) -> None:
    shared({party: sides[party] for party in PARTIES})
    two_faced = sides["health"].exchange.share(NOW, again=True)
    sides["welfare"].exchange.share(NOW, again=True)
    for sender in (two_faced, sides["schools"].exchange.share(NOW)):
        sides["welfare"].take(*(one for one in sender.sent if one.share.recipient == "welfare"))
    sides["schools"].finish()
    sides["schools"].take(sides["welfare"].finish())
    assert sides["schools"].differences() == ["secret"]


def test_keys_that_change_while_a_secret_is_agreed_are_told(sides: dict[str, Side]) -> None:
    sides["schools"].shares()
    changed = {**PEOPLE, "health": new_identity("health", ("analyst",), NOW)}
    moved = sides["schools"].at(1, changed)
    with raises(ShareStartedError, match="different keys of health") as caught:
        moved.share(NOW)
    assert "--again" in (caught.value.hint or "")
    assert moved.share(NOW, again=True).holders == moved.holders


def test_a_confirmation_is_made_anew_for_another_profile(sides: dict[str, Side]) -> None:
    shared(sides)
    first = sides["schools"].finish()
    later = NOW + timedelta(days=1)
    assert sides["schools"].exchange.confirm(PROFILE, later) == first
    second = sides["schools"].exchange.confirm(shipped_profile("children"), later)
    assert second != first
    kept = sides["schools"].exchange.kept()
    assert kept is not None
    assert kept.confirmation_of("schools") == second


def test_another_profile_is_told_by_its_part(sides: dict[str, Side]) -> None:
    shared(sides)
    sides["health"].exchange.make()
    other = sides["health"].exchange.confirm(shipped_profile("children", size="nation"), NOW)
    sides["schools"].finish()
    sides["schools"].take(other)
    assert sides["schools"].differences() == ["recipe", "fields and passes"]


def test_a_difference_is_refused_in_words(sides: dict[str, Side]) -> None:
    shared(sides)
    sides["health"].exchange.make()
    sides["schools"].finish()
    sides["schools"].take(sides["health"].exchange.confirm(shipped_profile("children"), NOW))
    kept = sides["schools"].exchange.kept()
    assert kept is not None
    with raises(SecretsDifferError, match="health encodes with a different recipe from yours"):
        refuse_differences(differences(kept, "schools"))
    refuse_differences(())


def test_before_the_own_confirmation_nothing_is_compared(sides: dict[str, Side]) -> None:
    shared(sides)
    sides["schools"].take(sides["health"].finish())
    assert sides["schools"].differences() == []
    kept = sides["schools"].exchange.kept()
    assert kept is not None
    assert unconfirmed(kept) == ("schools", "welfare")
