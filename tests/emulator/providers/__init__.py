"""Tests of the fake providers."""
