"""Destruction: asked for, agreed or fallen due; certificates, counter-signatures and statements."""
