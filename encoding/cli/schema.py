"""`blindlink schema`: encoding profiles, shown, checked and compared."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from encoding.cli.options import json_option

if TYPE_CHECKING:
    from encoding.lint import Finding
    from schemas.profile import EncodingProfile

DIFFERENT = 1


@click.group(
    "schema",
    short_help="Show, check and compare encoding profiles.",
    epilog="Example: blindlink schema show children",
)
def schema() -> None:
    """Encoding profiles: the recipe, linkage schema and hardening that agencies must share."""


@schema.command("show")
@click.argument("name")
@click.option("--digest", is_flag=True, help="Print the profile's fingerprint only.")
def show(name: str, *, digest: bool) -> None:
    """Print a shipped encoding profile as JSON, for the agreement and for `blindlink-broker project`.

    Example: blindlink schema show children > profile.json
    """
    from encoding.linkage import load_shipped

    profile = load_shipped(name)
    click.echo(profile.digest() if digest else json.dumps(profile.to_json(), indent=2))


@schema.command("check")
@click.argument("profile")
@json_option
def check(profile: str, *, as_json: bool) -> None:
    """Check an encoding profile, or a linkage schema of clkhash: a shipped name, or a JSON file.

    A profile with a recipe is also tried on invented students. Ends with exit code 1 if a hardened profile has
    a weakness; every one has: the hardening eld1 is broken.

    Example: blindlink schema check profile.json
    """
    from encoding.lint import warnings_or_refusal
    from encoding.profiles import lint_profile, read_profile

    found = read_profile(profile)
    weak = lint_profile(found)
    if as_json:
        click.echo(json.dumps(_document(found, weak), indent=2))
    else:
        click.echo(f"{found.name}: fingerprint {found.digest()}")
        click.echo("\n".join(f"  weak  {finding.message}" for finding in weak) or "  in order")
    warnings_or_refusal(weak, found.hardening.kind)


@schema.command("diff")
@click.argument("left")
@click.argument("right")
@json_option
@click.pass_context
def diff(ctx: click.Context, left: str, right: str, *, as_json: bool) -> None:
    """Compare two encoding profiles, or linkage schemas: shipped names, or JSON files.

    Ends with exit code 1 if they differ: encodings of different profiles cannot be compared.

    Example: blindlink schema diff children profile.json
    """
    from encoding.profiles import compare_profiles, read_profile

    found = compare_profiles(read_profile(left), read_profile(right))
    if as_json:
        listed = [{"place": one.place, "left": one.left, "right": one.right} for one in found]
        click.echo(json.dumps(listed, indent=2))
    else:
        for one in found:
            click.echo(f"{one.place}: {one.left or 'not there'} | {one.right or 'not there'}")
        if not found:
            click.echo("the same")
    if found:
        ctx.exit(DIFFERENT)


def _document(profile: EncodingProfile, weak: tuple[Finding, ...]) -> dict[str, object]:
    return {
        "name": profile.name,
        "fingerprint": profile.digest(),
        "hardening": profile.hardening.kind,
        "findings": [{"rule": finding.rule, "message": finding.message} for finding in weak],
    }
