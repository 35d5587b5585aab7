"""`blindlink schema`: encoding profiles, shown, checked and compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from encoding.profiles.catalog import Size, shipped_profile
from schemas.linkage.fields import NUMBER_KINDS, NumberKind
from schemas.linkage.profile import SIDES
from schemas.shared.command_line import emit, json_option

if TYPE_CHECKING:
    from encoding.profiles.profile_files import Finding
    from schemas.linkage.profile import EncodingProfile

DIFFERENT: Final = 1


@click.group(
    "schema",
    short_help="Show, check and compare encoding profiles.",
    epilog="Example: blindlink schema show children",
)
def schema() -> None:
    """Encoding profiles: the recipe, fields and passes that agencies must share."""


@schema.command("show")
@click.argument("name")
@click.option(
    "--size",
    type=click.Choice(["state", "nation"]),
    default="state",
    help="How large the larger file is: up to a million records, or more.",
)
@click.option("--no-zip", is_flag=True, help="Leave the ZIP code out of the comparison.")
@click.option("--no-sex", is_flag=True, help="Leave the sex out, where a file does not have it.")
@click.option(
    "--number", type=click.Choice(NUMBER_KINDS), help="The known number that is compared, too."
)
@click.option("--digest", is_flag=True, help="Print the profile's fingerprint only.")
def show(
    name: str,
    *,
    size: Size,
    no_zip: bool,
    no_sex: bool,
    number: NumberKind | None,
    digest: bool,
) -> None:
    """Print a shipped encoding profile as JSON, for the agreement.

    Example: blindlink schema show children > profile.json
    """
    profile = shipped_profile(name, size=size, zip_code=not no_zip, sex=not no_sex, number=number)
    click.echo(profile.digest() if digest else json.dumps(profile.to_json(), indent=2))


@schema.command("check")
@click.argument("profile")
@json_option
@click.pass_context
def check(ctx: click.Context, profile: str) -> None:
    """Check an encoding profile: a shipped name, or a JSON file. Say what it compares, and by which passes.

    Ends with exit code 1 if something in it is weak.

    Example: blindlink schema check profile.json
    """
    from encoding.profiles.profile_files import lint_profile, read_profile

    found = read_profile(profile)
    weak = lint_profile(found)
    lines = [
        f"{found.name}: fingerprint {found.digest()}",
        *(f"  {line}" for line in _described(found)),
        *([f"  weak  {finding.message}" for finding in weak] or ["  in order"]),
    ]
    emit(_document(found, weak), lines)
    if weak:
        ctx.exit(DIFFERENT)


@schema.command("diff")
@click.argument("left")
@click.argument("right")
@json_option
@click.pass_context
def diff(ctx: click.Context, left: str, right: str) -> None:
    """Compare two encoding profiles: shipped names, or JSON files.

    Ends with exit code 1 if they differ: encodings of different profiles cannot be compared.

    Example: blindlink schema diff children profile.json
    """
    from encoding.profiles.profile_files import compare_profiles, read_profile

    found = compare_profiles(read_profile(left), read_profile(right))
    listed = [{"place": one.place, "left": one.left, "right": one.right} for one in found]
    lines = [
        f"{one.place}: {one.left or 'not there'} | {one.right or 'not there'}" for one in found
    ]
    emit(listed, lines or ["the same"])
    if found:
        ctx.exit(DIFFERENT)


def _described(profile: EncodingProfile) -> Iterator[str]:
    for field in profile.fields:
        yield f"compares {field.name}: {', '.join(level.name for level in field.levels)}"
        for named in field.contradicted_by:
            yield f"  contradicted by {named.field}: {', '.join(named.levels)}"
    for one in profile.passes:
        keys = " | ".join(
            " + ".join("/".join(part) for part in key) for key in dict.fromkeys(one.keys)
        )
        yield f"brings together by {one.name}: {keys}"
    yield (
        f"rows a record: {profile.rows('larger')} in the larger file, {profile.rows('smaller')} in the"
        f" smaller; at most {profile.block_cap} rows of the larger file in a block"
    )


def _document(profile: EncodingProfile, weak: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "name": profile.name,
        "fingerprint": profile.digest(),
        "fields": [field.name for field in profile.fields],
        "passes": [one.name for one in profile.passes],
        "rows": {side: profile.rows(side) for side in SIDES},
        "block_cap": profile.block_cap,
        "findings": [{"rule": finding.rule, "message": finding.message} for finding in weak],
    }
