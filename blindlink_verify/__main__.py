"""Runs the command: `python -m blindlink_verify`, and the zip application."""

from blindlink_verify.command import main

raise SystemExit(main())
