"""Parties, their persons, and the tokens and sessions they act under."""
