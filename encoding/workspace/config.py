"""`blindlink.toml`: what one agency has decided for one project, without any secret in it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Self, TypeVar, get_args

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from encoding.errors import ConfigError
from encoding.files import why_unread
from schemas.documents.document import Model
from schemas.documents.ids import Code, Name
from schemas.shared.written_answers import TOML_HINT, line_of, setting_fault

CONFIG_NAME: Final = "blindlink.toml"
# Of one party's linkages with many, in the folder above theirs.
HUB_NAME: Final = "hub.toml"
TODAY: Final = "today"

# Loopback is no exception to TLS: a token sent in the clear once is a token lost.
_URL_PATTERN: Final = r"^https://[^\s/?#@]+(/[^\s?#]*)?$"


def _broker_url(text: str) -> str:
    if not is_broker_url(text):
        raise ValueError(
            "must be an address that begins with https://, without a name before an @, a ? or a #"
        )
    return text


BrokerUrl = Annotated[str, AfterValidator(_broker_url)]
Text = Annotated[str, Field(min_length=1, max_length=4096)]
ModelT = TypeVar("ModelT", bound=Model)


class BrokerSection(Model):
    """Where the broker is and how it is known; `ca_file` is null where the computer trusts it already.

    `log_key` is the broker's log key as the operator gave it; null means: trust the first one that is seen.
    """

    url: BrokerUrl
    ca_file: Text | None = None
    log_key: Text | None = None


class ProjectSection(Model):
    """Which project, as which party, with which secret."""

    name: Name
    party: Name
    secret_file: Text = "secret.txt"  # noqa: S105 - a file's name


class IdentitySection(Model):
    """As whom commands act at the broker: the file of the person's keys, and what opens it.

    Without a key file or a passphrase file, commands ask for the passphrase.
    """

    file: Text = "identity.txt"
    key_file: Text | None = None
    passphrase_file: Text | None = None

    @model_validator(mode="after")
    def _is_opened_in_one_way(self) -> Self:
        if self.key_file is not None and self.passphrase_file is not None:
            raise ValueError("name a key file or a passphrase file, not both")
        return self


class ReadingSection(Model):
    """How a file is read; `date_format` is null where the file holds no date."""

    encoding: Text = "utf-8-sig"
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    sheet: Text | None = None
    date_format: Text | None = None


class EligibleSection(Model):
    """Which records are meant, where the file tells: those with one of these values in a column."""

    column: Text
    values: Annotated[tuple[Text, ...], Field(min_length=1)]


class InputSection(ReadingSection):
    """The agency's own file and how to read it; `only` is null where all its records take part."""

    file: Text
    id_column: Text
    as_of: Text = TODAY
    population: Code
    only: EligibleSection | None = None

    @field_validator("as_of")
    @classmethod
    def _is_a_day(cls, value: str) -> str:
        if value == TODAY or is_iso_date(value):
            return value
        raise ValueError('must be "today" or a date such as 2026-01-31')


class ShareSection(Model):
    """The columns that may be handed over beside a link ID; empty means none.

    For deliveries by the broker, empty means all that the agreement lists. `keep` are columns of the own file
    to write beside what partners have delivered.
    """

    columns: tuple[Text, ...] = ()
    keep: tuple[Text, ...] = ()


