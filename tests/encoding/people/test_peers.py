"""Whose keys are trusted: those whose fingerprint was compared, their successors, and nobody else's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from samples.refusals import raises

from encoding.errors import HoldersError, UntrustedKeyError, WorkspaceError
from encoding.people.identity import Identity, new_identity, replace_keys
from encoding.people.peers import Peers, read_fingerprint, read_peers, write_peers
from schemas.signing.identity import IdentityHistory, SignedIdentity, SignedKeyChange

NOW = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)


def history_of(identity: Identity, *changes: SignedKeyChange) -> IdentityHistory:
    return IdentityHistory(enrolled=identity.signed, changes=changes)


def person(party: str, *duties: str) -> Identity:
    return new_identity(party, duties or ("analyst",), NOW)  # type: ignore[arg-type]


BOB = person("schools")
MALLORY = person("schools")
SHOWN = [history_of(BOB)]


def trusting(identity: Identity = BOB) -> Peers:
    return Peers().trust(identity.public.party, identity.public.fingerprint(), NOW)


def test_a_person_whose_fingerprint_was_compared_is_trusted_whoever_else_is_shown() -> None:
    met = trusting().meet(SHOWN)
    # Also where nobody shows their keys any more.
    for shown in (SHOWN, []):
        assert met.person_of("schools", shown) == BOB.public
    shown = [history_of(MALLORY), *SHOWN]
    assert trusting().meet(shown).person_of("schools", shown) == BOB.public


def test_keys_that_were_never_compared_are_refused_with_their_fingerprint() -> None:
    with raises(UntrustedKeyError, match=BOB.public.fingerprint()) as caught:
        Peers().meet(SHOWN).person_of("schools", SHOWN)
    assert "blindlink people trust schools FINGERPRINT" in (caught.value.hint or "")


def test_other_keys_than_the_trusted_ones_are_refused_with_both_fingerprints() -> None:
    shown = [history_of(MALLORY)]
    with raises(UntrustedKeyError) as caught:
        trusting().meet(SHOWN).meet(shown).person_of("schools", shown)
    assert f"trusted {BOB.public.fingerprint()}" in str(caught.value)
    assert f"shown {MALLORY.public.fingerprint()}" in str(caught.value)
    for peers in (Peers(), trusting()):
        with raises(UntrustedKeyError) as caught:
            peers.person_of("schools", shown)
        # The hint never holds a fingerprint that could be pasted unread.
        assert MALLORY.public.fingerprint() not in (caught.value.hint or "")
        with raises(UntrustedKeyError, match="not known here yet"):
            peers.person_of("schools", [])


def test_a_fingerprint_trusted_for_one_party_counts_for_no_other() -> None:
    peers = Peers().trust("health", BOB.public.fingerprint(), NOW).meet(SHOWN)
    with raises(UntrustedKeyError):
        peers.person_of("schools", SHOWN)
    with raises(UntrustedKeyError):
        peers.person_of("health", SHOWN)


def test_replaced_keys_are_followed_and_the_old_ones_trusted_no_more() -> None:
    successor, change = replace_keys(BOB, NOW)
    newer = [history_of(BOB, change)]
    peers = trusting().meet(SHOWN).meet(newer)
    assert peers.person_of("schools", newer) == successor.public
    assert [peer.fingerprint for peer in peers.of("schools")] == [successor.public.fingerprint()]
    with raises(UntrustedKeyError, match="not those that you trust"):
        peers.meet(SHOWN).person_of("schools", SHOWN)


def test_another_successor_of_keys_that_were_replaced_is_refused() -> None:
    _, change = replace_keys(BOB, NOW)
    _, other = replace_keys(BOB, NOW)
    peers = trusting().meet([history_of(BOB, change)])
    shown = [history_of(BOB, other)]
    with raises(UntrustedKeyError, match="not those that you trust"):
        peers.meet(shown).person_of("schools", shown)


def test_two_successors_at_once_and_forged_histories_of_trusted_keys_are_refused() -> None:
    histories = [history_of(BOB, replace_keys(BOB, NOW)[1]) for _ in range(2)]
    with raises(UntrustedKeyError, match="two persons"):
        trusting().meet(histories)
    _, change = replace_keys(MALLORY, NOW)
    public = BOB.public.model_copy(update={"duties": ("analyst", "steward")})
    unsigned = SignedIdentity.of(public, MALLORY.keys.signing_key)
    for forged in (history_of(BOB, change), IdentityHistory(enrolled=unsigned)):
        with raises(UntrustedKeyError, match="forged"):
            trusting().meet([forged])


def test_comparing_anew_replaces_what_was_trusted_of_the_party_unless_both_are_kept() -> None:
    peers = trusting().trust("schools", MALLORY.public.fingerprint(), NOW)
    assert [peer.fingerprint for peer in peers.of("schools")] == [MALLORY.public.fingerprint()]
    peers = trusting().trust("schools", MALLORY.public.fingerprint(), NOW, keep_others=True)
    assert len(peers.of("schools")) == 2
    assert peers.trust("health", BOB.public.fingerprint(), NOW).of("schools") == peers.of("schools")


def test_of_several_trusted_persons_the_analyst_holds_the_secret() -> None:
    steward = person("schools", "steward")
    shown = [history_of(steward), *SHOWN]
    peers = trusting().trust("schools", steward.public.fingerprint(), NOW, keep_others=True)
    met = peers.meet(shown)
    assert met.person_of("schools", shown) == BOB.public
    assert met.person_of("schools", shown, person=steward.public.person) == steward.public


def test_which_of_two_analysts_who_are_shown_is_meant_must_be_said() -> None:
    shown = [history_of(MALLORY), *SHOWN]
    peers = trusting().trust("schools", MALLORY.public.fingerprint(), NOW, keep_others=True)
    met = peers.meet(shown)
    for named in (None, "per-" + "0" * 32):
        with raises(HoldersError, match="not clear"):
            met.person_of("schools", shown, person=named)
    assert met.person_of("schools", shown, person=BOB.public.person) == BOB.public
    assert met.person_of("schools", SHOWN) == BOB.public


def test_the_list_is_kept_and_read_back_unless_it_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "peers.json"
    assert read_peers(path) == Peers()
    peers = trusting().meet(SHOWN)
    write_peers(path, peers)
    assert read_peers(path) == peers
    for content in (b"", b"{}", b'{"peers":[],"version":"blindlink/peers/2"}'):
        path.write_bytes(content)
        with pytest.raises(WorkspaceError, match="damaged"):
            read_peers(path)


def test_a_fingerprint_is_read_however_it_is_spaced_and_nothing_else() -> None:
    written = BOB.public.fingerprint()
    for typed in (written, written.replace(" ", ""), f" {written.replace(' ', '  ')}\n"):
        assert read_fingerprint(typed) == written
    for typed in ("", "1" * 59, "1" * 61, "1" * 59 + "x", "١" * 60):
        with raises(UntrustedKeyError, match="12 groups of 5 digits"):
            read_fingerprint(typed)
