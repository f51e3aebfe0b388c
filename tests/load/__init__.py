"""Crowds, floods and rough handling, against `aig dev` in a process of its own."""
