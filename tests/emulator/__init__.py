"""Tests of the local AI Gateway."""
