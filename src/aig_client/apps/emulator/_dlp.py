"""Data loss prevention (contract 5; `cf-aig-dlp`, contract 2), without Cloudflare's detectors.

The text `dlp:PROFILE_ID` stands for a match of that profile. One profile detects for real, so that it can be tried
with a test number: `credit-cards` finds card numbers of 13 to 19 digits, in groups of three or more with a space or a
hyphen between them, whose check digit (Luhn) is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from ._inspection import texts_of
from ._json import JsonObject, write
from ._settings import Action, Check, DlpPolicy

CREDIT_CARDS = "credit-cards"
MARKER_ENTRY = "marker"
CARD_ENTRY = "card-number"

_CARD_DIGITS = range(13, 20)
_MOST_GROUPS = 6
# A run of groups that no letter, digit or sign of base64, path or decimal continues.
_DIGIT_GROUPS = re.compile(r"(?<![\w.+/=-])[0-9]{3,19}(?:[ -][0-9]{3,19})*(?![\w+/=])")
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


@dataclass(frozen=True, slots=True)
class Finding:
    """One profile that matched: which of its detection entries, and the policies that ask for it."""

    profile: str
    entries: tuple[str, ...]
    policies: tuple[str, ...]
    check: Check


@dataclass(frozen=True, slots=True)
class DlpVerdict:
    """What DLP found. action: `None` when nothing was."""

    action: Action | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def header(self) -> str | None:
        """The value of `cf-aig-dlp`: ASCII JSON in the shape of contract 2. `None` when nothing was found."""
        if self.action is None:
            return None
        findings = [_finding_json(finding) for finding in self.findings]
        return write({"findings": findings, "action": self.action}).decode("ascii")

    def joined(self, later: DlpVerdict) -> DlpVerdict:
        """This verdict and a later one of the same exchange, for one header: request first, then response."""
        action = self.action if self.action == "BLOCK" or later.action is None else later.action
        return DlpVerdict(action, self.findings + later.findings)


def scan(policies: tuple[DlpPolicy, ...], check: Check, body: bytes) -> DlpVerdict:
    """Look at a request or at an answer with every enabled policy that checks it; the body is read once."""
    active = [policy for policy in policies if policy.enabled and check in policy.checks]
    profiles = tuple(dict.fromkeys(profile for policy in active for profile in policy.profiles if profile))
    if not profiles:
        return DlpVerdict()
    entries = _matches(profiles, texts_of(body))
    findings = [
        Finding(profile, entries[profile], tuple(one.id for one in active if profile in one.profiles), check)
        for profile in profiles
        if profile in entries
    ]
    if not findings:
        return DlpVerdict()
    matched = [policy for policy in active if not entries.keys().isdisjoint(policy.profiles)]
    blocks = any(policy.action == "BLOCK" for policy in matched)
    return DlpVerdict("BLOCK" if blocks else "FLAG", tuple(findings))


def _matches(profiles: tuple[str, ...], texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Detection entries that matched, by profile."""
    pattern = _marker(profiles)
    marked: set[str] = set()
    card = False
    for text in texts:
        marked.update(pattern.findall(text))
        card = card or (CREDIT_CARDS in profiles and _has_card(text))
    found: dict[str, tuple[str, ...]] = dict.fromkeys(marked, (MARKER_ENTRY,))
    if card:
        found[CREDIT_CARDS] = (*found.get(CREDIT_CARDS, ()), CARD_ENTRY)
    return found


@lru_cache(maxsize=64)
def _marker(profiles: tuple[str, ...]) -> re.Pattern[str]:
    # The longest first, so that a profile whose id begins with another's is not taken for that one.
    longest_first = sorted(profiles, key=len, reverse=True)
    return re.compile(f"dlp:({'|'.join(map(re.escape, longest_first))})(?![\\w-])")


def _has_card(text: str) -> bool:
    return any(_is_card(digits) for run in _DIGIT_GROUPS.findall(text) for digits in _candidates(run))


def _candidates(run: str) -> Iterator[bytes]:
    """Neighbouring groups that together have a card's number of digits: a number may stand beside others."""
    groups = run.encode("ascii").replace(b"-", b" ").split(b" ")
    for first in range(len(groups)):
        for digits in accumulate(groups[first : first + _MOST_GROUPS]):
            if len(digits) in _CARD_DIGITS:
                yield digits


def _is_card(digits: bytes) -> bool:
    """The check digit is right. No card number begins with zero, and a row of zeros would pass."""
    doubled = digits[-2::-2].translate(_DOUBLED)
    total = sum(digits[-1::-2]) + sum(doubled) - ord("0") * len(digits)
    return digits[0] != ord("0") and total % 10 == 0


def _finding_json(finding: Finding) -> JsonObject:
    return {
        "profile": {"context": {}, "entry_ids": [*finding.entries], "profile_id": finding.profile},
        "policy_ids": [*finding.policies],
        "check": finding.check,
    }
