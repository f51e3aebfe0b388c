# ruff: noqa: A005  (it is tests.typing, and shadows nothing)
