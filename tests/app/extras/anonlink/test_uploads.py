"""What is taken of a party and what is refused; what is refused leaves nothing behind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rigs.anonlink_client import LIMITS, Anonlink, texts

from app.errors import RefusedError
from app.extras.anonlink import uploads
from app.extras.anonlink.projects import create_project
from app.extras.anonlink.service import opened_service
from app.extras.anonlink.uploads import BinaryBody, Upload

ROWS = np.arange(64, dtype=np.uint8).reshape(8, 8)


def stored(folder: Path) -> list[Path]:
    """Return the sealed pieces and their keys."""
    found = [*folder.glob("blobs/*/*"), *folder.glob("keystore/*.key")]
    return [path for path in found if path.is_file()]


BROKEN_BODIES = [
    *({"clks": []}, {}, [], {"clks": ["A"]}, {"clks": [""]}, {"clks": [None]}),
    {"clks": [*texts(ROWS), texts(ROWS[:, :7])[0]]},
    {"clks": texts(np.zeros((1, 513), dtype=np.uint8))},
    {"clks": texts(np.zeros((2_001, 1), dtype=np.uint8))},
    {"clknblocks": [[texts(ROWS)[0], "1"]]},
    {"encodings": texts(ROWS), "blocks": {"0": ["1"]}},
    {"encodings": {"file": {"bucket": "b", "path": "../../etc/passwd"}}},
    {"clks": texts(ROWS), "credentials": {}},
]


def test_json_that_breaks_a_rule_is_refused(anonlink: Anonlink, folder: Path) -> None:
    project = anonlink.project()
    for body in BROKEN_BODIES:
        answer = anonlink.upload(project, 0, body)
        assert answer.status_code == 400
        assert answer.headers["content-type"] == "application/problem+json"
        assert stored(folder) == []


BROKEN_HEADERS = [
    *({"hash-count": count} for count in ("7", "9", "0", "-8", "+8", "8.0", "", "٨", "9" * 30)),
    *({"hash-size": size} for size in ("7", "0", "513", "x")),
]


def test_binary_that_its_headers_do_not_fit_is_refused(anonlink: Anonlink, folder: Path) -> None:
    project = anonlink.project()
    for headers in BROKEN_HEADERS:
        encoded: Any = {name: value.encode() for name, value in headers.items()}
        answer = anonlink.upload_binary(project, 0, ROWS, **encoded)
        assert answer.status_code == 400, headers
        assert stored(folder) == []


def test_a_body_that_is_too_large_or_of_another_kind_is_refused(
    anonlink: Anonlink, folder: Path
) -> None:
    project = anonlink.project()
    path, token = f"{project['path']}/clks", project["update_tokens"][0]
    json_type = {"content-type": "application/json"}
    announced = anonlink.ask(
        "POST", path, token, content=b" " * (1 << 20) + b"{", headers=json_type
    )
    assert announced.status_code == 413

    def chunks() -> Iterator[bytes]:
        yield b'{"clks": ["AAAA"'
        for _ in range(40):
            yield b" " * (1 << 15)

    unannounced = anonlink.ask("POST", path, token, content=chunks(), headers=json_type)
    assert unannounced.status_code == 413
    assert anonlink.ask("POST", path, token, content=b"{}").status_code == 415
    packed = {**json_type, "content-encoding": "gzip"}
    assert anonlink.ask("POST", path, token, content=b"{}", headers=packed).status_code == 415
    assert stored(folder) == []


def test_all_parties_send_clks_of_one_length(anonlink: Anonlink) -> None:
    project = anonlink.project()
    assert anonlink.upload(project, 0, {"clks": texts(ROWS)}).status_code == 201
    assert anonlink.upload(project, 1, {"clks": texts(ROWS[:, :4])}).status_code == 400
    assert anonlink.upload_binary(project, 1, ROWS[:, :4].copy()).status_code == 400
    assert anonlink.upload(project, 1, {"clks": texts(ROWS)}).status_code == 201


def test_clks_need_not_fill_whole_words(anonlink: Anonlink) -> None:
    odd = np.arange(1, 61, dtype=np.uint8).reshape(20, 3)
    project = anonlink.filled([odd, odd])
    groups = anonlink.result(project, anonlink.run(project, 1))["groups"]
    assert [[0, 3], [1, 3]] in groups


WITHOUT_BLOCKS = [
    {"clks": texts(ROWS)},
    {"encodings": texts(ROWS), "blocks": {"8": ["1"]}},
    {"encodings": texts(ROWS), "blocks": {"4294967296": ["1"]}},
    {"encodings": texts(ROWS), "blocks": {}},
    {"encodings": texts(ROWS), "blocks": {"2000": ["1"]}},
    {"encodings": texts(ROWS), "blocks": {"0": ["1"], "00": ["2"], "1": ["1"], "000": ["3"]}},
    {"encodings": texts(ROWS), "blocks": {"7": list(range(257))}},
    {"clknblocks": [[texts(ROWS)[0], *range(257)]]},
    {"clknblocks": [[texts(ROWS)[0], "1"]], "blocks": {"1": ["1"], "0": ["1"]}},
]


def test_a_block_that_a_row_names_again_is_not_stored_again(
    anonlink: Anonlink, folder: Path
) -> None:
    def size_of(blocks: list[int]) -> int:
        project = anonlink.project("similarity_scores", uses_blocking=True)
        before = set(folder.glob("blobs/*/*"))
        body = {"clknblocks": [[text, *blocks] for text in texts(ROWS)]}
        assert anonlink.upload(project, 0, body).status_code == 201
        assert anonlink.upload(project, 1, body).status_code == 201
        scores = anonlink.result(project, anonlink.run(project, 1))["similarity_scores"]
        assert len(scores) == len(ROWS)
        new = set(folder.glob("blobs/*/*")) - before
        return sum(path.stat().st_size for path in new)

    assert size_of([1, 2] * 1_000) == size_of([1, 2])
    size_of(list(range(256)))


def test_a_project_of_blocks_needs_them_of_rows_that_are_there(anonlink: Anonlink) -> None:
    project = anonlink.project(uses_blocking=True)
    for body in WITHOUT_BLOCKS:
        assert anonlink.upload(project, 0, body).status_code == 400


def test_binary_clks_of_a_project_of_blocks_are_in_block_1(anonlink: Anonlink) -> None:
    project = anonlink.project(uses_blocking=True)
    assert anonlink.upload_binary(project, 0, ROWS).status_code == 201
    body = {"encodings": texts(ROWS), "blocks": {"2": [1], "3": ["2"]}}
    assert anonlink.upload(project, 1, body).status_code == 201
    assert anonlink.result(project, anonlink.run(project, 1)) == {"groups": [[[0, 2], [1, 2]]]}


def test_of_two_uploads_with_one_token_one_counts(folder: Path) -> None:
    with opened_service(folder, LIMITS, reserve_percent=0) as service:
        project = create_project(service, {"schema": {}, "result_type": "groups"})
        pair = [
            Upload(service, project["project_id"], project["update_tokens"][0]) for _ in range(2)
        ]
        for upload in pair:
            upload.add_clk(bytes(8))
        pair[0].commit()
        with pytest.raises(RefusedError) as caught:
            pair[1].commit()
        assert caught.value.code == "token-used"
        pair[1].drop()
        assert len(stored(folder)) == 2


def test_an_upload_is_sealed_piece_by_piece_and_holds_no_more(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 1 << 10)
    with opened_service(folder, replace(LIMITS, max_clks=10**6), reserve_percent=0) as service:
        project = create_project(service, {"schema": {}, "result_type": "groups"})
        upload = Upload(service, project["project_id"], project["update_tokens"][0])
        body = BinaryBody(upload, 10_000, 3)
        for start in range(0, 30_000, 1_000):
            body.feed(bytes(range(250)) * 4)
            assert len(upload._clks) < (1 << 10)
            assert len(stored(folder)) == 1 + (start + 999) // 1_023
        body.close()
        upload.commit()
    # None of it lies there in the clear.
    assert not any(bytes(range(250)) in path.read_bytes() for path in stored(folder))
