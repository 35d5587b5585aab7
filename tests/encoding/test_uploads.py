"""Uploading: every part once, whatever is lost on the way, and no receipt that proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from oracles.agency import Agency
from oracles.near_broker import NearBroker, document

from encoding.client import BrokerClient
from encoding.errors import (
    AgencyError,
    BrokerAnswerError,
    BrokerUnreachableError,
    ConfigError,
    LogRewrittenError,
    ProjectChangedError,
    ReceiptError,
)
from encoding.pins import PinnedLog
from encoding.receipts import ReceiptFolder, verify_kept
from schemas.api import ProjectView

Connect = Callable[[str], BrokerClient]


@pytest.fixture
def agency(tmp_path: Path, view: ProjectView, secret, people, write_people) -> Agency:
    agency = Agency(tmp_path, view, secret)
    agency.encode(write_people(people))
    return agency


def puts(broker: NearBroker) -> list[str]:
    return [path.rsplit("/", 1)[1] for method, path in broker.courier.requests if method == "PUT"]


def test_broker_receives_the_container_byte_for_byte(agency, broker, client_of: Connect) -> None:
    agency.upload(client_of("welfare"))
    (upload,) = broker.uploads.values()
    assert upload.container() == agency.container()
    assert upload.view.state == "committed"


def test_progress_ends_with_the_whole(agency, client_of: Connect) -> None:
    agency.upload(client_of("welfare"))
    assert agency.sent[0] == 0
    assert agency.sent[-1] == len(agency.container())
    assert agency.sent == sorted(agency.sent)


def test_receipt_is_kept_and_verifies_without_the_broker(agency, client_of: Connect) -> None:
    kept = agency.upload(client_of("welfare"))
    folder = ReceiptFolder(agency.workspace.receipts)
    (found,) = folder.all()
    assert found == kept == folder.find(kept.receipt.subject)
    log = PinnedLog(agency.workspace.pins, agency.workspace.log_key)
    proven = verify_kept(found, "welfare", log.key(None, client_of("welfare")))
    assert proven.entry.kind == "upload-received"


def test_checkpoint_of_the_receipt_is_pinned(agency, broker, client_of: Connect) -> None:
    agency.upload(client_of("welfare"))
    (pin,) = PinnedLog(agency.workspace.pins, agency.workspace.log_key).pins()
    assert pin.checkpoint.size == 1


def test_stored_parts_are_not_sent_again(agency, broker, client_of: Connect) -> None:
    n_sent = 0

    def cut_off(request: httpx2.Request) -> httpx2.Response | None:
        nonlocal n_sent
        n_sent += request.method == "PUT"
        if n_sent > 3:
            raise httpx2.ConnectError("cut off")
        return None

    broker.courier.before = cut_off
    with pytest.raises(BrokerUnreachableError):
        agency.upload(client_of("welfare"))
    broker.courier.before = lambda _: None
    agency.upload(client_of("welfare"))
    (upload,) = broker.uploads.values()
    assert upload.container() == agency.container()
    assert sorted(set(puts(broker)), key=int) == [str(n) for n in range(upload.view.parts)]
    # Three stored, one cut off as often as patience allows, then the rest.
    assert puts(broker)[:3] == ["0", "1", "2"]
    assert puts(broker)[-(upload.view.parts - 3) :][0] == "3"


@pytest.mark.parametrize("lost", ["uploads", "parts", "commit", "receipt", "checkpoint"])
def test_every_lost_answer_ends_in_one_committed_upload(agency, broker, client_of, lost) -> None:
    lost_yet = set()

    def lose_once(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        name = request.url.path.split("/")[-1 if "parts" not in request.url.path else -2]
        if name == lost and request.url.path not in lost_yet:
            lost_yet.add(request.url.path)
            raise httpx2.ReadError("lost")
        return response

    broker.courier.after = lose_once
    agency.upload(client_of("welfare"))
    assert [each.view.state for each in broker.uploads.values()] == ["committed"]
    assert len(broker.log.entries) == 1


def test_killed_after_the_commit_the_receipt_is_fetched(agency, broker, client_of) -> None:
    first = agency.upload(client_of("welfare"))
    for path in agency.workspace.receipts.iterdir():
        path.unlink()
    again = agency.upload(client_of("welfare"))
    assert again.receipt.subject == first.receipt.subject
    assert len(broker.uploads) == 1


def test_uploading_twice_changes_nothing(agency, broker, client_of) -> None:
    agency.upload(client_of("welfare"))
    n_puts = len(puts(broker))
    agency.upload(client_of("welfare"))
    assert (len(broker.uploads), len(puts(broker))) == (1, n_puts)


def test_same_encodings_of_another_day_are_a_new_upload(
    agency, broker, client_of, people, write_people
):
    agency.upload(client_of("welfare"))
    agency.encode(write_people(people), as_of="2026-11-27")
    kept = agency.upload(client_of("welfare"))
    assert len(broker.uploads) == 2
    assert kept.manifest.manifest.as_of == "2026-11-27"


def test_new_terms_need_no_new_encodings(agency, broker, client_of, view_with) -> None:
    agency.view = broker.view = view_with(end="2027-12-31")
    kept = agency.upload(client_of("welfare"))
    assert kept.manifest.manifest.agreement == broker.view.agreement


def test_new_profile_needs_new_encodings(agency, broker, client_of, view_of, profile_with) -> None:
    agency.view = broker.view = view_of(profile_with(name="other"))
    with pytest.raises(ProjectChangedError):
        agency.upload(client_of("welfare"))
    assert broker.uploads == {}


def test_new_epoch_needs_new_encodings(agency, broker, client_of, view_with) -> None:
    agency.view = broker.view = view_with(epoch=2)
    with pytest.raises(ProjectChangedError):
        agency.upload(client_of("welfare"))


@pytest.mark.parametrize(
    "change", [{"population": "all-pupils"}, {"providers": ("schools", "someone-else")}]
)
def test_upload_that_the_terms_do_not_name_is_not_sent(
    agency, broker, client_of, view_with, change
):
    agency.view = view_with(**change)
    with pytest.raises(ConfigError):
        agency.upload(client_of("welfare"))
    assert broker.uploads == {}


@pytest.mark.parametrize(("part_bytes", "parts"), [(0, 1), (64, 1), (2**40, 1), (1, 10**6)])
def test_nonsensical_parts_are_refused(agency, broker, client_of, part_bytes, parts) -> None:
    def confuse(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.method == "POST" and request.url.path.endswith("/uploads"):
            (upload,) = broker.uploads.values()
            changes = {"part_bytes": part_bytes, "parts": parts}
            return document(upload.view.model_copy(update=changes), 201)
        return response

    broker.courier.after = confuse
    with pytest.raises(BrokerAnswerError):
        agency.upload(client_of("welfare"))


class Forgery:
    """Changes the receipt that a commit is answered with."""

    def __init__(self, broker: NearBroker, change: Callable[[NearBroker], object]) -> None:
        self.broker, self.change = broker, change

    def __call__(self, request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
        if request.url.path.endswith("/commit"):
            return document(self.change(self.broker))
        return response


def receipt_of(broker: NearBroker):
    (upload,) = broker.uploads.values()
    return upload.receipt


@pytest.mark.parametrize(
    "change",
    [
        lambda b: receipt_of(b).model_copy(update={"subject": new_id("upl")}),
        lambda b: receipt_of(b).model_copy(update={"index": 1}),
        lambda b: receipt_of(b).model_copy(
            update={"entry": receipt_of(b).entry.replace('"records":4', '"records":5')}
        ),
        lambda b: receipt_of(b).model_copy(update={"proof": ("A" * 43 + "=",)}),
        lambda b: receipt_of(b).model_copy(
            update={"checkpoint": NearBroker(b.view).log.checkpoint()}
        ),
    ],
    ids=["other subject", "other place", "other entry", "other proof", "other log"],
)
def test_receipt_that_proves_nothing_is_not_kept(agency, broker, client_of, change) -> None:
    broker.courier.after = Forgery(broker, change)
    with pytest.raises(ReceiptError):
        agency.upload(client_of("welfare"))
    assert list(ReceiptFolder(agency.workspace.receipts).all()) == []


def test_receipt_of_another_upload_is_refused(
    agency, broker, client_of, people, write_people
) -> None:
    first = agency.upload(client_of("welfare")).receipt
    agency.encode(write_people(people[:3]))
    broker.courier.after = Forgery(broker, lambda _: first)
    with pytest.raises(ReceiptError, match="something else"):
        agency.upload(client_of("welfare"))


def test_log_that_forgets_the_receipt_is_refused(agency, broker, client_of) -> None:
    agency.upload(client_of("welfare"))
    broker.log.entries[0] = b"nothing was uploaded"
    with pytest.raises(LogRewrittenError):
        agency.upload(client_of("welfare"))


def test_no_message_holds_token_handle_or_encoding(agency, broker, client_of) -> None:
    broker.courier.after = Forgery(broker, lambda b: receipt_of(b).model_copy(update={"index": 9}))
    with pytest.raises(AgencyError) as caught:
        agency.upload(client_of("welfare"))
    spoken = f"{caught.value} {caught.value.hint} {caught.value.args} {caught.value.__cause__}"
    assert "bl_welfare" not in spoken
    for handle in agency.encodings():
        assert handle.hex() not in spoken
