# ruff: noqa: A005  (it is tests.http, and shadows nothing)
