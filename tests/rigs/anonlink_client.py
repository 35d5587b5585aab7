"""Asks the anonlink service as clients of the old one do; runs are done when the test wants a result."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import numpy as np
from starlette.testclient import TestClient

from app.extras.anonlink.service import Limits, Service
from app.extras.anonlink.worker import do_waiting_runs

LIMITS = Limits(max_projects=5, max_clks=2_000, max_pairs=20_000, max_upload_bytes=1 << 20)


@dataclass
class Moment:
    now: datetime = datetime(2026, 9, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **time: float) -> None:
        self.now += timedelta(**time)


def texts(rows: np.ndarray) -> list[str]:
    return [base64.b64encode(row.tobytes()).decode() for row in rows]


@dataclass
class Anonlink:
    """Asks as an old client does."""

    client: TestClient
    service: Service
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    def ask(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx2.Response:
        headers = {**more.pop("headers", {}), **({"authorization": token} if token else {})}
        answer: Any = self.client.request(method, f"/api/v1{path}", headers=headers, **more)
        return answer

    def project(self, result_type: str = "groups", **more: Any) -> dict[str, Any]:
        body = {"schema": {}, "result_type": result_type, **more}
        answer = self.ask("POST", "/projects", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        made["path"] = f"/projects/{made['project_id']}"
        return made

    def upload(self, project: dict[str, Any], party: int, body: Any) -> httpx2.Response:
        token = project["update_tokens"][party]
        return self.ask("POST", f"{project['path']}/clks", token, json=body)

    def upload_binary(
        self, project: dict[str, Any], party: int, rows: np.ndarray, **headers: str
    ) -> httpx2.Response:
        said = {
            "content-type": "application/octet-stream",
            "hash-count": str(len(rows)),
            "hash-size": str(rows.shape[1]),
            **headers,
        }
        token = project["update_tokens"][party]
        path = f"{project['path']}/binaryclks"
        return self.ask("POST", path, token, content=rows.tobytes(), headers=said)

    def run(self, project: dict[str, Any], threshold: Any = 0.8) -> str:
        token = project["result_token"]
        answer = self.ask("POST", f"{project['path']}/runs", token, json={"threshold": threshold})
        assert answer.status_code == 201, answer.text
        return f"{project['path']}/runs/{answer.json()['run_id']}"

    def result(self, project: dict[str, Any], run: str, token: str | None = None) -> Any:
        do_waiting_runs(self.service)
        answer = self.ask("GET", f"{run}/result", token or project["result_token"])
        assert answer.status_code == 200, answer.text
        return answer.json()

    def filled(self, files: Sequence[np.ndarray], result_type: str = "groups") -> dict[str, Any]:
        project = self.project(result_type, number_parties=len(files))
        project["receipts"] = [
            self.upload(project, party, {"clks": texts(rows)}).json()["receipt_token"]
            for party, rows in enumerate(files)
        ]
        return project
