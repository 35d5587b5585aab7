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


@click.command(
    "schema",
    short_help="Show, check and compare encoding profiles.",
    epilog="Example: blindlink schema children > profile.json",
)
@click.argument("name", metavar="PROFILE")
@click.argument("other", metavar="[OTHER]", required=False)
@click.option(
    "--check", is_flag=True, help="Say what it compares, by which passes, and what is weak."
)
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
@json_option
@click.pass_context
def schema(  # noqa: PLR0917 - click passes by name
    ctx: click.Context,
    name: str,
    other: str | None,
    check: bool,
    size: Size,
    no_zip: bool,
    no_sex: bool,
    number: NumberKind | None,
    digest: bool,
) -> None:
    """Print a shipped encoding profile as JSON, check one, or compare two: shipped names, or JSON files.

    An encoding profile is the recipe, the fields and the passes that agencies must share. Ends with exit code 1
    if two differ, since their encodings cannot be compared, or if a check finds something weak.
    """
    if other is not None:
        is_in_order = _compare(name, other)
    elif check:
        is_in_order = _check(name)
    else:
        profile = shipped_profile(
            name, size=size, zip_code=not no_zip, sex=not no_sex, number=number
        )
        click.echo(profile.digest() if digest else json.dumps(profile.to_json(), indent=2))
        return
    if not is_in_order:
        ctx.exit(DIFFERENT)


def _check(name: str) -> bool:
    from encoding.profiles.profile_files import lint_profile, read_profile

    found = read_profile(name)
    weak = lint_profile(found)
    lines = [
        f"{found.name}: fingerprint {found.digest()}",
        *(f"  {line}" for line in _described(found)),
        *([f"  weak  {finding.message}" for finding in weak] or ["  in order"]),
    ]
    emit(_document(found, weak), lines)
    return not weak


def _compare(left: str, right: str) -> bool:
    from encoding.profiles.profile_files import compare_profiles, read_profile

    found = compare_profiles(read_profile(left), read_profile(right))
    listed = [{"place": one.place, "left": one.left, "right": one.right} for one in found]
    lines = [
        f"{one.place}: {one.left or 'not there'} | {one.right or 'not there'}" for one in found
    ]
    emit(listed, lines or ["the same"])
    return not found


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
