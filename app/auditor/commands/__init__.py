"""The commands of `blindlink-audit` that have a module of their own."""
