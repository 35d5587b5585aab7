"""Two files through the anonlink service, as its clients send them: time of each step, and its memory.

    python -m benchmarks.anonlink_service --rows 100000

One party sends JSON, the other bytes. The service is a process of its own, on this machine, without TLS.
"""

from __future__ import annotations

import argparse
import base64
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import httpx2

from benchmarks.matching_files import two_files
from benchmarks.processes import peak_mib


def timed(name: str, step: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    found = step()
    print(f"{name}: {time.perf_counter() - began:.1f} s", flush=True)
    return found


def measure(address: str, process: subprocess.Popen[str], given: argparse.Namespace) -> None:
    left, right = timed("encodings", lambda: two_files(given.kind, given.rows))
    body = json.dumps({"clks": [base64.b64encode(row.tobytes()).decode() for row in left]})
    client = httpx2.Client(base_url=f"{address}/api/v1", timeout=None)

    def ask(method: str, path: str, token: str = "", **more: Any) -> httpx2.Response:
        headers = {"authorization": token, **more.pop("headers", {})}
        return client.request(method, path, headers=headers, **more).raise_for_status()

    made = ask("POST", "/projects", json={"schema": {}, "result_type": given.result}).json()
    path, token = f"/projects/{made['project_id']}", made["result_token"]
    as_json = {"content-type": "application/json"}
    first, second = made["update_tokens"]
    timed("JSON", lambda: ask("POST", f"{path}/clks", first, content=body, headers=as_json))
    print(f"memory after JSON: {peak_mib(process.pid):,.0f} MiB")
    as_bytes = {
        "content-type": "application/octet-stream",
        "hash-count": str(len(right)),
        "hash-size": str(right.shape[1]),
    }
    content = right.tobytes()
    timed(
        "bytes",
        lambda: ask("POST", f"{path}/binaryclks", second, content=content, headers=as_bytes),
    )
    print(f"memory after both: {peak_mib(process.pid):,.0f} MiB")
    run = ask("POST", f"{path}/runs", token, json={"threshold": given.threshold}).json()["run_id"]

    def wait() -> dict[str, Any]:
        while True:
            status: dict[str, Any] = ask("GET", f"{path}/runs/{run}/status", token).json()
            if status["state"] in {"completed", "error"}:
                return status
            time.sleep(0.1)

    print(timed("run", wait))
    result = timed("result", lambda: ask("GET", f"{path}/runs/{run}/result", token).content)
    print(f"{len(json.loads(result)[given.result]):,} {given.result} in {len(result):,} bytes")
    timed("delete", lambda: ask("DELETE", path, token))
    print(f"memory at most: {peak_mib(process.pid):,.0f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--kind", choices=["sparse", "half"], default="sparse")
    parser.add_argument("--threshold", type=float, default=0.85)
    parser.add_argument("--result", choices=["groups", "similarity_scores"], default="groups")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "app.cli", "anonlink", "serve", "--port", "0"]
        started = subprocess.Popen(
            [*command, "--folder", folder + "/state"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        with started as process:
            try:
                assert process.stdout is not None
                measure(process.stdout.readline().strip(), process, given)
            finally:
                process.terminate()


if __name__ == "__main__":
    main()
