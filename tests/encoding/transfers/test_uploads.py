"""Uploading: one container for a nonce whatever is lost on the way, and no receipt that proves nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
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


def test_broker_receives_the_container_byte_for_byte(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    parts = Parts(ready_desks)
    welfare.ok("upload")
    assert parts.whole() == container(welfare)
    head = read_slowly(container(welfare)).head
    assert committed(ready_desks) == [hashlib.sha256(head).hexdigest()]


def test_receipt_is_kept_and_verifies_without_the_broker(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    welfare.ok("upload")
    (kept,) = receipts(welfare)
    assert kept.manifest is not None
    proven = verify_kept(kept, "welfare", welfare_keys(welfare))
    assert (proven.entry.kind, proven.entry.object) == ("upload-received", kept.receipt.subject)
    assert proven.entry.body.manifest_sha256 == kept.manifest.manifest.digest()  # type: ignore[attr-defined]


def welfare_keys(desk: Desk) -> LogKeys:
    found = workspace(desk)
    return PinnedLog(found.pins, found.log_key).keys()


def test_whoever_commits_second_states_the_root_of_the_first(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    welfare.ok("upload")
    ready_desks.desks["schools"].ok("encode")
    ready_desks.desks["schools"].ok("upload")
    first, second = (
        json.loads(raw)["manifest"]
        for raw in ready_desks.courier.seen
        if b"partner_root" in raw and b"signatures" in raw
    )
    assert first["partner_root"] is None
    assert second["partner_root"] == first["root"]


def test_stored_parts_are_not_sent_again(ready_desks: NearBroker, welfare: Desk) -> None:
    parts = Parts(ready_desks)

    def cut_off(request: httpx2.Request) -> Answer | None:
        if request.url.path.endswith("/parts/2"):
            raise Killed
        return parts(request)

    ready_desks.courier.before = cut_off
    with pytest.raises(Killed):
        welfare.type("upload")
    assert parts.order == [0, 1]
    ready_desks.courier.before = parts
    welfare.ok("upload")
    assert parts.order == [0, 1, 2]
    assert parts.whole() == container(welfare)


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


LOST = {
    "uploads": lambda path: path.endswith("/uploads"),
    "stored parts": lambda path: path.endswith("/parts"),
    "a part": lambda path: "/parts/" in path,
    "round": lambda path: path.endswith("/rounds/1"),
    "commit": lambda path: path.endswith("/commit"),
    "receipt": lambda path: path.endswith("/receipt"),
    "checkpoint": lambda path: path.endswith("/checkpoint"),
}


@pytest.mark.parametrize("lost", LOST)
@pytest.mark.campaign("resent", database="sqlite")
def test_every_lost_answer_ends_in_one_committed_upload(
    ready_desks: NearBroker, welfare: Desk, lost: str
) -> None:
    lost_yet = set()

    def lose_once(request: httpx2.Request, response: Answer) -> Answer:
        asked = (request.method, request.url.path)
        if LOST[lost](request.url.path) and asked not in lost_yet:
            lost_yet.add(asked)
            raise httpx2.ReadError("lost")
        return response

    ready_desks.courier.after = lose_once
    welfare.ok("upload")
    assert lost_yet
    assert welfare.slept
    assert len(committed(ready_desks)) == len(receipts(welfare)) == 1


@pytest.fixture
def busy(ready_desks: NearBroker) -> None:
    """The broker is at as many checks as it takes, so that the next one waits for a worker."""
    for _ in range(MAX_CHECKS):
        ready_desks.broker.checks.acquire()


@pytest.mark.usefixtures("busy")
def test_the_check_is_waited_for(ready_desks: NearBroker, welfare: Desk) -> None:
    welfare.ok("upload")
    assert welfare.slept
    assert len(committed(ready_desks)) == len(receipts(welfare)) == len(commits(ready_desks)) == 1


@pytest.mark.usefixtures("busy")
def test_a_command_that_was_killed_while_it_waited_finds_the_check_again(
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
    welfare.ok("upload")
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


def test_uploading_twice_changes_nothing(ready_desks: NearBroker, welfare: Desk) -> None:
    parts = Parts(ready_desks)
    welfare.ok("upload")
    n_sent, kept = len(parts.order), receipts(welfare)
    welfare.ok("upload")
    assert (len(parts.order), receipts(welfare)) == (n_sent, kept)


def test_an_unspent_nonce_may_be_encoded_for_again_and_the_last_container_goes_out(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    first = read_slowly(container(welfare))
    welfare.ok("encode")
    second = read_slowly(container(welfare))
    assert not set(first.handles) & set(second.handles)
    parts = Parts(ready_desks)
    welfare.ok("upload")
    assert parts.whole() == container(welfare)


def test_the_nonce_is_spent_on_disk_before_the_first_byte_leaves(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    spent_at: dict[str, bool] = {}

    def look(request: httpx2.Request) -> Answer | None:
        found = workspace(welfare)
        nonces = Nonces(found.nonces(PROJECT), PROJECT, found.key())
        spent_at.setdefault(
            f"{request.method} {request.url.path.split('/')[-1]}", nonces.is_spent(1)
        )
        return None

    ready_desks.courier.before = look
    welfare.ok("upload")
    assert not spent_at["GET uploads"]
    assert spent_at["POST uploads"]
    assert spent_at["PUT 0"]


def test_after_the_first_byte_no_other_container_goes_out_and_no_other_nonce(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    former = container(welfare)
    welfare.ok("encode")
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
    slow = read_slowly(former)
    changed = stated | {
        "root": slow.root,
        "container_sha256": hashlib.sha256(slow.head).hexdigest(),
    }
    path.write_bytes(former)
    manifest.write_text(json.dumps(changed, sort_keys=True, separators=(",", ":")), "utf-8")
    refused = welfare.type("upload")
    assert (refused.exit_code, "are never made twice" in refused.stderr) == (EXIT_REFUSED, True)
    assert {*parts.order} == {0, 1}
    path.write_bytes(last)
    manifest.write_text(json.dumps(stated, sort_keys=True, separators=(",", ":")), "utf-8")
    welfare.ok("upload")
    assert parts.whole() == last


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
    welfare.ok("round", "correct", "--reason", "workspace-lost")
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


def test_encodings_that_the_terms_no_longer_fit_are_not_sent(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    path = workspace(welfare).container(PROJECT, 1, "schools").with_suffix(".json")
    stated = json.loads(path.read_bytes())
    parts = Parts(ready_desks)
    for changed in ({"epoch": 2}, {"profile": "0" * 64}, {"population": "all-pupils"}):
        path.write_text(
            json.dumps(stated | changed, sort_keys=True, separators=(",", ":")), "utf-8"
        )
        assert welfare.type("upload").exit_code != 0
    assert parts.order == []
    assert committed(ready_desks) == []


@pytest.mark.parametrize("parts", [1, 2, 10**6])
def test_nonsensical_parts_are_refused(ready_desks: NearBroker, welfare: Desk, parts: int) -> None:
    def confuse(request: httpx2.Request, response: Answer) -> Answer:
        if request.method == "POST" and request.url.path.endswith("/uploads"):
            return answer_with(response, response.json() | {"parts": parts})
        return response

    ready_desks.courier.after = confuse
    refused = welfare.type("upload")
    assert "parts that the container does not have" in refused.stderr
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


@pytest.mark.parametrize("name", FORGERIES)
@pytest.mark.campaign("receipts", database="sqlite")
def test_receipt_that_proves_nothing_is_not_kept(
    ready_desks: NearBroker, welfare: Desk, name: str
) -> None:
    def forge(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/receipt"):
            return answer_with(response, FORGERIES[name](response.json()))
        return response

    ready_desks.courier.after = forge
    refused = welfare.type("upload")
    assert refused.exit_code not in (0, EXIT_UNREACHABLE)
    assert "receipt" in refused.stderr
    assert receipts(welfare) == []
    assert_silent(refused.stderr + refused.stdout, welfare)


@pytest.mark.campaign("receipts", database="sqlite")
def test_receipt_of_another_upload_is_refused(ready_desks: NearBroker, welfare: Desk) -> None:
    schools = ready_desks.desks["schools"]
    schools.ok("encode")
    theirs: list[dict[str, Any]] = []

    def swap(request: httpx2.Request, response: Answer) -> Answer:
        if request.url.path.endswith("/receipt"):
            theirs.append(response.json())
            return answer_with(response, theirs[0] | {"subject": theirs[-1]["subject"]})
        return response

    ready_desks.courier.after = swap
    schools.ok("upload")
    refused = welfare.type("upload")
    assert "the receipt proves nothing" in refused.stderr
    assert receipts(welfare) == []


@pytest.mark.campaign("receipts", database="sqlite")
def test_log_that_forgets_the_receipt_is_refused(ready_desks: NearBroker, welfare: Desk) -> None:
    welfare.ok("upload")
    ready_desks.rewrite_log()
    refused = welfare.type("upload")
    assert refused.exit_code != 0
    assert "log" in refused.stderr
    assert any(workspace(welfare).pins.glob("*evidence*"))


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


def test_nothing_that_is_said_or_logged_holds_token_handle_or_row(
    ready_desks: NearBroker, welfare: Desk
) -> None:
    said = [welfare.type("encode"), welfare.type("upload"), welfare.type("encode")]
    spoken = "".join(one.stdout + one.stderr for one in said) + ready_desks.logs.getvalue()
    assert_silent(spoken, welfare)
    tokens = [
        raw.decode() for raw in ready_desks.courier.seen if raw.startswith(b'{"access_token"')
    ]
    assert tokens
    assert not [one for one in tokens if json.loads(one)["access_token"] in spoken]
