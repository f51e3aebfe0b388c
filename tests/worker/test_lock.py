"""What the harness installs is pinned, and the committed lock names no server."""

from __future__ import annotations

import json
import re

from .workerd import HARNESS, ROOT


def test_every_version_is_exact() -> None:
    package = json.loads((HARNESS / "package.json").read_text("utf-8"))
    assert package["dependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+[\w.-]*", version) for version in package["dependencies"].values())


def test_the_lock_has_digests_and_no_addresses() -> None:
    lock = json.loads((HARNESS / "package-lock.json").read_text("utf-8"))
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert packages
    for name, row in packages.items():
        assert "resolved" not in row, name
        assert row["integrity"].startswith("sha512-"), name


def test_the_sdk_is_pinned_by_digest() -> None:
    text = (ROOT / "worker" / "requirements.in").read_text("utf-8")
    pins = re.findall(r"^[\w.-]+==[\w.]+ \\\n    --hash=sha256:[0-9a-f]{64}$", text, re.MULTILINE)
    assert len(pins) == text.count("==")
