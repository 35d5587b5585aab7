"""`blindlink clk`: plain CLKs of whole records, as clkhash makes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click

from encoding.files import refuse_to_overwrite
from encoding.project.session import Session
from encoding.project.source import read_mapping
from encoding.records import open_table
from schemas.shared.command_line import FILE, emit, json_option

NO_PROTECTION: Final = (
    "plain CLKs do not protect: published attacks name 97 to 100 of 100 people in a file of them;"
    " no project accepts them, so give them only to people who may see the records themselves"
)


@click.command(
    "clk",
    short_help="Make plain CLKs, to exchange with users of clkhash and anonlink.",
    epilog="Example: blindlink clk people.csv --linkage-schema schema.json --secret-file secret.txt"
    " --id-column ID -o clks.json",
)
@click.argument("file", type=FILE)
@click.option(
    "--linkage-schema", required=True, type=FILE, help="The linkage schema of clkhash, as JSON."
)
@click.option(
    "--secret-file",
    required=True,
    type=FILE,
    help="A secret of blindlink secret new, or the text that clkhash users share.",
)
@click.option(
    "-o", "--output", required=True, type=FILE, help="Where the CLKs are written, as JSON."
)
@click.option(
    "--records",
    type=FILE,
    help="Where your record IDs are written in the same order; OUTPUT.records.csv otherwise.",
)
@click.option("--id-column", help="The column of your record IDs.")
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="NAME=HEADER",
    help="What your file calls a column of the schema; may be repeated.",
)
@click.option("--encoding", default="utf-8-sig", show_default=True, help="How the text is stored.")
@click.option(
    "--delimiter", default=",", show_default=True, help="The character between two cells."
)
@click.option("--sheet", help="The sheet of a workbook; the first one otherwise.")
@click.option("--force", is_flag=True, help="Overwrite existing files of these names.")
@json_option
@click.pass_obj
def clk(
    session: Session,
    /,
    *,
    output: Path,
    records: Path | None,
    force: bool,
    **given: Any,
) -> None:
    """Encode each row of FILE into a plain CLK, bit for bit as clkhash does.

    OUTPUT is the JSON that anonlink and `blindlink-broker match` read. Your record IDs are written beside it,
    in the same order: keep that list. No project takes plain CLKs, since published attacks re-identify them.
    """
    from encoding.extras.plain_clks.plain_clks import CLKS_START, LIST_START

    record_list = records or output.with_name(f"{output.name}.records.csv")
    if record_list.resolve() == output.resolve():
        raise click.UsageError("CLKs and record IDs cannot go into one file")
    refuse_to_overwrite(output, own_start=CLKS_START, force=force)
    refuse_to_overwrite(record_list, own_start=LIST_START, force=force)
    n_rows = _encode(session, output, record_list, given)
    document = {"clks": str(output), "records": str(record_list), "rows": n_rows}
    sentence = f"{n_rows:,} CLKs are in {output}; your record IDs, to keep: {record_list}"
    emit(document, remarks=[sentence])


def _encode(session: Session, output: Path, record_list: Path, given: Mapping[str, Any]) -> int:
    """Write both files, with the warnings before; return how many rows there are."""
    from encoding.extras.plain_clks.encoder import Encoder
    from encoding.extras.plain_clks.plain_clks import read_any_secret, read_schema, write_plain_clks

    secret = read_any_secret(given["secret_file"])
    layout = {name: given[name] for name in ("encoding", "delimiter", "sheet")}
    table = open_table(given["file"], **layout)
    with (
        Encoder(read_schema(given["linkage_schema"]), secret.clk_key) as encoder,
        session.progress() as progress,
    ):
        for warning in (*secret.warnings, *encoder.warnings, NO_PROTECTION):
            session.warn(warning)
        return write_plain_clks(
            table,
            encoder,
            output,
            record_list,
            columns=read_mapping(None, given["columns"]),
            id_column=given["id_column"],
            progress=progress,
        )
