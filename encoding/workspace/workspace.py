"""The workspace: what one agency must remember between commands, in a folder that only its owner may enter.

workspace.key       key of handle maps and secrets; never replaced, and sealed to persons once it is protected
keepers.sealed      to whom workspace key and backups are sealed
project.json        the project as the broker last showed it
handles/            one sealed handle map a container: which handle stood for which record
nonces/             one sealed file a project: nonces that this workspace drew, and what they were used for
snapshots/          one sealed file a container of the last rounds: what each record was like
ledgers/            one sealed file a link-ID set: which record has which link ID, and what was unlinked
links/              one sealed file a round of a link-ID set: which records its file of links had
history/            one sealed file a round: its report, in numbers
alarms/             one sealed file a project: rounds that were not applied here, and why
secrets/            one sealed file for the secret of a project and epoch
agreements/         one file a project: the agreements that this agency keeps, with their signatures
peers.json          whose keys this agency trusts
deliveries/         what was delivered last to and from each partner, sealed
outbox/             containers of rounds that are not over, each with its manifest
receipts/           one receipt an upload, release or delivery
disclosed/          sealed files of rounds: which records were matched, and whose columns were delivered
said/               messages of the round that is not over, sealed, to go on after a kill; and unread ones
certificates/       one certificate of destruction each, with all that was signed about it
statements/         what this agency has stated to have deleted itself
destroying/         one file a project: what was removed here and not stated yet
crosswalks/         one sealed file a partner: pairs of records that are known from before
partitions/         one sealed file a project: how its records are put together where others review them
reviews/            questions and cards of reviews that are not over, sealed
decisions/          what each reviewer decides, and what is remembered of it, sealed
withdrawn/          one sealed file a project: the records that this agency has withdrawn
exports/            one sealed file a project: who was exported as in care, and since when
written.json        which files with link IDs, or of others, were written outside the workspace
frozen.json         what was frozen for studies, and until when each file may be kept
pins/               the broker's log as last seen
reports/            what the last check and the last privacy audit of the file found, in numbers
scratch/            emptied by the next command that needs it
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from encoding.errors import WorkspaceError, WorkspaceKeyError
from encoding.files import make_private_folder, write_durably
from encoding.owner_only import create_owner_only
from encoding.workspace.key import KEY_BYTES, Unlock, open_key_text, read_workspace_key
from encoding.workspace.lock import locked
from schemas.api.projects import ProjectView
from schemas.documents.errors import FormatError
from schemas.shared.durable import sync_folder

# What the file of a message ends with that was sent and could not be read: evidence.
UNREAD: Final = ".unread.sealed"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace folder that exists; `unlock` gives the person who works in it, where its key is sealed."""

    folder: Path
    unlock: Unlock | None = field(default=None, repr=False, compare=False)

    def opened_by(self, unlock: Unlock) -> Workspace:
        """Return the same workspace, as someone else opens it."""
        return replace(self, unlock=unlock)

    @property
    def key_file(self) -> Path:
        """Where the workspace key is kept, open or sealed."""
        return self.folder / "workspace.key"

    @property
    def keepers(self) -> Path:
        """Where it is kept, sealed, who can open the workspace."""
        return self.folder / "keepers.sealed"

    @property
    def pins(self) -> Path:
        """Where the broker's log is pinned."""
        return self.folder / "pins"

    @property
    def log_key(self) -> Path:
        """Where the key of the broker's log is pinned."""
        return self.folder / "log.vkey"

    @property
    def receipts(self) -> Path:
        """Where receipts are kept, one file each."""
        return self.folder / "receipts"

    @property
    def certificates(self) -> Path:
        """Where certificates of destruction are kept, one file each."""
        return self.folder / "certificates"

    @property
    def statements(self) -> Path:
        """Where this agency's statements of destruction are kept, one file each."""
        return self.folder / "statements"

    @property
    def destroying(self) -> Path:
        """Where it is noted what was removed here and not stated yet."""
        return self.folder / "destroying"

    @property
    def written_files(self) -> Path:
        """Where the files are listed that commands wrote outside the workspace."""
        return self.folder / "written.json"

    @property
    def frozen_files(self) -> Path:
        """Where it is listed what was frozen for studies."""
        return self.folder / "frozen.json"

    def withdrawn(self, project: str) -> Path:
        """Where the withdrawn records of a project are kept."""
        return self.folder / "withdrawn" / f"{project}.sealed"

    def crosswalk(self, project: str, partner: str) -> Path:
        """Where the known pairs with a partner are kept."""
        return self.folder / "crosswalks" / f"{project}.{partner}.sealed"

    def partition(self, project: str) -> Path:
        """Where it is kept which records of a project are put together, where others review them."""
        return self.folder / "partitions" / f"{project}.sealed"

    def review(self, project: str, run: str) -> Path:
        """Where the questions and cards of a review are kept."""
        return self.folder / "reviews" / f"{project}.{run}.sealed"

    def reviews(self, project: str) -> tuple[str, ...]:
        """Return the runs whose questions and cards are kept, in order."""
        found = (self.folder / "reviews").glob(f"{project}.*.sealed")
        return tuple(sorted(path.name.split(".")[1] for path in found))

    def journal(self, project: str, run: str, person: str) -> Path:
        """Where it is kept what a person decides in a review."""
        return self.folder / "decisions" / f"{project}.{run}.{person}.sealed"

    def journals(self, project: str) -> tuple[tuple[str, str], ...]:
        """Return run and person of each journal that is kept, in order."""
        found = (self.folder / "decisions").glob(f"{project}.run-*.per-*.sealed")
        parts = (path.name.split(".") for path in found)
        return tuple(sorted((run, person) for _, run, person, _ in parts))

    def verdicts(self, project: str, partner: str) -> Path:
        """Where it is kept what reviewers decided of pairs with a partner, for the rounds that follow."""
        return self.folder / "decisions" / f"{project}.{partner}.verdicts.sealed"

    def container(self, project: str, number: int, partner: str) -> Path:
        """Where the container for a partner in a round is kept; its manifest stands beside it."""
        return self.folder / "outbox" / f"{project}.{number}.{partner}.enc"

    def containers(self, project: str) -> tuple[tuple[int, str], ...]:
        """Return round and partner of each container that is kept."""
        return self._rounds("outbox", project, ".enc")

    def said(self, project: str) -> tuple[tuple[int, Path], ...]:
        """Return where each message of rounds is kept that could be read, after its round, in order."""
        found = (self.folder / "said").glob(f"{project}.*.sealed")
        found = (path for path in found if not path.name.endswith(UNREAD))
        # Neither names of projects nor of parties hold a dot.
        return tuple(sorted((int(path.name.split(".")[1]), path) for path in found))

    def handle_map(self, project: str, number: int, partner: str) -> Path:
        """Where the handle map of a container is kept."""
        return self.folder / "handles" / f"{project}.{number}.{partner}.map"

    def handle_maps(self, project: str) -> tuple[tuple[int, str], ...]:
        """Return round and partner of each handle map, in order."""
        return self._rounds("handles", project, ".map")

    def snapshot(self, project: str, number: int, partner: str) -> Path:
        """Where it is kept what the records of a container were like."""
        return self.folder / "snapshots" / f"{project}.{number}.{partner}.sealed"

    def snapshots(self, project: str) -> tuple[tuple[int, str], ...]:
        """Return round and partner of each snapshot, in order."""
        return self._rounds("snapshots", project, ".sealed")

    def links_of_round(self, project: str, space: str, number: int) -> Path:
        """Where it is kept which records the file of links of a round had."""
        return self.folder / "links" / f"{project}.{number}.{space}.sealed"

    def rounds_with_links(self, project: str, space: str) -> tuple[int, ...]:
        """Return the rounds of which files of links were written, in order."""
        return tuple(of for of, name in self._rounds("links", project, ".sealed") if name == space)

    def round_report(self, project: str, space: str, number: int) -> Path:
        """Where the report of a round is kept."""
        return self.folder / "history" / f"{project}.{number}.{space}.sealed"

    def rounds_with_report(self, project: str, space: str) -> tuple[int, ...]:
        """Return the rounds whose report is kept, in order."""
        found = self._rounds("history", project, ".sealed")
        return tuple(of for of, name in found if name == space)

    def held_change(self, project: str, space: str) -> Path:
        """Where it is kept that the links of a round wait until someone accepts how many end."""
        return self.folder / "links" / f"held-{project}.{space}.sealed"

    def alarms(self, project: str) -> Path:
        """Where it is kept which closed rounds were not applied here because of an alarm."""
        return self.folder / "alarms" / f"{project}.list.sealed"

    def nonces(self, project: str) -> Path:
        """Where this workspace's nonces for a project are kept."""
        return self.folder / "nonces" / f"{project}.sealed"

    def ledger(self, project: str, space: str) -> Path:
        """Where the ledger of a link-ID set is kept."""
        return self.folder / "ledgers" / f"{project}.{space}.sealed"

    def kept_secret(self, project: str, epoch: int) -> Path:
        """Where the secret of a project and epoch is kept, and what it is made of until then."""
        return self.folder / "secrets" / f"{project}-{epoch}.sealed"

    def epochs_with_secret(self, project: str) -> tuple[int, ...]:
        """Return the epochs of a project whose secret is kept here, or is being agreed on."""
        return self._epochs("secrets", project, ".sealed")

    def agreements(self, project: str) -> Path:
        """Where the agreements of a project are kept, with what was signed about them."""
        return self.folder / "agreements" / f"{project}.json"

    @property
    def peers(self) -> Path:
        """Where the persons are listed whose keys this agency trusts."""
        return self.folder / "peers.json"

    def report(self, project: str, kind: str) -> Path:
        """Where the last report of one kind about the file of a project is kept."""
        return self.folder / "reports" / f"{project}.{kind}.json"

    def _epochs(self, folder: str, project: str, suffix: str) -> tuple[int, ...]:
        stems = (path.stem for path in (self.folder / folder).glob(f"{project}-*{suffix}"))
        numbers = (stem.removeprefix(f"{project}-") for stem in stems)
        return tuple(sorted(int(number) for number in numbers if number.isdecimal()))

    def _rounds(self, folder: str, project: str, suffix: str) -> tuple[tuple[int, str], ...]:
        # Neither names of projects nor of parties hold a dot.
        stems = (path.stem for path in (self.folder / folder).glob(f"{project}.*{suffix}"))
        parts = (stem.split(".") for stem in stems)
        return tuple(sorted((int(number), partner) for _, number, partner in parts))

    def lock(self) -> contextlib.AbstractContextManager[None]:
        """Return the lock that a command holds while it changes the workspace."""
        return locked(self.folder / "lock")

    def refresh_lock(self) -> contextlib.AbstractContextManager[None]:
        """Return the lock that `refresh` holds from its first step to its last."""
        return locked(self.folder / "refresh-lock")

    def review_lock(self, person: str) -> contextlib.AbstractContextManager[None]:
        """Return the lock of a person who is at a review: nobody else writes their journal."""
        make_private_folder(self.folder / "review-locks")
        return locked(self.folder / "review-locks" / person)

    @property
    def _scratch(self) -> Path:
        return self.folder / "scratch"

    def left_in_scratch(self) -> tuple[Path, ...]:
        """Return the files that a killed command left, in order; call it under the lock."""
        return tuple(sorted(path for path in self._scratch.rglob("*") if not path.is_dir()))

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give an empty folder for as long as the block lasts; call it under the lock.

        What a killed command left in it goes first.
        """
        folder = self._scratch
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def key(self) -> bytes:
        """Return the workspace key; call it under the lock, since the first call makes it.

        Raises:
            WorkspaceKeyError: it is missing though there are handle maps, exposed to others, malformed, or
                sealed to others than anyone who works here.
            IdentityError: it is sealed, and own keys cannot be used.
        """
        path = self.key_file
        if not path.exists():
            sealed = ("handles/*.map", "secrets/*.sealed", "keepers.sealed")
            if any(found for pattern in sealed for found in self.folder.glob(pattern)):
                raise WorkspaceKeyError(
                    "the workspace key is gone, and what it sealed cannot be read without it",
                    hint="restore the workspace from its backup",
                )
            create_owner_only(path, open_key_text(secrets.token_bytes(KEY_BYTES)))
            sync_folder(self.folder)
        return read_workspace_key(path, self.unlock)

    def keep_project(self, view: ProjectView) -> None:
        """Remember the project as the broker has just shown it."""
        write_durably(self.folder / "project.json", view.to_canonical())

    def project(self) -> ProjectView | None:
        """Return the project as it was last seen; None if it never was."""
        try:
            raw = (self.folder / "project.json").read_bytes()
        except FileNotFoundError:
            return None
        try:
            return ProjectView.from_canonical(raw)
        except FormatError as exc:
            raise WorkspaceError(
                "the project's terms in the workspace are damaged",
                hint="remove project.json from the workspace; it is fetched again",
            ) from exc


def open_workspace(folder: Path, unlock: Unlock | None = None) -> Workspace:
    """Return the workspace in `folder`, making the folders that are missing.

    Raises:
        WorkspaceError: the folders cannot be made.
    """
    try:
        make_private_folder(folder)
        for name in (
            "handles", "ledgers", "nonces", "outbox", "pins", "receipts", "reports", "secrets",
        ):  # fmt: skip
            make_private_folder(folder / name)
    except OSError as exc:
        raise WorkspaceError(f"the workspace {folder} cannot be made: {exc.strerror}") from exc
    return Workspace(folder, unlock)
