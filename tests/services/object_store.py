"""Ceph's object gateway, with its objects in a file of a temporary folder: S3 over TLS, on loopback.

To be killed and started again at any moment: what it has acknowledged is in its file.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import ipaddress
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

KEY_ID, SECRET, REGION = "tests", "a-secret-of-tests", "us-east-1"
PROGRAMS = ("radosgw", "radosgw-admin")
PATIENCE_S = 30
VERSIONED = (
    b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    b"<Status>Enabled</Status></VersioningConfiguration>"
)


class MissingStoreError(Exception):
    """The gateway is not installed."""


class ObjectStoreServer:
    """The server, which may be killed and started; it listens on one port as long as its folder lives."""

    def __init__(self, folder: Path) -> None:
        """Write what it reads, make its one user, and start it."""
        self._folder = folder
        self.port = _free_port()
        self.endpoint = f"https://127.0.0.1:{self.port}"
        self.ca_file = folder / "server.crt"
        self.secret_file = folder / "secret"
        self.secret_file.write_text(f"{SECRET}\n")
        _write_certificate(folder)
        self._config = folder / "ceph.conf"
        self._config.write_text(
            "[global]\nrgw backend store = dbstore\nrgw config store = dbstore\nadmin socket =\n"
            f"dbstore db dir = {folder}\ndbstore config uri = file:{folder}/config.db\n"
            f"rgw data = {folder}\nrun dir = {folder}\nlog file = {folder}/log\ndebug rgw = 0\n"
            f"rgw frontends = beast ssl_endpoint=127.0.0.1:{self.port} tcp_nodelay=1"
            f" ssl_certificate={self.ca_file} ssl_private_key={folder}/server.key\n"
        )
        new_user = ["user", "create", f"--uid={KEY_ID}", f"--display-name={KEY_ID}"]
        keys = [f"--access-key={KEY_ID}", f"--secret-key={SECRET}"]
        command = [*self._command("radosgw-admin"), *new_user, *keys]
        # It hangs now and then, before or after its work; a user that is there already is error 17.
        for _ in range(20):
            with contextlib.suppress(subprocess.TimeoutExpired):
                done = subprocess.run(command, check=False, capture_output=True, timeout=PATIENCE_S)
                assert done.returncode in (0, 17), done.stderr
                break
        else:
            raise AssertionError("the object store's user cannot be made")
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, unless it runs, and wait until it listens."""
        if self._process is not None:
            return
        self._process = subprocess.Popen(
            [*self._command("radosgw"), "-f"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        ends_s = time.monotonic() + PATIENCE_S
        while True:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S).close()
                return
            assert time.monotonic() < ends_s, "the object store does not listen"
            time.sleep(0.02)

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send it a signal: SIGSTOP silences it, before this returns."""
        assert self._process is not None
        self._process.send_signal(number)
        tasks = Path(f"/proc/{self._process.pid}/task")
        ends_s = time.monotonic() + PATIENCE_S
        # Its threads stop one after the other.
        while number == signal.SIGSTOP and not all(map(_is_stopped, tasks.iterdir())):
            assert time.monotonic() < ends_s, "the object store does not stop"
            time.sleep(0.01)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Have it killed for a while."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def new_bucket(self, *, versioned: bool = False) -> str:
        """Make a bucket and return its name."""
        # A test that failed may have left it dead.
        self.start()
        bucket = f"test-{secrets.token_hex(6)}"
        self._ask(f"/{bucket}", b"")
        if versioned:
            self._ask(f"/{bucket}?versioning=", VERSIONED)
        return bucket

    def settings(self, url: str | None = None) -> dict[str, Any]:
        """Return the settings of a broker whose blobs lie at a URL, or in a new bucket."""
        return {
            "store_url": url or f"s3://{self.new_bucket()}/blindlink",
            "store_endpoint": self.endpoint,
            "store_region": REGION,
            "store_key_id": KEY_ID,
            "store_secret_file": self.secret_file,
            "store_ca_file": self.ca_file,
        }

    def _command(self, program: str) -> list[str]:
        return [program, "-c", str(self._config), "-n", "client.rgw", "--no-mon-config"]

    def _ask(self, path: str, body: bytes) -> None:
        """Put something as the owner, by a signature of Amazon's fourth version."""
        url = urlsplit(self.endpoint + path)
        moment, digest = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}", hashlib.sha256(body).hexdigest()
        headers = {"host": url.netloc, "x-amz-content-sha256": digest, "x-amz-date": moment}
        named = ";".join(headers)
        sent = [f"{name}:{value}" for name, value in headers.items()]
        canonical = "\n".join(["PUT", url.path, url.query, *sent, "", named, digest])
        scope = [moment[:8], REGION, "s3", "aws4_request"]
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{SECRET}".encode()
        for word in (*scope, "\n".join(["AWS4-HMAC-SHA256", moment, "/".join(scope), hashed])):
            key = hmac.new(key, word.encode(), hashlib.sha256).digest()
        credential = f"Credential={KEY_ID}/{'/'.join(scope)}"
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 {credential}, SignedHeaders={named}, Signature={key.hex()}"
        )
        trust = ssl.create_default_context(cafile=self.ca_file)
        with httpx2.Client(verify=trust) as client:
            client.put(url.geturl(), content=body, headers=headers).raise_for_status()


@contextlib.contextmanager
def running_object_store() -> Iterator[ObjectStoreServer]:
    """Start a server with nothing in it, yield it, and end it.

    Raises:
        MissingStoreError: it is not installed.
    """
    if not all(map(shutil.which, PROGRAMS)):
        raise MissingStoreError("radosgw and radosgw-admin are not installed")
    with tempfile.TemporaryDirectory(
        prefix="blindlink-store-", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")
    ) as folder:
        server = ObjectStoreServer(Path(folder))
        try:
            yield server
        finally:
            server.kill()


def _free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


def _write_certificate(folder: Path) -> None:
    """Write a certificate that vouches for itself and for no other, as the store's library wants a server's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "object store of tests")])
    now = datetime.now(UTC)
    here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(here, critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    (folder / "server.crt").write_bytes(certificate.public_bytes(encoding))
    private = serialization.PrivateFormat.PKCS8
    (folder / "server.key").write_bytes(
        key.private_bytes(encoding, private, serialization.NoEncryption())
    )


def _is_stopped(task: Path) -> bool:
    return (task / "stat").read_text().rpartition(")")[2].split()[0] == "T"