class ReportSection(Model):
    """What the report of a round says beside totals: match rates by these columns, and of whom else.

    Nothing of it leaves this computer. `age_bands` are the first ages of the groups by age, increasing; empty:
    there are none. `eligible` is null where all records are of the agreed population.
    """

    subgroups: Annotated[tuple[Text, ...], Field(max_length=16)] = ()
    age_bands: Annotated[tuple[Annotated[int, Field(ge=0, le=120)], ...], Field(max_length=16)] = ()
    eligible: EligibleSection | None = None

    @field_validator("age_bands")
    @classmethod
    def _ages_increase(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if list(value) != sorted(set(value)):
            raise ValueError("the first ages of the bands must increase")
        return value

    @model_validator(mode="after")
    def _eligible_is_no_subgroup(self) -> Self:
        if self.eligible is not None and self.eligible.column in self.subgroups:
            raise ValueError("the column of eligible records cannot be a subgroup too")
        return self


class OutputSection(Model):
    """Where results and the workspace are."""

    links: Text = "links.csv"
    workspace: Text = "workspace"


class FileSections(Model):
    """The sections about the agency's file; `columns` maps names of the recipe to headers of the file.

    `input` is null where a party, or a person, has no records.
    """

    input: InputSection | None = None
    columns: dict[Text, Text] = Field(default_factory=dict)
    share: ShareSection = ShareSection()
    report: ReportSection = ReportSection()


class ConfigFile(FileSections):
    """The sections of the file; `identity` is null where a token lies in a file."""

    broker: BrokerSection
    identity: IdentitySection
    project: ProjectSection
    output: OutputSection = OutputSection()


@dataclass(frozen=True, slots=True)
class Config:
    """The settings and the folder that their relative paths start from."""

    folder: Path
    sections: ConfigFile

    def resolve(self, path: str) -> Path:
        """Return a path of the file as this process must open it."""
        return settings_path(self.folder, path)

    @property
    def source(self) -> InputSection:
        """The agency's own file.

        Raises:
            ConfigError: the settings name none.
        """
        if self.sections.input is None:
            raise ConfigError(
                "the settings name no file of people, because this party only receives",
                hint="name it in the section [input], or make settings with: blindlink init",
            )
        return self.sections.input

    def as_of(self, today: date) -> str:
        """Return the day that the agency's file describes, as an ISO date."""
        given = self.source.as_of
        return today.isoformat() if given == TODAY else given


def settings_path(folder: Path, path: str) -> Path:
    """Return a path of a settings file in a folder, where `~` stands for the user's home."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:
        # A file is called ~pupils.csv, and no user is.
        return folder / path


def read_config(path: Path) -> Config:
    """Read `blindlink.toml`.

    Raises:
        ConfigError: it is missing, not TOML, or says something impossible; names the field, not its content.
    """
    raw, text = read_settings(
        path, hint="begin with the invitation that you got: blindlink start FILE"
    )
    return Config(path.resolve().parent, parse_sections(raw, path.name, text))


def read_settings(path: Path, *, hint: str) -> tuple[dict[str, object], str]:
    """Return what a settings file says, and its text; `hint` says how to make one.

    Raises:
        ConfigError: it is missing, or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw: dict[str, object] = tomllib.loads(text)
    except FileNotFoundError as exc:
        raise ConfigError(f"there is no settings file {path.name} here", hint=hint) from exc
    except (OSError, UnicodeDecodeError) as exc:
        otherwise = f"{path.name} cannot be read as UTF-8 text"
        raise ConfigError(why_unread(exc, path, otherwise)) from exc
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path.name} is not TOML: {exc}", hint=TOML_HINT) from exc
    return raw, text


def parse_sections(
    raw: Mapping[str, object], name: str = CONFIG_NAME, text: str = ""
) -> ConfigFile:
    """Check the sections as TOML gives them; `text` is the file, for the numbers of its lines.

    Raises:
        ConfigError: an unknown, missing or impossible field.
    """
    return parse_settings(ConfigFile, raw, name, text)


def parse_settings(
    kind: type[ModelT], raw: Mapping[str, object], name: str, text: str = ""
) -> ModelT:
    """Check settings of some kind as TOML gives them; `text` is as for `parse_sections`.

    Raises:
        ConfigError: an unknown, missing or impossible field.
    """
    try:
        # By way of JSON, since a strict reader of Python values would refuse TOML's lists and dates.
        return kind.model_validate_json(json.dumps(raw, default=str))
    except ValidationError as exc:
        raise ConfigError(f"{name}: {_describe(exc, kind, text)}") from None


