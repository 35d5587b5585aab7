"""Deciding two containers offline gives what a run would give, by handle."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner
from rigs.linkage import CHILD_WELFARE, SCHOOL, profile_of, terms_of
from samples.round_files import Container, Person, build_container, random_people, two_files

from app.cli.main import main
from encoding.blocks.keys import RoundName
from schemas.api import ProjectView
from schemas.profile import EncodingProfile, Side

PROFILE = profile_of()
TERMS = terms_of(PROFILE)


def container(
    people: list[Person], side: Side, path: Path, profile: EncodingProfile = PROFILE
) -> Container:
    name = RoundName(
        TERMS.project, 1, SCHOOL, CHILD_WELFARE, profile.digest(), 1, bytes(32), bytes(32)
    )
    made = build_container(people, profile, name, side, {})
    path.write_bytes(made.content)
    return made


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "school.enc", tmp_path / "welfare.enc"


def decide(folder: Path, *files: Path) -> tuple[int, str]:
    view = ProjectView(
        project=TERMS.project, agreement=TERMS.digest(), terms=TERMS, profile=PROFILE, in_force=True
    )
    (folder / "project.json").write_text(json.dumps(view.to_json(), indent=2))
    words = ["decide", "--project", str(folder / "project.json"), *map(str, files)]
    done = CliRunner().invoke(main, [*words, "-o", str(folder / "out.csv")])
    return done.exit_code, done.output


def test_who_is_in_both_files_is_linked_and_who_is_like_another_is_held_back(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    left, right = two_files(Random(1), 20, n_common=12, n_doubtful=8)
    larger, smaller = container(left, "larger", files[0]), container(right, "smaller", files[1])
    code, output = decide(tmp_path, *files)
    assert code == 0, output
    with (tmp_path / "out.csv").open(encoding="utf-8") as text:
        rows = {(row["band"], row["party"], row["handle"]) for row in csv.DictReader(text)}
    expected = {
        (band, party, made.handles[at].hex())
        for band, places in (("auto", range(12)), ("review", range(12, 20)))
        for party, made in ((SCHOOL, larger), (CHILD_WELFARE, smaller))
        for at in places
    }
    assert {row for row in rows if row[0] == "auto"} == {
        row for row in expected if row[0] == "auto"
    }
    assert rows == expected


def test_the_larger_file_comes_first(files: tuple[Path, Path], tmp_path: Path) -> None:
    people = random_people(Random(2), 3)
    container(people, "larger", files[0])
    container(people, "smaller", files[1])
    code, output = decide(tmp_path, *reversed(files))
    assert code != 0
    assert "name the container of the larger file first" in output


def test_files_without_a_row_are_decided_too(files: tuple[Path, Path], tmp_path: Path) -> None:
    blank = [dict.fromkeys(person, "") for person in random_people(Random(3), 2)]
    container(blank, "larger", files[0])
    container(random_people(Random(4), 3), "smaller", files[1])
    code, output = decide(tmp_path, *files)
    assert code == 0, output
    assert "wrote 0 decided pairs" in output


def test_a_container_of_another_profile_is_refused(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    other = PROFILE.model_copy(update={"name": "other"})
    container(random_people(Random(5), 3), "larger", files[0], other)
    container(random_people(Random(5), 3), "smaller", files[1])
    code, output = decide(tmp_path, *files)
    assert code != 0
    assert "another encoding profile" in output
    assert not (tmp_path / "out.csv").exists()


def test_a_truncated_container_is_refused(files: tuple[Path, Path], tmp_path: Path) -> None:
    made = container(random_people(Random(6), 3), "larger", files[0])
    container(random_people(Random(6), 3), "smaller", files[1])
    files[0].write_bytes(made.content[:-1])
    code, output = decide(tmp_path, *files)
    assert code != 0
    assert "length differs" in output
