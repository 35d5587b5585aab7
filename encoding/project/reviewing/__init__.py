"""Clerical review: its questions, cards, answers, and decisions."""
