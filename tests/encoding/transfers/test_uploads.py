"""Uploading: one container for a nonce whatever is lost on the way, and no receipt that proves nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from breaks.false_log import Log
from campaign.reports import Tally
from rigs.agency import read_slowly
from rigs.desk import Desk
from rigs.near_broker import NearBroker, answer_with
from sqlalchemy import select

from app.broker import MAX_CHECKS
from app.uploads import commit
from app.uploads.errors import ROW_ORDER, UploadRejectedError
from app.uploads.models import Upload
from encoding.log.pins import PinnedLog
from encoding.log.receipts import KeptReceipt, ReceiptFolder, verify_kept
from encoding.rounds.nonces import Nonces
from encoding.workspace.workspace import Workspace, open_workspace
from schemas.matchlog.log_keys import LogKeys

PROJECT = "foster-pupils"
EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_WAITING = 1, 5, 7
Answer = httpx2.Response


class Killed(BaseException):
    """The command dies here."""


@pytest.fixture
def welfare(ready_desks: NearBroker) -> Desk:
    """The desk of the smaller file, encoded for the first round."""
    desk = ready_desks.desks["welfare"]
    desk.ok("encode")
    return desk


def workspace(desk: Desk) -> Workspace:
    return open_workspace(desk.folder / "workspace")


def container(desk: Desk, number: int = 1) -> bytes:
    return workspace(desk).container(PROJECT, number, "schools").read_bytes()


def receipts(desk: Desk) -> list[KeptReceipt]:
    return list(ReceiptFolder(workspace(desk).receipts).all())


def committed(broker: NearBroker, party: str = "welfare") -> list[str]:
    """Return the digest of each head of a party's that was committed."""
    with broker.broker.database.read() as session:
        chosen = select(Upload.container_sha256)
        return list(
            session.scalars(chosen.where(Upload.party == party, Upload.state == "committed"))
        )


def commits(broker: NearBroker) -> list[str]:
    return [path for method, path in broker.courier.requests if path.endswith("/commit")]


class Parts:
    """Collects the parts that leave, by upload and number."""

    def __init__(self, broker: NearBroker) -> None:
        self.sent: dict[str, dict[int, set[bytes]]] = {}
        self.order: list[int] = []
        broker.courier.before = self

    def __call__(self, request: httpx2.Request) -> Answer | None:
        if request.method == "PUT" and "/parts/" in request.url.path:
            _, _, _, upload, _, number = request.url.path.split("/")
            of_upload = self.sent.setdefault(upload, {})
            of_upload.setdefault(int(number), set()).add(request.read())
            self.order.append(int(number))
        return None

    def whole(self) -> bytes:
        """Return what left, where each part of one upload left in one form."""
        (parts,) = self.sent.values()
        (content,) = {b"".join(next(iter(parts[at])) for at in sorted(parts))}
        assert {len(forms) for forms in parts.values()} == {1}
        return content


