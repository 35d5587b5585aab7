"""Bit identity with clkhash, from the file as FEBRL4 is shipped to the container."""

from __future__ import annotations

import io
import json
from pathlib import Path

from clkhash import clk
from clkhash import schema as clkhash_schema
from oracles import febrl
from oracles.agency import Agency

from encoding.agency_file import AgencyFile

N_ROWS = 1000


def test_febrl4_container_holds_the_bits_of_clkhash(tmp_path: Path, view_of, secret) -> None:
    lines = (febrl.FOLDER / febrl.FILES[1]).read_text(encoding="utf-8").splitlines(keepends=True)
    path = tmp_path / "febrl.csv"
    path.write_text("".join(lines[: N_ROWS + 1]), encoding="utf-8")
    agency = Agency(tmp_path, view_of(febrl.profile()), secret)
    agency.encode(path, file=AgencyFile(path, "rec_id"))
    found = agency.encodings()
    rows = febrl.read_rows(febrl.FILES[1])[:N_ROWS]
    expected = clkhash_bytes(agency, [[row[name] for name in febrl.FIELDS] for row in rows])
    assert [found[agency.handle_of(row["rec_id"])] for row in rows] == [[e] for e in expected]


def clkhash_bytes(agency: Agency, rows: list[list[str]]) -> list[bytes]:
    text = "\n".join(",".join(row) for row in [list(febrl.FIELDS), *rows]) + "\n"
    schema = clkhash_schema.from_json_dict(json.loads(agency.view.profile.linkage_schema))
    made = clk.generate_clk_from_csv(
        io.StringIO(text), agency.secret.clk_key, schema, progress_bar=False, max_workers=1
    )
    return [bits.tobytes() for bits in made]
