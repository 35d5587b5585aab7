"""Clerical review at the agencies: cards of the asked one, questions and decisions of the reviewer's."""
