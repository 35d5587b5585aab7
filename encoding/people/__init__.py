"""Persons and their keys: one's own identity, whose keys are trusted, files sealed to persons."""
