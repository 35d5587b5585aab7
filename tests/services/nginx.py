"""nginx with the configuration that is shipped, in a folder of the test's own, on loopback."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from services.requirement import missing

INSTALL = Path(__file__).resolve().parents[2] / "install"
STREAM, HTTP = INSTALL / "nginx-stream.conf", INSTALL / "nginx-http.conf"
# Beside the program, as Debian has it: /usr/sbin/nginx and /usr/lib/nginx/modules.
MODULE = Path("lib", "nginx", "modules", "ngx_stream_module.so")
PATIENCE_S = 20


@contextlib.contextmanager
def proxying(
    folder: Path, broker_port: int, shipped: Path = STREAM, **files: Path
) -> Iterator[int]:
    """Start nginx before a broker, yield the port at which it listens, and end it.

    Args:
        files: by `crt` and `key` the certificate and its key, where the shipped file names them.
    """
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None or not (module := Path(program).resolve().parents[1] / MODULE).exists():
        missing("nginx with its stream module is not installed")
    folder.mkdir()
    port = _free_port()
    config = folder / "nginx.conf"
    shipped_text = _on_ports(shipped.read_text(), folder, port, broker_port)
    for name, path in files.items():
        shipped_text = shipped_text.replace(f"/etc/blindlink/tls.{name};", f"{path.resolve()};")
    config.write_text(
        f"load_module {module};\ndaemon off;\nmaster_process off;\npid {folder}/pid;\n"
        f"error_log {folder}/error.log warn;\nevents {{ worker_connections 4096; }}\n"
        + shipped_text
    )
    process = subprocess.Popen([program, "-p", folder, "-c", config], stderr=subprocess.DEVNULL)
    try:
        _wait(process, port)
        yield port
    finally:
        process.kill()
        process.wait()


def _on_ports(text: str, folder: Path, port: int, broker_port: int) -> str:
    for shipped, here in (
        ("listen 8443", f"listen 127.0.0.1:{port}"),
        ("127.0.0.1:8444", f"127.0.0.1:{broker_port}"),
    ):
        assert text.count(shipped) == 1
        text = text.replace(shipped, here)
    return text.replace("/var/log/nginx/broker.log", f"{folder}/broker.log")


def _free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    ends_s = time.monotonic() + PATIENCE_S
    while True:
        assert process.poll() is None, "nginx has ended"
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S).close()
            return
        assert time.monotonic() < ends_s, "nginx does not listen"
        time.sleep(0.02)
