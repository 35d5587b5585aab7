"""A sealed object from its first piece to its end, on both databases."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from rigs.linkage import either_database
from sqlalchemy import func, insert, select
from starlette.requests import ClientDisconnect

from app.decisions.preparation import RECORD_PREFIX
from app.errors import KeyGoneError, RefusedError, Rule, SealBrokenError, StoreUnavailableError
from app.ids import new_id
from app.rounds.messages import MESSAGE_PREFIX
from app.sealed import repository
from app.sealed.arrival import Arrival
from app.sealed.ending import is_needed_blob, is_needed_key, shred, shred_object
from app.sealed.models import RetiredObject, SealedObject
from app.sealed.objects import (
    PIECE_BYTES,
    NewObject,
    Pieces,
    count_pieces,
    end_objects,
    end_retired,
    open_pieces,
    put_piece,
)
from schemas.documents.ids import RELEASE_PREFIX, RUN_PREFIX, UPLOAD_PREFIX

if TYPE_CHECKING:
    from app.broker import Broker

__all__ = ["either_database"]

KIND = "release-piece"
CONTENTS = (b"first", b"second", b"third")


@pytest.fixture
def broker(founded: Any) -> Broker:
    return founded.broker


def kept(broker: Broker, prefix: str = RELEASE_PREFIX) -> str:
    new = NewObject(broker, new_id(prefix))
    new.write(KIND, CONTENTS)
    with broker.database.write() as session:
        new.keep(session)
    return new.id


def opened(broker: Broker, object_id: str, kind: str = KIND) -> Pieces:
    with broker.database.read() as session:
        return open_pieces(session, broker, object_id, kind)


def end(broker: Broker, *object_ids: str) -> None:
    with broker.database.write() as session:
        end_objects(session, *object_ids)


def left(broker: Broker) -> tuple[list[str], int]:
    return list(broker.keystore.object_ids()), len(list(broker.blobs.digests()))


def refuse_after_drawing(broker: Broker, *, is_kept: bool) -> None:
    with NewObject(broker, new_id(UPLOAD_PREFIX)) as new, broker.database.write() as session:
        new.write(KIND, CONTENTS)
        if is_kept:
            new.keep(session)
        raise RefusedError(Rule("refused", 409, "Refused"), "It is refused.")


def test_an_object_that_no_row_came_to_name_is_destroyed(broker: Broker) -> None:
    for is_kept in (False, True):
        with pytest.raises(RefusedError):
            refuse_after_drawing(broker, is_kept=is_kept)
    with NewObject(broker, new_id(UPLOAD_PREFIX)) as needless:
        assert broker.keystore.holds(needless.id)
    assert left(broker) == ([], 0)
    with NewObject(broker, new_id(UPLOAD_PREFIX)) as named, broker.database.write() as session:
        named.keep(session)
    assert broker.keystore.holds(named.id)


def test_pieces_are_read_as_they_were_written(broker: Broker) -> None:
    new = NewObject(broker, new_id(RELEASE_PREFIX))
    content = new.write(KIND, CONTENTS)
    assert content.sha256 == hashlib.sha256(b"".join(CONTENTS)).hexdigest()
    assert content.size_bytes == sum(map(len, CONTENTS))
    with broker.database.write() as session:
        new.keep(session)
    found = opened(broker, new.id)
    assert (len(found), tuple(found), found.piece(1)) == (3, CONTENTS, b"second")
    assert len(opened(broker, new.id, "another")) == 0
    assert b"second" not in b"".join(map(broker.blobs.get, broker.blobs.digests()))
    # Each is bound to its object, kind and number.
    for wrong in (
        replace(found, places={0: found.places[1]}),
        replace(found, kind="another"),
        replace(found, places=opened(broker, kept(broker)).places),
    ):
        with pytest.raises(SealBrokenError):
            wrong.piece(0)
    # What no row is to name is dropped whole.
    before = left(broker)
    dropped = NewObject(broker, new_id(RELEASE_PREFIX))
    dropped.write(KIND, CONTENTS)
    dropped.drop()
    assert left(broker) == before


def test_of_an_object_that_has_ended_nothing_is_left_and_of_others_all(broker: Broker) -> None:
    ended, other = kept(broker), kept(broker)
    blob = opened(broker, ended).places[0]
    # An end that is rolled back ends nothing.
    with broker.database.read() as session:
        end_objects(session, ended)
    shred(broker)
    assert tuple(opened(broker, ended)) == CONTENTS
    end(broker, ended)
    with broker.database.read() as session:
        assert is_needed_key(session, ended)
        assert is_needed_blob(session, blob)
    shred(broker)
    with broker.database.read() as session:
        assert not is_needed_key(session, ended)
        assert not is_needed_blob(session, blob)
        assert (count_pieces(session, ended), count_pieces(session, other)) == (0, 3)
    with pytest.raises(KeyGoneError):
        opened(broker, ended)
    with pytest.raises(KeyGoneError):
        put_piece(broker, ended, KIND, 3, b"late")
    assert tuple(opened(broker, other)) == CONTENTS
    assert left(broker) == ([other], 3)


def test_the_key_goes_before_the_pieces_and_both_before_the_rows(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = kept(broker)
    end(broker, name)

    def killed(_digest: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(broker.blobs, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            shred(broker)
    assert left(broker) == ([], 3)
    shred(broker)
    assert left(broker) == ([], 0)
    shred_object(broker, name)


def test_all_keys_go_while_the_object_store_lets_no_piece_go(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    end(broker, kept(broker))
    end(broker, kept(broker, UPLOAD_PREFIX))

    def refused(_digest: str) -> None:
        raise StoreUnavailableError("The object store refuses the broker's key.")

    with monkeypatch.context() as patch:
        patch.setattr(broker.blobs, "delete", refused)
        with pytest.raises(StoreUnavailableError):
            shred(broker)
    assert left(broker) == ([], 6)
    shred(broker)
    assert left(broker) == ([], 0)


def test_what_was_made_of_an_upload_goes_before_it() -> None:
    prefixes = [RECORD_PREFIX, MESSAGE_PREFIX, RELEASE_PREFIX, RUN_PREFIX, UPLOAD_PREFIX]
    assert prefixes == sorted(prefixes)


def test_of_a_body_that_breaks_off_nothing_is_left(broker: Broker) -> None:
    errors: list[BaseException] = [ClientDisconnect(), asyncio.CancelledError(), OSError()]
    for error in errors:

        async def chunks(error: BaseException = error) -> AsyncIterator[bytes]:
            yield bytes(PIECE_BYTES)
            assert left(broker)[1] == 1
            raise error

        with pytest.raises(type(error)):
            asyncio.run(Arrival(broker, new_id(MESSAGE_PREFIX), KIND).take(chunks()))
        assert left(broker) == ([], 0), error


def test_any_number_of_retired_objects_ends_at_once_and_only_the_projects_own(
    broker: Broker,
) -> None:
    # More than a statement of PostgreSQL can name.
    ids = [f"upl-{number:032x}" for number in range(70_001)]
    projects = ["foster-school"] * 70_000 + ["another"]
    with broker.database.write() as session:
        session.execute(insert(SealedObject), [{"id": one, "is_ended": False} for one in ids])
        retired = [
            {"object": one, "project": name} for one, name in zip(ids, projects, strict=True)
        ]
        session.execute(insert(RetiredObject), retired)
        assert end_retired(session, "foster-school") == 70_000
        assert session.scalars(select(RetiredObject.object)).all() == ids[-1:]
        is_over = select(func.count()).where(SealedObject.is_ended)
        assert session.scalar(is_over) == 70_000
        assert repository.ended(session, 1) == ids[:1]
        session.rollback()
