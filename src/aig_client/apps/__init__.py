"""Runnable things around the library, each behind its own extra."""
