"""`blindlink schema`: encoding profiles, shown, checked and compared."""

from __future__ import annotations

import json

import click


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
