"""Persons and their keys: what they sign, what is sealed to them, how they come to a project."""