@pytest.mark.campaign("receipts", database="sqlite")
def test_broker_receives_the_container_byte_for_byte_and_its_receipt_is_kept_and_verifies(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    parts, said = Parts(ready_desks), [welfare.type("encode")]
    found, spent_at = workspace(welfare), {}

    def look(request: httpx2.Request) -> Answer | None:
        nonces = Nonces(found.nonces(PROJECT), PROJECT, found.key())
        name = f"{request.method} {request.url.path.split('/')[-1]}"
        spent_at.setdefault(name, nonces.is_spent(1))
        return parts(request)

    ready_desks.courier.before = look
    said += [welfare.type("upload"), welfare.type("encode")]
    # The nonce is spent on disk before the first byte leaves.
    spent = [spent_at[name] for name in ("GET uploads", "POST uploads", "PUT 0")]
    assert spent == [False, True, True]
    assert parts.whole() == container(welfare)
    head = read_slowly(container(welfare)).head
    assert committed(ready_desks) == [hashlib.sha256(head).hexdigest()]
    (kept,) = receipts(welfare)
    assert kept.manifest is not None
    proven = verify_kept(kept, "welfare", welfare_keys(welfare))
    assert (proven.entry.kind, proven.entry.object) == ("upload-received", kept.receipt.subject)
    assert proven.entry.body.manifest_sha256 == kept.manifest.manifest.digest()  # type: ignore[attr-defined]
    # Once more changes nothing.
    n_sent = len(parts.order)
    said.append(welfare.type("upload"))
    assert said[-1].exit_code == 0
    assert (len(parts.order), receipts(welfare)) == (n_sent, [kept])
    # Nothing that was said or logged holds a token, handle or row.
    spoken = "".join(one.stdout + one.stderr for one in said) + ready_desks.logs.getvalue()
    assert_silent(spoken, welfare)
    tokens = [
        raw.decode() for raw in ready_desks.courier.seen if raw.startswith(b'{"access_token"')
    ]
    assert tokens
    assert not [one for one in tokens if json.loads(one)["access_token"] in spoken]
    # Who commits second states the root of the first.
    ready_desks.desks["schools"].ok("encode")
    ready_desks.desks["schools"].ok("upload")
    first, second = (
        json.loads(raw)["manifest"]
        for raw in ready_desks.courier.seen
        if b"partner_root" in raw and b"signatures" in raw
    )
    assert (first["partner_root"], second["partner_root"]) == (None, first["root"])
    # A log that forgets the receipt is refused.
    ready_desks.rewrite_log()
    refused = welfare.type("upload")
    assert refused.exit_code != 0
    assert "log" in refused.stderr
    assert any(found.pins.glob("*evidence*"))


def welfare_keys(desk: Desk) -> LogKeys:
    found = workspace(desk)
    return PinnedLog(found.pins, found.log_key).keys()


@pytest.mark.campaign("kills-agency", database="sqlite")
def test_killed_between_any_two_requests_it_ends_in_one_upload_and_one_receipt(
    ready_desks: NearBroker, welfare: Desk, tally: Tally
) -> None:
    """Killed once before and once after each request that an upload makes, and begun again each time."""
    parts, courier = Parts(ready_desks), ready_desks.courier
    made = container(welfare)
    killed: set[tuple[str, str, int]] = set()
    asked: Counter[str] = Counter()

    def die_once(when: str, request: httpx2.Request) -> None:
        name = f"{request.method} {request.url.path.split('/')[-1]}"
        asked[name] += when == "before"
        if (when, name, asked[name]) not in killed:
            killed.add((when, name, asked[name]))
            raise Killed

    def before(request: httpx2.Request) -> Answer | None:
        die_once("before", request)
        return parts(request)

    def after(request: httpx2.Request, response: Answer) -> Answer:
        die_once("after", request)
        return response

    courier.before, courier.after = before, after
    n_refused = 0
    while True:
        asked.clear()
        try:
            done = welfare.type("upload")
        except Killed:
            if parts.order:
                assert "are never made twice" in refused_to_encode(welfare, courier)
                n_refused += 1
        else:
            assert done.exit_code == 0, done.stderr
            break
    names = ("GET uploads", "POST uploads", "GET parts", "PUT 0", "PUT 1", "PUT 2", "POST commit")
    assert killed >= {(when, name, 1) for when in ("before", "after") for name in names}
    assert n_refused > 5
    tally.tried(len(killed))
    assert container(welfare) == made == parts.whole()
    assert len(committed(ready_desks)) == 1
    (kept,) = receipts(welfare)
    verify_kept(kept, "welfare", welfare_keys(welfare))


def refused_to_encode(desk: Desk, courier: Any) -> str:
    """Try to encode once more, unharmed, which must be refused."""
    kept = courier.before, courier.after
    courier.before, courier.after = lambda _: None, lambda _, response: response
    refused = desk.type("encode")
    courier.before, courier.after = kept
    assert refused.exit_code == EXIT_REFUSED
    return str(refused.stderr)


def commit_unanswered(near: NearBroker, desk: Desk) -> None:
    """Upload, and be killed after the broker has committed and before its answer is read."""

    def lose(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/commit"):
            raise Killed
        return response

    near.courier.after = lose
    with pytest.raises(Killed):
        desk.type("upload")
    near.courier.after = lambda _, response: response


@pytest.mark.campaign("kills-agency", database="sqlite")
def test_killed_after_the_commit_the_receipt_is_of_what_was_committed(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    """Though the partner uploads in between, so that the manifest would be stated otherwise now."""
    commit_unanswered(ready_desks, welfare)
    assert receipts(welfare) == []
    schools = ready_desks.desks["schools"]
    schools.ok("encode")
    schools.ok("upload")
    welfare.ok("upload")
    (kept,) = receipts(welfare)
    assert kept.manifest is not None
    assert kept.manifest.manifest.partner_root is None
    assert len(commits(ready_desks)) == 2


def test_refresh_too_fetches_a_receipt_that_got_lost(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    commit_unanswered(ready_desks, welfare)
    waiting = welfare.type("refresh")
    assert waiting.exit_code == EXIT_WAITING, waiting.stderr
    assert len(receipts(welfare)) == len(commits(ready_desks)) == 1


def test_partner_that_commits_in_between_is_stated_at_once(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    schools = ready_desks.desks["schools"]
    schools.ok("encode")
    courier = ready_desks.courier

    def partner_first(request: httpx2.Request) -> Answer | None:
        if request.url.path.endswith("/commit"):
            courier.before = lambda _: None
            schools.ok("upload")
        return None

    courier.before = partner_first
    welfare.ok("upload")
    (kept,) = receipts(welfare)
    assert kept.manifest is not None
    assert kept.manifest.manifest.partner_root is not None
    assert len(committed(ready_desks)) == len(committed(ready_desks, "schools")) == 1


LOST = {"uploads", "parts", "0", "1", "commit", "receipt", "checkpoint"}


@pytest.mark.campaign("resent", database="sqlite")
def test_every_lost_answer_ends_in_one_committed_upload(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    lost_yet = set()

    def lose_once(request: httpx2.Request, response: Answer) -> Answer:
        asked = (request.method, request.url.path)
        if request.url.path.split("/")[-1] in LOST and asked not in lost_yet:
            lost_yet.add(asked)
            raise httpx2.ReadError("lost")
        return response

    ready_desks.courier.after = lose_once
    welfare.ok("upload")
    assert {path.split("/")[-1] for _, path in lost_yet} == LOST
    assert any(path.endswith("/rounds/1") for _, path in lost_yet)
    assert welfare.slept
    assert len(committed(ready_desks)) == len(receipts(welfare)) == 1


@pytest.fixture
def busy(ready_desks: NearBroker) -> None:
    """The broker is at as many checks as it takes, so that the next one waits for a worker."""
    for _ in range(MAX_CHECKS):
        ready_desks.broker.checks.acquire()


@pytest.mark.usefixtures("busy")
def test_the_check_is_waited_for_and_found_again_by_a_command_after_one_that_was_killed(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    def die(request: httpx2.Request) -> Answer | None:
        if commits(ready_desks) and request.method == "GET":
            raise Killed
        return None

    ready_desks.courier.before = die
    with pytest.raises(Killed):
        welfare.type("upload")
    ready_desks.courier.before = lambda _: None
    assert committed(ready_desks) == receipts(welfare) == []
    welfare.slept.clear()
    welfare.ok("upload")
    assert welfare.slept
    assert len(committed(ready_desks)) == len(receipts(welfare)) == len(commits(ready_desks)) == 1


def test_what_the_check_refuses_is_said_each_time(
    ready_desks: NearBroker, welfare: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UploadRejectedError(ROW_ORDER, "The rows are refused: not in order.")

    monkeypatch.setattr(commit, "check_parts", refuse)
    first = welfare.type("upload")
    monkeypatch.undo()
    second = welfare.type("upload")
    for refused in (first, second):
        assert refused.exit_code == EXIT_REFUSED
        assert "the broker says: the rows are refused: not in order" in refused.stderr
    assert committed(ready_desks) == receipts(welfare) == []


def test_before_the_first_byte_containers_are_replaced_and_after_it_no_other_goes_out(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    former = container(welfare)
    welfare.ok("encode")
    first, second = read_slowly(former), read_slowly(container(welfare))
    assert not set(first.handles) & set(second.handles)
    parts = Parts(ready_desks)

    def cut_off(request: httpx2.Request) -> Answer | None:
        parts(request)
        if request.url.path.endswith("/parts/1"):
            raise Killed
        return None

    ready_desks.courier.before = cut_off
    with pytest.raises(Killed):
        welfare.type("upload")
    ready_desks.courier.before = parts
    # Even the container that was made first, under the same key, is another one.
    path = workspace(welfare).container(PROJECT, 1, "schools")
    last, manifest = path.read_bytes(), path.with_suffix(".json")
    stated = json.loads(manifest.read_bytes())
    digest = hashlib.sha256(first.head).hexdigest()
    path.write_bytes(former)
    write_stated(manifest, stated | {"root": first.root, "container_sha256": digest})
    refused = welfare.type("upload")
    assert (refused.exit_code, "are never made twice" in refused.stderr) == (EXIT_REFUSED, True)
    assert {*parts.order} == {0, 1}
    path.write_bytes(last)
    write_stated(manifest, stated)
    welfare.ok("upload")
    assert parts.whole() == last
    # What is stored is not sent again.
    assert parts.order == [0, 1, 1, 2]


def write_stated(path: Path, stated: dict[str, Any]) -> None:
    path.write_text(json.dumps(stated, sort_keys=True, separators=(",", ":")), "utf-8")


def test_a_restored_workspace_encodes_for_no_nonce_that_it_did_not_draw(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    """Backups hold no nonce: a correction voids those of before, and brings a round of its own."""
    before = container(welfare)
    shut = workspace(welfare)
    shut.nonces(PROJECT).unlink()
    parts = Parts(ready_desks)
    for words in (("encode",), ("upload",)):
        refused = welfare.type(*words)
        assert refused.exit_code == EXIT_REFUSED
        assert "restored or handed over" in refused.stderr
    assert parts.order == []
    welfare.ok("round", "--correct", "workspace-lost")
    welfare.ok("encode")
    welfare.ok("upload")
    offered = [
        nonce
        for raw in ready_desks.courier.seen
        if raw.startswith(b'{"offer"') and b'"party":"welfare"' in raw
        for nonce in json.loads(raw)["offer"]["nonces"]
    ]
    assert max(Counter(offered).values()) == 1
    assert parts.whole() == container(welfare, 2)
    assert not set(read_slowly(before).handles) & set(read_slowly(container(welfare, 2)).handles)


def test_encodings_that_the_terms_no_longer_fit_and_nonsensical_parts_are_not_sent(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    path = workspace(welfare).container(PROJECT, 1, "schools").with_suffix(".json")
    stated = json.loads(path.read_bytes())
    parts = Parts(ready_desks)
    for changed in ({"epoch": 2}, {"profile": "0" * 64}, {"population": "all-pupils"}):
        write_stated(path, stated | changed)
        assert welfare.type("upload").exit_code != 0, changed
    write_stated(path, stated)
    for n_parts in (1, 2, 10**6):

        def confuse(request: httpx2.Request, response: Answer, n: int = n_parts) -> Answer:
            if request.method == "POST" and request.url.path.endswith("/uploads"):
                return answer_with(response, response.json() | {"parts": n})
            return response

        ready_desks.courier.after = confuse
        refused = welfare.type("upload")
        assert "parts that the container does not have" in refused.stderr, n_parts
    assert parts.order == []
    assert committed(ready_desks) == []


def _other_log(receipt: dict[str, Any]) -> dict[str, Any]:
    log = Log()
    log.entries = [b"one"]
    return receipt | {"checkpoint": log.checkpoint()}


FORGERIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "other subject": lambda receipt: receipt | {"subject": "upl-" + "0" * 32},
    "other place": lambda receipt: receipt | {"index": receipt["index"] - 1},
    "other entry": lambda receipt: (
        receipt | {"entry": receipt["entry"].replace('"records":4', '"records":5')}
    ),
    "other proof": lambda receipt: receipt | {"proof": ["A" * 43 + "="]},
    "other log": _other_log,
}


@pytest.mark.campaign("receipts", database="sqlite")
def test_receipt_that_proves_nothing_or_is_of_another_upload_is_not_kept(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    schools = ready_desks.desks["schools"]
    schools.ok("encode")
    theirs: list[dict[str, Any]] = []

    def answering(forge: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
        def answer(request: httpx2.Request, response: Answer) -> Answer:
            is_receipt = request.url.path.endswith("/receipt")
            return answer_with(response, forge(response.json())) if is_receipt else response

        return answer

    ready_desks.courier.after = answering(lambda receipt: theirs.append(receipt) or receipt)
    schools.ok("upload")
    swapped = {"another upload": lambda receipt: theirs[0] | {"subject": receipt["subject"]}}
    for name, forge in (FORGERIES | swapped).items():
        ready_desks.courier.after = answering(forge)
        refused = welfare.type("upload")
        assert refused.exit_code not in (0, EXIT_UNREACHABLE), name
        assert ("the receipt proves nothing" if name in swapped else "receipt") in refused.stderr
        assert receipts(welfare) == [], name
        assert_silent(refused.stderr + refused.stdout, welfare)
    ready_desks.courier.after = lambda _, response: response
    welfare.ok("upload")
    assert len(receipts(welfare)) == 1


@pytest.mark.campaign("receipts", database="sqlite")
def test_log_that_is_rewritten_between_commit_and_end_is_refused(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    def forget(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/commit"):
            ready_desks.rewrite_log()
        return response

    ready_desks.courier.after = forget
    refused = welfare.type("upload")
    assert refused.exit_code != 0
    assert any(workspace(welfare).pins.glob("*evidence*"))


def assert_silent(said: str, desk: Desk) -> None:
    made = read_slowly(container(desk))
    secret = [*made.handles, *(token for token, _, _ in made.rows), *(row for *_, row in made.rows)]
    assert not [one for one in secret if one.hex() in said]
