"""Guardrails and DLP (contract 5; `cf-aig-dlp`, contract 2), and the text that they look at."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator._dlp import DlpVerdict, scan
from aig_client.apps.emulator._guards import Verdict, check_prompt, check_response
from aig_client.apps.emulator._inspection import texts_of
from aig_client.apps.emulator._settings import HAZARDS, Action, DlpPolicy, Guardrails

RAILS = Guardrails(
    prompt={"S1": "BLOCK", "S10": "FLAG", "P1": "FLAG"},
    response={"S2": "BLOCK", "S1": "FLAG"},
)
CARDS = (DlpPolicy(id="cards", profiles=("credit-cards",)),)
TEST_CARDS = (
    "4111111111111111",
    "4111 1111 1111 1111",
    "378282246310005",
    "3782-822463-10005",
    "4222222222222",
    "6011000990139424",
)
PROFILES = ("pii", "a.b", "Financial Information", "12345678-90ab-cdef-1234-567890abcdef", "é", "a/b", "(x")
NESTED = (b"[" * 100_000, b'{"a":' * 100_000, b"data: " + b"[" * 100_000, b'["x",' * 400 + b"1" + b"]" * 400)


def chat(text: str) -> bytes:
    return json.dumps({"model": "m", "messages": [{"role": "user", "content": text}]}).encode()


def escaped(text: str) -> bytes:
    """The same with every character as an escape."""
    return b'{"content":"' + "".join(f"\\u{ord(sign):04x}" for sign in text).encode() + b'"}'


def openai_stream(pieces: list[str], choice: int = 0) -> bytes:
    events = [{"id": "c", "choices": [{"index": choice, "delta": {"content": piece}}]} for piece in pieces]
    lines = [b"data: " + json.dumps(event).encode() + b"\n\n" for event in events]
    return b": comment\n" + b"".join(lines) + b"data: [DONE]\n\n"


def anthropic_stream(pieces: list[str]) -> bytes:
    events = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": piece}} for piece in pieces
    ]
    return b"".join(b"event: content_block_delta\r\ndata: %b\r\n\r\n" % json.dumps(event).encode() for event in events)


def google_array(pieces: list[str]) -> bytes:
    parts = [{"candidates": [{"content": {"parts": [{"text": piece}]}, "index": 0}]} for piece in pieces]
    return json.dumps(parts, indent=2).encode()


STREAMS: list[Callable[[list[str]], bytes]] = [openai_stream, anthropic_stream, google_array]


class TestGuardrails:
    def test_without_guardrails_nothing_is_found(self) -> None:
        assert check_prompt(None, chat("hazard:S1")) == Verdict(blocked=False, categories=())
        assert check_response(None, chat("hazard:S1")) == Verdict(blocked=False, categories=())
        assert check_prompt(Guardrails(), chat("hazard:S1")) == Verdict(blocked=False, categories=())

    @pytest.mark.parametrize(
        ("text", "blocked", "categories"),
        [
            ("say hazard:S1 please", True, ("S1",)),
            ("hazard:S10", False, ("S10",)),
            ("hazard:S10, hazard:S1", True, ("S1", "S10")),
            ("hazard:P1.", False, ("P1",)),
            ("hazard:S3", False, ()),
            ("hazard:S14", False, ()),
            ("hazard:S1x", False, ()),
            ("hazard:s1 hazard S1", False, ()),
            ("hello", False, ()),
        ],
    )
    def test_a_marker_is_its_category(self, text: str, blocked: bool, categories: tuple[str, ...]) -> None:
        assert check_prompt(RAILS, chat(text)) == Verdict(blocked, categories)

    def test_prompt_and_response_have_rules_of_their_own(self) -> None:
        assert check_response(RAILS, chat("hazard:S1")) == Verdict(blocked=False, categories=("S1",))
        assert check_response(RAILS, chat("hazard:S2")) == Verdict(blocked=True, categories=("S2",))
        assert check_prompt(RAILS, chat("hazard:S2")) == Verdict(blocked=False, categories=())

    @pytest.mark.parametrize("category", HAZARDS)
    @pytest.mark.parametrize("action", ["BLOCK", "FLAG"])
    def test_every_category_is_told_from_every_other(self, category: str, action: Action) -> None:
        rails = Guardrails(prompt=dict.fromkeys(HAZARDS, action))
        assert check_prompt(rails, chat(f"a hazard:{category} b")) == Verdict(action == "BLOCK", (category,))

    @pytest.mark.parametrize(
        "body",
        [
            escaped("say hazard:S1"),
            b'{"input":"hazard\\u003aS1"}',
            b'{"system":[{"type":"text","text":"a\\nhazard:S1\\n"}]}',
            b'["hazard:S1"]',
            b'"hazard:S1"',
            b"plain hazard:S1",
            b"plain\ndata: x\nhazard:S1",
            b"\xff\xfe hazard:S1 \x80",
            b"\xef\xbb\xbf" + chat("hazard:S1"),
            b'{"cut":"hazard:S1',
        ],
    )
    def test_a_marker_is_found_however_it_is_written(self, body: bytes) -> None:
        assert check_prompt(RAILS, body).categories == ("S1",)

    @pytest.mark.parametrize("stream", STREAMS)
    def test_a_marker_is_found_across_the_pieces_of_a_stream(self, stream: Callable[[list[str]], bytes]) -> None:
        assert check_response(RAILS, stream(list("oh, hazard:S2!"))).categories == ("S2",)
        assert check_response(RAILS, stream(["hazard:S1", "0"])).categories == ()

    def test_parallel_choices_are_not_mixed(self) -> None:
        body = b"".join(
            openai_stream([piece], choice)
            for piece, other in zip("hazard:S2", "x" * 9, strict=True)
            for choice, piece in enumerate((piece, other))
        )
        assert check_response(RAILS, body).categories == ("S2",)

    def test_the_strings_of_a_list_are_apart(self) -> None:
        assert check_prompt(RAILS, b'["hazard:S1","0"]').categories == ("S1",)

    def test_names_of_members_are_not_text(self) -> None:
        assert check_prompt(RAILS, b'{"hazard:S1":1}').categories == ()


class TestTexts:
    @given(st.binary())
    def test_any_bytes_have_texts(self, body: bytes) -> None:
        assert all(isinstance(text, str) for text in texts_of(body))

    @pytest.mark.parametrize("body", NESTED)
    def test_nesting_is_no_problem(self, body: bytes) -> None:
        assert isinstance(check_prompt(RAILS, body), Verdict)

    @given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
    def test_every_string_of_a_document_is_in_a_text(self, document: object) -> None:
        def strings(value: object) -> list[str]:
            if isinstance(value, str):
                return [value]
            inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
            return [text for one in inner for text in strings(one)]

        found = list(texts_of(json.dumps(document).encode()))
        assert all(any(one in text for text in found) for one in strings(document))

    @given(st.lists(st.text(min_size=1), min_size=1), st.sampled_from(STREAMS))
    def test_a_stream_is_put_together(self, pieces: list[str], stream: Callable[[list[str]], bytes]) -> None:
        assert "".join(pieces) in list(texts_of(stream(pieces)))


class TestDlp:
    BOTH = DlpPolicy(id="both", action="FLAG", checks=frozenset(("REQUEST", "RESPONSE")), profiles=("pii", "secrets"))
    STRICT = DlpPolicy(id="strict", action="BLOCK", profiles=("secrets",))

    def test_nothing_found_is_no_header(self) -> None:
        for policies in ((), (self.BOTH,), CARDS):
            verdict = scan(policies, "REQUEST", chat("hello"))
            assert verdict == DlpVerdict()
            assert (verdict.action, verdict.header) == (None, None)

    def test_the_header_has_the_shape_of_the_contract(self) -> None:
        verdict = scan((self.BOTH, self.STRICT), "REQUEST", chat("dlp:pii dlp:secrets"))
        assert verdict.action == "BLOCK"
        assert verdict.header is not None
        assert json.loads(verdict.header) == {
            "findings": [
                {
                    "profile": {"context": {}, "entry_ids": ["marker"], "profile_id": "pii"},
                    "policy_ids": ["both"],
                    "check": "REQUEST",
                },
                {
                    "profile": {"context": {}, "entry_ids": ["marker"], "profile_id": "secrets"},
                    "policy_ids": ["both", "strict"],
                    "check": "REQUEST",
                },
            ],
            "action": "BLOCK",
        }

    def test_only_a_policy_that_matches_blocks(self) -> None:
        assert scan((self.BOTH, self.STRICT), "REQUEST", chat("dlp:pii")).action == "FLAG"

    def test_a_policy_checks_what_it_says(self) -> None:
        assert scan((self.STRICT,), "RESPONSE", chat("dlp:secrets")) == DlpVerdict()
        verdict = scan((self.BOTH, self.STRICT), "RESPONSE", chat("dlp:secrets"))
        assert verdict.action == "FLAG"
        assert [(finding.policies, finding.check) for finding in verdict.findings] == [(("both",), "RESPONSE")]

    def test_a_disabled_policy_does_nothing(self) -> None:
        off = DlpPolicy(id="off", profiles=("pii",), enabled=False)
        assert scan((off,), "REQUEST", chat("dlp:pii")) == DlpVerdict()

    @pytest.mark.parametrize("profile", PROFILES)
    def test_any_profile_id_has_its_marker(self, profile: str) -> None:
        policies = (DlpPolicy(id="p", profiles=("pi", "12345678", "a", "Financial", "", profile)),)
        for body in (chat(f"x dlp:{profile}, y"), escaped(f"dlp:{profile}")):
            verdict = scan(policies, "REQUEST", body)
            assert [finding.profile for finding in verdict.findings] == [profile]
            assert verdict.header is not None
            assert verdict.header.isascii()
            assert json.loads(verdict.header)["findings"][0]["profile"]["profile_id"] == profile

    @pytest.mark.parametrize("text", ["dlp:pi", "dlp:piix", "dlp:pii-2", "dlp: pii", "DLP:pii"])
    def test_no_other_text_is_the_marker(self, text: str) -> None:
        assert scan((self.BOTH,), "REQUEST", chat(text)) == DlpVerdict()

    @pytest.mark.parametrize("stream", STREAMS)
    def test_an_answer_in_pieces(self, stream: Callable[[list[str]], bytes]) -> None:
        assert scan((self.BOTH,), "RESPONSE", stream(list("see dlp:pii."))).action == "FLAG"

    def test_both_checks_of_an_exchange_share_a_header(self) -> None:
        asked = scan((self.BOTH,), "REQUEST", chat("dlp:pii"))
        answered = scan((self.BOTH,), "RESPONSE", chat("dlp:secrets"))
        joined = asked.joined(answered)
        assert joined.action == "FLAG"
        assert joined.header is not None
        assert [one["check"] for one in json.loads(joined.header)["findings"]] == ["REQUEST", "RESPONSE"]
        assert DlpVerdict().joined(answered) == answered
        assert asked.joined(DlpVerdict()) == asked
        blocked = DlpVerdict("BLOCK", answered.findings)
        assert asked.joined(blocked).action == "BLOCK"
        assert blocked.joined(asked).action == "BLOCK"


class TestCards:
    @pytest.mark.parametrize("card", TEST_CARDS)
    @pytest.mark.parametrize("around", ["{}", "pay with {}, please", "12 {} 123", "number:{}.", '"{}"'])
    def test_a_test_card_is_found(self, card: str, around: str) -> None:
        verdict = scan(CARDS, "REQUEST", chat(around.format(card)))
        assert verdict.action == "BLOCK"
        assert verdict.findings[0].entries == ("card-number",)

    @pytest.mark.parametrize("stream", STREAMS)
    def test_a_card_is_found_across_a_stream(self, stream: Callable[[list[str]], bytes]) -> None:
        policies = (DlpPolicy(id="r", checks=frozenset(("RESPONSE",)), profiles=("credit-cards",)),)
        assert scan(policies, "RESPONSE", stream(["It is 41", "11 1111 11", "11 1111", "."])).action == "BLOCK"

    @pytest.mark.parametrize(
        "text",
        [
            "4111111111111112",
            "4111 1111 1111 1112",
            "400000000002",
            "40000000000000000002",
            "4000 0000 0000 0000 0002",
            "0000000000000000",
            "4111  1111  1111  1111",
            "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
            "x4111111111111111",
            "4111111111111111x",
            "0.4111111111111111",
            "aGVs/4111111111111111+bG8=",
        ],
    )
    def test_other_digits_are_not(self, text: str) -> None:
        assert scan(CARDS, "REQUEST", chat(text)) == DlpVerdict()

    def test_a_number_of_json_is_not_text(self) -> None:
        assert scan(CARDS, "REQUEST", b'{"created_ms":4111111111111111}') == DlpVerdict()

    def test_the_detector_belongs_to_one_profile(self) -> None:
        other = (DlpPolicy(id="p", profiles=("cards",)),)
        assert scan(other, "REQUEST", chat(TEST_CARDS[0])) == DlpVerdict()
        marked = scan(CARDS, "REQUEST", chat(f"dlp:credit-cards {TEST_CARDS[0]}"))
        assert marked.findings[0].entries == ("marker", "card-number")

    @given(st.text("123456789", min_size=12, max_size=18), st.integers(0, 9))
    def test_one_check_digit_of_ten_is_right(self, digits: str, wrong: int) -> None:
        found = [last for last in range(10) if scan(CARDS, "REQUEST", chat(digits + str(last))).action]
        assert len(found) == 1
        assert scan(CARDS, "REQUEST", chat(digits + str((found[0] + 1 + wrong % 9) % 10))) == DlpVerdict()

    @given(st.binary())
    def test_any_bytes_are_scanned(self, body: bytes) -> None:
        assert scan((*CARDS, TestDlp.BOTH), "RESPONSE", body).action in (None, "FLAG", "BLOCK")
