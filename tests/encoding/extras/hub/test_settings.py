"""`hub.toml`, and the settings of a spoke that follow from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from encoding.errors import AgencyError
from encoding.extras.hub.settings import Hub, read_hub, render_hub
from encoding.extras.hub.spokes import Spoke
from encoding.records.agency_file import agency_file
from encoding.workspace.config import read_config

HUB = """\
[broker]
url = "https://broker.example.org"
ca_file = "broker.crt"

[identity]
file = "identity.txt"
key_file = "identity.key"

[hub]
party = "welfare"
only = "last_district"

[input]
file = "children.csv"
id_column = "id"
population = "school-age"

[columns]
first_name = "given"
"""
SPOKE = Spoke("d-17", "District 17", "welfare-d-17", {"only": "17; 017"})


def hub_in(folder: Path, text: str = HUB) -> Hub:
    (folder / "hub.toml").write_text(text, "utf-8")
    return read_hub(folder / "hub.toml")


def test_settings_are_read_as_they_are_written(tmp_path: Path) -> None:
    hub = hub_in(tmp_path)
    assert hub_in(tmp_path, render_hub(hub.sections)).sections == hub.sections


def test_a_spoke_has_settings_of_its_own_that_follow_the_hubs(tmp_path: Path) -> None:
    path = hub_in(tmp_path).lay_out(SPOKE)
    config = read_config(path)
    assert (config.sections.project.name, config.sections.project.party) == (
        "welfare-d-17",
        "welfare",
    )
    file = agency_file(config)
    assert file.path.resolve() == (tmp_path / "children.csv").resolve()
    assert file.only == ("last_district", frozenset({"17", "017"}))
    assert (
        config.resolve(config.sections.identity.file).resolve()
        == tmp_path.resolve() / "identity.txt"
    )
    assert (
        config.resolve(config.sections.output.workspace).parent.resolve() == path.parent.resolve()
    )

    other = replace(SPOKE, project="welfare-d-18", name="d-18")
    assert agency_file(read_config(hub_in(tmp_path).lay_out(other))).reading == file.reading

    hub_in(tmp_path, HUB.replace("children.csv", "kids.csv")).lay_out(SPOKE)
    assert read_config(path).source.file.endswith("kids.csv")


def test_a_spoke_without_its_records_is_refused(tmp_path: Path) -> None:
    hub = hub_in(tmp_path)
    with pytest.raises(AgencyError, match="does not say which records are for welfare-d-17"):
        hub.lay_out(replace(SPOKE, cells={}))


def test_what_is_wrong_is_told_by_its_place(tmp_path: Path) -> None:
    with pytest.raises(
        AgencyError,
        match=r"line \d+, the section \[hub\] has no key party_name; did you mean party",
    ):
        hub_in(tmp_path, HUB.replace("party =", "party_name ="))
    (tmp_path / "hub.toml").unlink()
    with pytest.raises(AgencyError, match="there is no settings file"):
        read_hub(tmp_path / "hub.toml")


def test_a_file_in_ones_home_is_that_of_the_spokes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    hub = hub_in(tmp_path, HUB.replace('"children.csv"', '"~/children.csv"'))
    file = agency_file(read_config(hub.lay_out(SPOKE)))
    assert file.path.resolve() == (tmp_path / "home" / "children.csv").resolve()
