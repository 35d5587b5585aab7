"""Runs: asked for by a provider, done by the worker, resumed wherever it was killed."""
