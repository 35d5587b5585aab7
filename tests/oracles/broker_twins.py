"""Copies of an embedded broker as it stands, and what a broker has released, read past the HTTP API."""

from __future__ import annotations

import shutil
from pathlib import Path

from sqlalchemy import select, text

from app.broker import Broker, open_broker
from app.clock import Clock
from app.links import repository
from app.links.models import Release
from app.links.service import OpenedFile
from schemas.ids import Handle, LinkId
from schemas.release import parse_release

Links = dict[str, dict[Handle, LinkId]]


def copy_broker(broker: Broker, folder: Path, clock: Clock) -> Broker:
    """Copy the state folder and the SQLite database, and open the copy; the original must be idle."""
    shutil.copytree(broker.settings.state_dir, folder)
    source = Path(str(broker.database.url.database))
    for suffix in ("", "-wal"):
        found = source.with_name(source.name + suffix)
        if found.exists():
            shutil.copy(found, folder / f"copy.db{suffix}")
    url = f"sqlite:///{(folder / 'copy.db').as_posix()}"
    changed = {"state_dir": folder, "database_url": url}
    return open_broker(broker.settings.model_copy(update=changed), clock=clock)


def released_links(broker: Broker) -> Links:
    """Return the links of every release by recipient; fails where a recipient has two."""
    found: Links = {}
    with broker.database.read() as session:
        for release in session.scalars(select(Release)):
            file = OpenedFile(
                release.id,
                release.sha256,
                release.size_bytes,
                broker.keystore.open(release.id),
                repository.pieces_of(session, release.id),
            )
            assert release.recipient not in found
            found[release.recipient] = parse_release(b"".join(file.pieces(broker)))[1]
    return found


def expire_leases(broker: Broker) -> None:
    """Let the time of every lease pass."""
    with broker.database.write() as session:
        session.execute(text("UPDATE run SET lease_until_ms = 0 WHERE lease_until_ms IS NOT NULL"))
