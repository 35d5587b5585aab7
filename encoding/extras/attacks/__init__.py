"""Attacks of the privacy audit without a goal: what plain CLKs, known people, names, and asking would tell."""
