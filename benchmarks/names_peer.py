"""Prints names of some languages as JSON, from Faker; run by populations.py in an environment of its own.

Each is a list of names with their frequencies, where Faker has them. Where it has none, the list is put into an
order of its own, and a name's frequency is one over its place and five, as names are spread.
"""

import json
import random
import sys
from importlib import import_module

LISTS = {"M": "first_names_male", "F": "first_names_female", "last": "last_names"}
ROMANIZED = {
    "M": "first_romanized_names",
    "F": "first_romanized_names",
    "last": "last_romanized_names",
}


def main() -> None:
    """Print a mapping of languages to lists."""
    print(json.dumps({name: _lists(name) for name in sys.argv[1:]}, sort_keys=True))


def _lists(language: str) -> dict[str, dict[str, float]]:
    provider = import_module(f"faker.providers.person.{language}").Provider
    is_romanized = hasattr(provider, "last_romanized_names")
    found = {}
    for kind, attribute in (ROMANIZED if is_romanized else LISTS).items():
        names = getattr(provider, attribute)
        if not isinstance(names, dict) or len(set(names.values())) == 1:
            ordered = sorted(set(names))
            random.Random(f"{language} {kind}").shuffle(ordered)
            names = {name: 1 / (place + 5) for place, name in enumerate(ordered)}
        found[kind] = dict(names)
    return found


if __name__ == "__main__":
    main()
