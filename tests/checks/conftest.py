"""Fixtures of the A side."""

from tests.desk import desk

__all__ = ["desk"]
