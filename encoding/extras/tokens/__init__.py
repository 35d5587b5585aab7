"""A trial of two files of exact tokens, as OpenLinkToken writes them (ADR 0073)."""
