"""A hub: one party that links with many, in a project of two with each, from one folder."""