def _describe(error: ValidationError, root: type[Model], text: str) -> str:
    """Return one sentence about the first wrong key, in the words of the file and without any value."""
    found = error.errors(include_input=False, include_url=False)
    # A key that is written wrongly is missing, too; where it was written is what its writer looks for.
    first = next((one for one in found if one["type"] == "extra_forbidden"), found[0])
    *above, last = map(str, first["loc"] or ("",))
    section = f"the section [{'.'.join(above)}]" if above else "the file"
    word = "key" if above else "section"
    if first["type"] == "extra_forbidden":
        near = get_close_matches(last, _known_keys(root, above), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        number = line_of(text, ".".join(above), last)
        return f"{'' if number is None else f'line {number}, '}{section} has no {word} {last}{hint}"
    if first["type"] == "missing":
        return f"{section} lacks the {word} {last}"
    return setting_fault(first, text)


def _known_keys(kind: type[Model], path: Sequence[str]) -> list[str]:
    """Return what may stand in a section of settings of a kind, which is itself known."""
    for name in path:
        declared = kind.model_fields[name].annotation
        kind = next(
            one
            for one in (declared, *get_args(declared))
            if isinstance(one, type) and issubclass(one, Model)
        )
    return list(kind.model_fields)


def is_broker_url(text: str) -> bool:
    """Tell whether a text is an address at which a broker can be asked."""
    return re.fullmatch(_URL_PATTERN, text) is not None


def is_iso_date(text: str) -> bool:
    """Tell whether a text is a day that exists, written as 2026-01-31."""
    try:
        # Written back and compared, since fromisoformat also reads 20260131 and 2026-W05-6.
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def render_config(sections: ConfigFile) -> str:
    """Return the text of `blindlink.toml`: every section, with what each line means."""
    project = sections.project
    lines = [
        "# What this agency has decided for one project. No secret is in this file.",
        "# Paths start from the folder of this file.",
        "",
        *broker_lines(sections.broker, sections.identity),
        "[project]",
        setting_line("name", project.name),
        "# Your agency's name in the project.",
        setting_line("party", project.party),
        "# The secret that only the agencies share; the broker must never have it.",
        setting_line("secret_file", project.secret_file),
        "",
        *file_lines(sections),
        "[output]",
        setting_line("links", sections.output.links),
        "# What must be remembered: handle map, receipts, the log as last seen. Only you may read it.",
        setting_line("workspace", sections.output.workspace),
    ]
    return "\n".join(lines) + "\n"


def broker_lines(broker: BrokerSection, identity: IdentitySection) -> list[str]:
    """Return the lines of where the broker is, and as whom commands act there."""
    return [
        "[broker]",
        setting_line("url", broker.url),
        "# The broker's certificate, if this computer does not trust it already.",
        setting_line("ca_file", broker.ca_file, "broker-ca.pem"),
        "# The broker's log key, as the operator gave it to you; without it, the first one seen is trusted.",
        setting_line("log_key", broker.log_key, "broker.example.gov+..."),
        "",
        *_identity_lines(identity),
    ]


def file_lines(sections: FileSections) -> list[str]:
    """Return the lines of the file, its columns, and what becomes of them."""
    return [
        *_input_lines(sections.input),
        *column_lines(sections.columns),
        "",
        "# Columns that may be handed over beside a link ID, as the agreement says.",
        "[share]",
        _list("columns", sections.share.columns),
        "# Columns of your own file to write beside what a partner delivers (blindlink attach).",
        _list("keep", sections.share.keep),
        "",
        *_report_lines(sections.report),
    ]


def _report_lines(report: ReportSection) -> list[str]:
    """Return the lines of what the report of a round shows by groups; nothing of it leaves the computer."""
    eligible = report.eligible
    return [
        "# Columns and ages by which the report of a round shows match rates; they never leave this computer.",
        "[report]",
        _list_line("subgroups", [_text(one) for one in report.subgroups], '["race", "county"]'),
        _list_line("age_bands", [str(one) for one in report.age_bands], "[5, 11, 15, 18]"),
        "# If only some records are of the agreed population: the column that says which, and its values.",
        _which("eligible", eligible, '{ column = "in_state", values = ["Y"] }'),
        "",
    ]


def _which(name: str, records: EligibleSection | None, example: str) -> str:
    if records is None:
        return f"# {name} = {example}"
    values = ", ".join(map(_text, records.values))
    return f"{name} = {{ column = {_text(records.column)}, values = [{values}] }}"


def _list_line(name: str, values: list[str], example: str) -> str:
    return f"{name} = [{', '.join(values)}]" if values else f"# {name} = {example}"


def _identity_lines(identity: IdentitySection) -> list[str]:
    return [
        "# Your own keys, with which you act at the broker; made by: blindlink people new",
        "[identity]",
        setting_line("file", identity.file),
        "# For unattended runs: the key file that opens them. Without it you are asked for the passphrase.",
        setting_line("key_file", identity.key_file, "identity.key"),
        setting_line("passphrase_file", identity.passphrase_file, "passphrase.txt"),
        "",
    ]


def _input_lines(source: InputSection | None) -> list[str]:
    if source is None:
        return []
    return [
        "[input]",
        "# Your file of people: CSV, XLSX or Parquet, one row a record.",
        setting_line("file", source.file),
        *reading_lines(source, source.id_column),
        '# The day that the file describes: "today", or a date such as "2026-01-31".',
        setting_line("as_of", source.as_of),
        "# Which people are in the file, by the agreement's own code.",
        setting_line("population", source.population),
        "# If only some records of the file take part: the column that says which, and its values.",
        _which("only", source.only, '{ column = "last_district", values = ["017"] }'),
        "",
    ]


def reading_lines(reading: ReadingSection, id_column: str | None) -> list[str]:
    """Return the lines that say how a file is read, with what each means; null: it has no record IDs."""
    return [
        "# The column of your record IDs; it never leaves this computer.",
        setting_line("id_column", id_column, "ID"),
        '# How the text is stored: "utf-8-sig" (UTF-8), "cp1252" (Windows), "latin-1".',
        setting_line("encoding", reading.encoding),
        setting_line("delimiter", reading.delimiter),
        "# The sheet of an XLSX workbook; the first one unless you say otherwise.",
        setting_line("sheet", reading.sheet, "Sheet1"),
        "# How dates are written in your file.",
        setting_line("date_format", reading.date_format, "MM/DD/YYYY"),
    ]


def column_lines(columns: Mapping[str, str]) -> list[str]:
    """Return the section of what the recipe calls a column, and the file."""
    return [
        "# What the recipe calls a column = what your file calls it.",
        "[columns]",
        *(f"{_key(name)} = {_text(header)}" for name, header in columns.items()),
    ]


def setting_line(key: str, value: str | None, example: str = "") -> str:
    """Return a line of a settings file; null is a comment with an example."""
    return f"# {key} = {_text(example)}" if value is None else f"{key} = {_text(value)}"


def _list(key: str, values: Sequence[str]) -> str:
    return f"{key} = [{', '.join(map(_text, values))}]"


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _text(name)


def _text(value: str) -> str:
    # TOML's basic strings read JSON's escapes, and want DEL escaped too, which JSON leaves.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
