"""`python -m app.cli` is `blindlink-broker`."""

from __future__ import annotations

from app.cli.main import main

main()
