"""How fast an agency's client sends a container over TLS, and what the broker takes for it.

    python -m benchmarks.upload                     3 GB of rows of nobody; 10 GB of disk
    python -m benchmarks.upload --records 400000    other sizes

Sender and broker are the real ones, on one machine. Printed are the rates by the wall clock, the broker's
processor time for each GB, and by how much its memory grew: while it takes parts, and while it checks them.
Beside them stands how fast the same disk takes the same bytes, each part written and synced.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from rigs.linkage import SCHOOL
from rigs.live import address, service

from app.cli.self_signed import write_certificate
from benchmarks.encoding import BENCH
from benchmarks.nation_run import StoredContainer, made_up_container, prepared
from benchmarks.processes import clear_peak, peak_mib, processor_s
from encoding.broker.checks import wait_for_check
from encoding.broker.client import BrokerClient
from encoding.broker.connection import Connection
from encoding.broker.credential import SignIn
from encoding.profiles.catalog import shipped_profile
from schemas.api.bodies import UploadRequest
from schemas.shared.trust import trust_only
from schemas.signing.signed_request import Where

GB = 1e9


def main() -> None:
    """Send a container, have it checked, and print what each took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--records", type=int, default=4_000_000)
    given = parser.parse_args()
    profile = shipped_profile("children", size="nation")
    BENCH.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BENCH) as name:
        folder = Path(name)
        with socket.create_server(("127.0.0.1", 0)) as free:
            url = f"https://localhost:{free.getsockname()[1]}"
        linkage = prepared(folder, profile, 1_000, given.records)
        linkage.open_round()
        made = made_up_container(folder, linkage, SCHOOL, folder, range(given.records))
        manifest = linkage.manifest(made, SCHOOL, as_of="2020-01-01", counts=made.counts)
        signed = linkage.signed_manifest(manifest, SCHOOL)
        identity = linkage.person(SCHOOL).identity
        tls_dir = linkage.broker.settings.tls_dir
        log, project = linkage.broker.log.key.name, linkage.terms.project
        where = Where(log, project, linkage.agreement.digest())
        linkage.broker.close()
        write_certificate(tls_dir)
        print(f"the disk alone: {synced_rate(folder, made):,.0f} MB/s", flush=True)
        serving = service(
            folder, "serve", "--port", url.rpartition(":")[2], BLINDLINK_PUBLIC_URL=url
        )
        try:
            address(serving)
            sign_in = SignIn(identity, url, lambda: datetime.now(UTC))
            tls = trust_only(tls_dir / "broker.crt")
            connection = Connection(url, sign_in, tls=tls, where=lambda: where)
            with BrokerClient(connection) as client:
                upload = client.open_upload(project, UploadRequest(**made.request())).upload
                with told("parts", serving.pid, made.size_bytes):
                    for number, part in enumerate(made.parts):
                        client.put_part(upload, number, part)
                with told("check", serving.pid, made.size_bytes):
                    client.commit_upload(upload, signed)
                    wait_for_check(client, upload, progress=lambda *_: None, sleep=time.sleep)
        finally:
            serving.terminate()
            serving.communicate()


def synced_rate(folder: Path, made: StoredContainer) -> float:
    """Return how many MB/s the disk takes, in files of a part each, as the broker keeps them."""
    started, path = time.perf_counter(), folder / "bare"
    for part in made.parts:
        with path.open("wb") as file:
            file.write(part)
            os.fsync(file.fileno())
        path.unlink()
    return made.size_bytes / (time.perf_counter() - started) / 1e6


@contextmanager
def told(what: str, pid: int, size_bytes: int) -> Iterator[None]:
    """Print how long the block took, and what a process used in it."""
    clear_peak(pid)
    before_mib, used_s, started = peak_mib(pid), processor_s(pid), time.perf_counter()
    yield
    taken_s, used_s = time.perf_counter() - started, processor_s(pid) - used_s
    grown_mib = peak_mib(pid) - before_mib
    print(
        f"{what}: {size_bytes / GB:.2f} GB in {taken_s:,.1f} s, {size_bytes / taken_s / 1e6:,.0f} MB/s;"
        f" broker {used_s / size_bytes * GB:,.1f} s of processor time a GB, +{grown_mib:,.0f} MiB",
        flush=True,
    )


if __name__ == "__main__":
    main()
