"""What `blindlink init` asks, and how it reads columns off the agency's file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from encoding.cli.terminal.options import split_columns
from encoding.errors import AgencyError, ConfigError
from encoding.profiles.catalog import ColumnPreset, load_preset
from encoding.profiles.column_words import columns_by_header
from encoding.project.source import read_mapping
from encoding.records import open_table
from encoding.workspace.config import ConfigFile, parse_sections, settings_path
from schemas.documents.errors import CheckpointError
from schemas.signing.note import VerifierKey


@dataclass(frozen=True, slots=True)
class Question:
    """One field of the settings: what is asked, and the answer that Enter gives; null means none."""

    section: str
    field: str
    option: str
    text: str
    default: str | None = None


QUESTIONS: Final = (
    Question("broker", "url", "url", "Address of the broker (https://...)"),
    Question("project", "name", "project", "Name of the project"),
    Question("project", "party", "party", "Name of your agency in the project"),
    Question("identity", "file", "identity", "File of your own keys", "identity.txt"),
    Question("broker", "ca_file", "ca_file", "Certificate file of the broker (Enter: none)", ""),
    Question(
        "broker",
        "log_key",
        "log_key",
        "Log key of the broker, or its file (Enter: none)",
        "",
    ),
    Question("input", "file", "file", "Your file of people"),
    Question("input", "id_column", "id_column", "Column of your own number of a person"),
    Question("input", "date_format", "date_format", "How dates are written in it", "MM/DD/YYYY"),
    Question("input", "as_of", "as_of", "The day it describes", "today"),
    Question("input", "population", "population", "Population code of the agreement"),
)
UNASKED: Final = {
    "encoding": ("input", "encoding"),
    "delimiter": ("input", "delimiter"),
    "sheet": ("input", "sheet"),
    "key_file": ("identity", "key_file"),
    "secret_file": ("project", "secret_file"),
    "links": ("output", "links"),
    "workspace": ("output", "workspace"),
}
# What is not asked of the person who has settings from an invitation, and only names a file of people.
FILE_ALONE: Final[Mapping[str, Any]] = dict.fromkeys(
    ["key_file", "secret_file", "links", "workspace"]
    + [one.option for one in QUESTIONS if one.section != "input"]
) | {"without_file": False}
_ASKED: Final = ("broker", "identity", "project", "input", "output")


def ask_sections(
    given: Mapping[str, Any], folder: Path, known: ConfigFile | None = None, *, may_ask: bool
) -> ConfigFile:
    """Return the settings from the options given and, where it may ask, from answers."""
    if given["without_file"]:
        _refuse_words_about_no_file(given)
    preset = load_preset(given["preset"]) if given["preset"] else None
    defaults = {"id_column": preset.id_column, "date_format": preset.date_format} if preset else {}
    before = {} if known is None else known.model_dump(mode="json", exclude_none=True)
    raw: dict[str, dict[str, Any]] = {name: before.get(name, {}) for name in _ASKED}
    for question in QUESTIONS:
        is_about_file = question.section == "input"
        if is_about_file and given["without_file"]:
            continue
        is_asked = known is None or is_about_file
        answer = given[question.option] or (is_asked and _answer(question, defaults, may_ask))
        if answer:
            raw[question.section][question.field] = answer
    for option, (section, field) in UNASKED.items():
        if given[option]:
            raw[section][field] = given[option]
    if "log_key" in raw["broker"]:
        raw["broker"]["log_key"] = _read_log_key(raw["broker"]["log_key"])
    mapping = read_mapping(given["columns_file"], given["columns"])
    if given["without_file"]:
        del raw["input"]
    else:
        raw["columns"] = _columns(preset, _header(raw["input"], folder)) | mapping
    raw["share"] = {"columns": list(split_columns(given["share"]))}
    return parse_sections(raw)


def doubts_about_file(sections: ConfigFile, folder: Path) -> Iterator[str]:
    """Yield what in the settings does not fit the first row of the agency's file, as it is now."""
    source = sections.input
    if source is None:
        return
    try:
        table = open_table(
            settings_path(folder, source.file),
            encoding=source.encoding,
            delimiter=source.delimiter,
            sheet=source.sheet,
        )
        misread = table.misread()
        if misread is not None:
            raise misread
    except AgencyError as doubt:
        yield f"{doubt}" + (f"; {doubt.hint}" if doubt.hint else "")
        return
    for column in (source.id_column, *sections.columns.values()):
        if column not in table.columns:
            yield f"{source.file} has no column {column}, which the settings name"


def _refuse_words_about_no_file(given: Mapping[str, Any]) -> None:
    asked = [question.option for question in QUESTIONS if question.section == "input"]
    unasked = [option for option, (section, _) in UNASKED.items() if section == "input"]
    if any(given[option] for option in (*asked, *unasked, "preset", "columns_file", "columns")):
        raise click.UsageError("--without-file can't be combined with options about a file")


def _answer(question: Question, defaults: Mapping[str, str], may_ask: bool) -> str | None:
    default = defaults.get(question.field, question.default)
    if may_ask:
        answer: str = click.prompt(question.text, default=default, err=True)
        return answer.strip()
    if default is None:
        flag = "--broker" if question.option == "url" else f"--{question.option.replace('_', '-')}"
        raise click.UsageError(f"missing option {flag}: {question.text.lower()}")
    return default


def _read_log_key(given: str) -> str:
    path = Path(given)
    try:
        text = path.read_text(encoding="utf-8-sig").strip() if path.is_file() else given.strip()
        return VerifierKey.from_text(text).text
    except (CheckpointError, UnicodeDecodeError) as exc:
        raise ConfigError("the log key must be the one line that the operator gave you") from exc


def _header(source: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Return the columns of the agency's file; none if it is not there yet or cannot be read so."""
    try:
        return open_table(
            settings_path(folder, source["file"]),
            encoding=source.get("encoding", "utf-8-sig"),
            delimiter=source.get("delimiter", ","),
            sheet=source.get("sheet"),
        ).columns
    except AgencyError:
        return ()


def _columns(preset: ColumnPreset | None, header: tuple[str, ...]) -> dict[str, str]:
    """Return the mapping of a preset, or what the headers of the file say."""
    if preset is not None:
        return {name: c for name, c in preset.columns.items() if not header or c in header}
    return {name: columns[0] for name, columns in columns_by_header(header).items()}
