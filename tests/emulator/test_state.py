"""State that outlives the emulator: what comes back after a restart, what never reaches the file, and its bounds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aig_client.apps.emulator import EmulatorConfig, Gateway, GatewaySettings, LogEntry, counted_ids
from aig_client.apps.emulator import _documents as documents_module
from aig_client.apps.emulator import _registry as registry_module
from aig_client.apps.emulator._cache import Entry, ResponseCache
from aig_client.apps.emulator._documents import Documents
from aig_client.apps.emulator._journal import NoJournal
from aig_client.apps.emulator._journal_sqlite import SqliteJournal
from aig_client.apps.emulator._log import LogBook
from aig_client.apps.emulator._messages import GatewayRequest
from aig_client.apps.emulator._registry import GatewayRecord, Gateways
from aig_client.apps.emulator._settings import DlpPolicy, Guardrails, Policy, SpendRule
from aig_client.apps.emulator._state import keep_state
from aig_client.apps.emulator._state_codec import (
    read_answer,
    read_gateway,
    read_log,
    write_answer,
    write_gateway,
    write_log,
)

from .driver import ACCOUNT, START, Outcome, Pure, chat

# --- codecs ----------------------------------------------------------------------------------------

any_text = st.text(st.characters(), max_size=12)  # lone surrogates too
names = st.frozensets(any_text, max_size=3)
moments = st.floats(0, 253_402_300_799)
amounts = st.floats(0, 1e300)
finite = st.floats(allow_nan=False, allow_infinity=False)
actions = st.sampled_from(["FLAG", "BLOCK"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)
hazards = st.dictionaries(st.sampled_from(["P1", "S1", "S13"]), actions)
guardrails = st.builds(Guardrails, prompt=hazards, response=hazards)
dlp_policies = st.builds(
    DlpPolicy,
    id=any_text,
    action=actions,
    checks=st.frozensets(st.sampled_from(["REQUEST", "RESPONSE"])),
    profiles=st.lists(any_text, max_size=3).map(tuple),
    enabled=st.booleans(),
)
spend_rules = st.builds(
    SpendRule,
    id=any_text,
    limit=amounts,
    window=st.integers(1),
    technique=st.sampled_from(["fixed", "sliding"]),
    enabled=st.booleans(),
    models=names,
    providers=names,
    metadata=st.dictionaries(any_text, st.none() | names, max_size=3),
)
metadata_rules = st.dictionaries(any_text, names, max_size=3)
policies = st.one_of(
    st.builds(Policy, id=any_text, action=st.sampled_from(["no-limit", "block"]), metadata=metadata_rules),
    st.builds(
        Policy,
        id=any_text,
        action=st.just("limit"),
        metadata=metadata_rules,
        limit=amounts,
        window=st.integers(1),
    ),
)
gateway_settings = st.builds(
    GatewaySettings,
    authentication=st.none() | st.booleans(),
    byok_only=st.booleans(),
    caching=st.booleans(),
    cache_ttl=st.none() | st.integers(60, 2_592_000),
    cache_invalidate_on_update=st.booleans(),
    collect_logs=st.booleans(),
    log_management=st.none() | st.integers(1),
    log_management_strategy=st.sampled_from(["STOP_INSERTING", "DELETE_OLDEST"]),
    rate_limiting_limit=st.integers(0),
    rate_limiting_interval=st.integers(0),
    rate_limiting_technique=st.sampled_from(["fixed", "sliding"]),
    retry_max_attempts=st.none() | st.integers(1, 5),
    retry_delay=st.none() | st.integers(0, 60_000),
    retry_backoff=st.sampled_from([None, "constant", "linear", "exponential"]),
    guardrails=st.none() | guardrails,
    dlp=st.lists(dlp_policies, max_size=2).map(tuple),
    spend_limits=st.lists(spend_rules, max_size=2).map(tuple),
    policies=st.lists(policies, max_size=2).map(tuple),
    zdr=st.booleans(),
    workers_ai_billing_mode=st.sampled_from(["postpaid", "unified"]),
    other=st.dictionaries(any_text, json_values, max_size=3),
)
records = st.builds(
    GatewayRecord,
    account=st.text("0123456789abcdef", min_size=32, max_size=32),
    id=st.text(st.characters(exclude_characters="/\n"), min_size=1, max_size=64),
    settings=gateway_settings,
    created_at=moments,
    modified_at=moments,
    generation=st.integers(),
)
maybe_text = st.none() | any_text
maybe_number = st.none() | st.integers()
log_entries = st.builds(
    LogEntry,
    log_id=any_text,
    at=moments,
    account=any_text,
    gateway=any_text,
    method=any_text,
    path=any_text,
    provider=maybe_text,
    model=maybe_text,
    cache_status=st.sampled_from([None, "HIT", "MISS"]),
    key_digest=maybe_text,
    status=st.integers(),
    code=maybe_number,
    header_names=st.lists(any_text, max_size=3).map(tuple),
    cf_aig=st.dictionaries(any_text, any_text, max_size=3),
    event_id=any_text,
    step=st.integers(),
    attempts=st.integers(),
    metadata=st.dictionaries(
        any_text, any_text | st.booleans() | st.integers(-(10**300), 10**300) | finite, max_size=3
    ),
    request_type=any_text,
    request_content_type=any_text,
    response_content_type=any_text,
    duration=finite,
    tokens_in=maybe_number,
    tokens_out=maybe_number,
    cost=st.none() | finite,
    custom_cost=st.booleans(),
    authentication=st.booleans(),
    byok=st.booleans(),
    wholesale=st.booleans(),
    user_agent=any_text,
    dlp_action=maybe_text,
    guardrails=st.lists(any_text, max_size=3).map(tuple),
    feedback=maybe_number,
    score=st.none() | finite,
    collected=st.booleans(),
    request_body=st.none() | st.binary(max_size=5),
    response_body=st.none() | st.binary(max_size=5),
    request_size=st.integers(),
    response_size=st.integers(),
    fault=maybe_text,
)
header_lines = st.tuples(
    st.from_regex(r"[a-z0-9!_-]{1,8}", fullmatch=True),
    st.text(st.characters(max_codepoint=255, exclude_characters="\0\r\n"), max_size=12),
)
answers = st.builds(
    Entry,
    status=st.integers(200, 299),
    headers=st.lists(header_lines, max_size=3).map(tuple),
    body=st.binary(max_size=20),
    provider=any_text,
    model=maybe_text,
    expires_at=moments,
)


@given(record=records)
def test_a_gateway_comes_back_as_it_was(record: GatewayRecord) -> None:
    # Nothing that is masked: `test_credentials_among_fields_without_effect_are_masked`.
    assert "authorization" not in record.settings.other
    assert read_gateway(write_gateway(record)) == record


@given(entry=log_entries)
def test_a_log_row_comes_back_without_its_bodies(entry: LogEntry) -> None:
    assert read_log(write_log(entry)) == replace(entry, request_body=None, response_body=None)


@given(answer=answers)
def test_an_answer_comes_back_with_its_body(answer: Entry) -> None:
    written = write_answer(answer)
    assert read_answer(written, answer.body) == answer
    assert b"body" not in json.loads(written)


def test_the_codecs_know_every_field() -> None:
    """A field that is added to a dataclass has to be added to its codec; this says so."""
    for made, beside in (
        (write_gateway(record_of()), set[str]()),
        (write_log(row("1")), {"request_body", "response_body"}),
        (write_answer(answer_of()), {"body"}),
    ):
        written = json.loads(made)
        kind = {"account": GatewayRecord, "log_id": LogEntry, "status": Entry}[next(iter(written))]
        assert set(written) == {known.name for known in dataclasses.fields(kind)} - beside
    written = json.loads(write_gateway(record_of()))["settings"]
    assert set(written) == {known.name for known in dataclasses.fields(GatewaySettings)}


def test_what_the_api_cannot_say_is_kept() -> None:
    for settings in (
        GatewaySettings(caching=False, cache_ttl=600),
        GatewaySettings(caching=True, cache_ttl=None),
        GatewaySettings(authentication=None),
        GatewaySettings(authentication=False),
    ):
        found = read_gateway(write_gateway(record_of(settings=settings)))
        assert found is not None
        assert found.settings == settings


def test_credentials_among_fields_without_effect_are_masked() -> None:
    other: dict[str, Any] = {
        "otel": [{"url": "https://o.test", "authorization": "SECRET-1", "headers": {"x-key": "SECRET-2"}}],
        "stripe": {"authorization": "SECRET-3", "usage_events": [{"payload": "p"}]},
        "store_id": "kept",
        "logpush": True,
    }
    written = write_gateway(record_of(settings=GatewaySettings(other=other)))
    assert b"SECRET" not in written
    found = read_gateway(written)
    assert found is not None
    assert found.settings.other == {
        "otel": [{"url": "https://o.test", "authorization": "[redacted]", "headers": {"x-key": "[redacted]"}}],
        "stripe": {"authorization": "[redacted]", "usage_events": [{"payload": "p"}]},
        "store_id": "kept",
        "logpush": True,
    }
    assert other["stripe"]["authorization"] == "SECRET-3"  # in memory it stays


READERS = (read_gateway, read_log, lambda value: read_answer(value, b""))


@given(value=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(value: bytes) -> None:
    assert [read(value) for read in READERS] == [None, None, None]


@pytest.mark.parametrize("value", [b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b'{"status":' + b"9" * 5000 + b"}"])
def test_what_is_past_reason_is_refused(value: bytes) -> None:
    assert [read(value) for read in READERS] == [None, None, None]


@given(data=st.data())
def test_one_wrong_field_spoils_the_row(data: st.DataObject) -> None:
    """Any JSON in the place of any field: the row is refused, or what is read is a value that can be written again."""
    written, read, write = data.draw(
        st.sampled_from(
            [
                (write_gateway(record_of(settings=full_settings())), read_gateway, write_gateway),
                (write_log(row("1", code=1, cost=1.0)), read_log, write_log),
                (write_answer(answer_of()), lambda value: read_answer(value, b""), write_answer),
            ]
        )
    )
    found = json.loads(written)
    place = found
    while isinstance(place, dict) and place:
        name = data.draw(st.sampled_from(sorted(place)))
        if isinstance(place[name], dict) and place[name] and data.draw(st.booleans()):
            place = place[name]
            continue
        place[name] = data.draw(json_values)
        break
    result = read(json.dumps(found).encode())
    if result is not None:
        assert read(write(result)) == result  # type: ignore[operator]


@pytest.mark.parametrize(
    ("read", "changes"),
    [
        (read_log, {"at": True}),
        (read_log, {"at": -1}),
        (read_log, {"at": 1e300}),
        (read_log, {"status": "200"}),
        (read_log, {"status": 200.0}),
        (read_log, {"step": True}),
        (read_log, {"duration": False}),
        (read_log, {"cache_status": "BYPASS"}),
        (read_log, {"collected": 1}),
        (read_log, {"metadata": {"a": None}}),
        (read_log, {"metadata": {"a": [1]}}),
        (read_log, {"header_names": "abc"}),
        (read_log, {"cf_aig": {"a": 1}}),
        (read_log, {"request_body": "hello"}),
        (read_log, {"unknown": 1}),
        (read_log, {"log_id": ...}),
        (read_log, {"path": ...}),
    ],
    ids=str,
)
def test_rows_that_are_not_ours(read: Any, changes: dict[str, Any]) -> None:
    found = json.loads(write_log(row("1"))) | changes
    value = {name: inner for name, inner in found.items() if inner is not ...}
    assert read(json.dumps(value).encode()) is None


def test_a_field_that_an_older_emulator_did_not_write_has_its_default() -> None:
    found = json.loads(write_log(row("1", fault="x", tokens_in=4)))
    del found["fault"], found["tokens_in"]
    assert read_log(json.dumps(found).encode()) == row("1")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": 500},
        {"status": True},
        {"expires_at": None},
        {"headers": [["a", "b\r\nset-cookie: c"]]},
        {"headers": [["a\n", "b"]]},
        {"headers": [["A", "b"]]},
        {"headers": [["a", "\u0100"]]},
        {"headers": [["a"]]},
        {"body": "x"},
    ],
    ids=str,
)
def test_answers_that_no_server_could_send(changes: dict[str, Any]) -> None:
    found = json.loads(write_answer(answer_of())) | changes
    assert read_answer(json.dumps(found).encode(), b"") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"cache_ttl": 1},
        {"retry_max_attempts": 6},
        {"guardrails": {"prompt": {"S99": "BLOCK"}}},
        {"spend_limits": [{"id": "a", "limit": -1, "window": 1}]},
        {"spend_limits": [{"id": "a", "limit": 1}]},
        {"spend_limits": [{"id": str(number), "limit": 1, "window": 1} for number in range(21)]},
        {"policies": [{"id": "a", "action": "limit"}]},
        {"dlp": [{"id": "a", "checks": ["BOTH"]}]},
        {"authentication": "yes"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_settings_out_of_range(changes: dict[str, Any]) -> None:
    found = json.loads(write_gateway(record_of()))
    found["settings"] |= changes
    assert read_gateway(json.dumps(found).encode()) is None


def record_of(name: str = "made", **more: Any) -> GatewayRecord:
    known: dict[str, Any] = {"settings": GatewaySettings(), "created_at": 1.0, "modified_at": 2.0}
    return GatewayRecord(account=more.pop("account", ACCOUNT), id=name, **(known | more))


def full_settings() -> GatewaySettings:
    return GatewaySettings(
        guardrails=Guardrails(prompt={"S1": "FLAG"}),
        dlp=(DlpPolicy(id="d"),),
        spend_limits=(SpendRule(id="s", limit=1, window=60, metadata={"a": None}),),
        policies=(Policy(id="p", metadata={"a": frozenset("b")}),),
        other={"store_id": "s"},
    )


def row(log_id: str, **more: Any) -> LogEntry:
    return LogEntry(log_id=log_id, at=more.pop("at", START), method="POST", path="/x", status=200, **more)


def answer_of(body: bytes = b"x", **more: Any) -> Entry:
    known: dict[str, Any] = {"provider": "openai", "model": "m", "expires_at": START + 300}
    return Entry(status=200, headers=(("content-type", "text/plain"),), body=body, **(known | more))


# --- the three collections, closed and opened again -------------------------------------------------


@dataclass
class State:
    """Collections over one file."""

    path: Path
    entries: int = 100
    made: dict[str, GatewaySettings] = field(default_factory=dict[str, GatewaySettings])
    open: GatewaySettings | None = None
    size: int = 1_000_000

    def __post_init__(self) -> None:
        self.journal = SqliteJournal(self.path)
        self.gateways = Gateways(self.open, self.made)
        self.book = LogBook(entries=self.entries, payload_bytes=1000)
        self.cache = ResponseCache(entries=self.entries, size=self.size)
        self.malformed = keep_state(self.journal, self.gateways, self.book, self.cache)

    def again(self, **changes: Any) -> State:
        self.journal.close()
        return replace(self, **changes)

    def keys(self, kind: str) -> list[str]:
        return [key.rpartition("\n")[2] for key, _, _ in self.journal.load(kind)]

    def log(self) -> list[str]:
        return [entry.log_id for entry in self.book.snapshot()]

    def ids(self) -> list[str]:
        return [record.id for record in self.gateways.of(ACCOUNT)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def state(path: Path) -> Iterator[State]:
    made = State(path)
    yield made
    made.journal.close()


def test_a_record_is_there_again_in_its_place(state: State) -> None:
    for name in ("c", "a", "b"):
        state.gateways.put(record_of(name))
    changed = record_of("c", settings=full_settings(), generation=7)
    state.gateways.put(changed)
    state.gateways.drop(ACCOUNT, "a")
    state.gateways.put(record_of("a"))
    expected = state.gateways.of(ACCOUNT)
    again = state.again()
    assert again.gateways.of(ACCOUNT) == expected
    assert again.ids() == ["c", "b", "a"]
    assert again.gateways.find(ACCOUNT, "c") == changed
    again.journal.close()


def test_a_configured_gateway_that_was_deleted_stays_away(path: Path) -> None:
    first = State(path, made={"demo": GatewaySettings()})
    first.gateways.drop(ACCOUNT, "demo")
    second = first.again()
    assert second.gateways.find(ACCOUNT, "demo") is None
    second.gateways.put(record_of("demo"))
    third = second.again()
    assert third.ids() == ["demo"]
    third.gateways.drop(ACCOUNT, "demo")
    # What no configuration would bring back need not be remembered as deleted.
    fourth = third.again(made={})
    assert fourth.keys("gateway") == []
    fourth.journal.close()


def test_a_gateway_that_configuration_sets_up_follows_it(path: Path) -> None:
    first = State(path, made={"demo": GatewaySettings(cache_ttl=60)})
    assert first.gateways.offer(record_of("default"))
    second = first.again(made={"demo": GatewaySettings(cache_ttl=90)})
    assert second.ids() == ["demo"]
    demo = second.gateways.find(ACCOUNT, "demo")
    assert demo is not None
    assert demo.settings.cache_ttl == 90
    # Once the API has changed it, the API's word stands.
    second.gateways.put(replace(demo, settings=GatewaySettings(cache_ttl=120)))
    third = second.again(made={"demo": GatewaySettings(cache_ttl=60)})
    found = third.gateways.find(ACCOUNT, "demo")
    assert found is not None
    assert found.settings.cache_ttl == 120
    third.journal.close()


def test_log_rows_are_there_again_in_order(state: State) -> None:
    for number in range(5):
        state.book.put(row(str(number), request_body=b"prompt", response_body=b"answer"))
    state.book.put(row("1", cost=0.5))
    state.book.change("2", feedback=1)
    state.book.drop("3")
    again = state.again()
    assert again.book.snapshot() == (row("0"), row("1", cost=0.5), row("2", feedback=1), row("4"))
    again.journal.close()


def test_evictions_of_the_log_reach_the_file(path: Path) -> None:
    first = State(path, entries=3)
    for number in range(9):
        first.book.put(row(str(number)))
    assert first.keys("log") == ["6", "7", "8"]
    second = first.again(entries=2)
    assert second.log() == second.keys("log") == ["7", "8"]
    second.book.put(row("large", request_body=bytes(990)))
    second.book.put(row("larger", request_body=bytes(990)))
    assert second.log() == second.keys("log") == ["larger"]
    second.book.clear()
    assert second.keys("log") == []
    second.journal.close()


def test_an_entry_that_grows_too_large_where_it_is_the_oldest_leaves_the_file_too(state: State) -> None:
    state.book.put(row("old"))
    state.book.put(row("new"))
    state.book.put(row("old", response_body=bytes(2000)))
    assert state.log() == state.keys("log") == ["new"]


def test_answers_are_there_again_and_the_newest_last(state: State) -> None:
    for key in ("a", "b", "c"):
        state.cache.put(key, answer_of(key.encode()))
    state.cache.put("a", answer_of(b"\x00\xff"))
    again = state.again()
    assert again.keys("cache") == ["b", "c", "a"]
    assert again.cache.get("a", START) == answer_of(b"\x00\xff")
    # The oldest goes first, as it would have gone.
    last = again.again(entries=2)
    assert last.cache.get("b", START) is None
    assert last.keys("cache") == ["c", "a"]
    last.journal.close()


def test_an_answer_that_expires_leaves_the_file(state: State) -> None:
    state.cache.put("a", answer_of())
    again = state.again()
    assert again.cache.get("a", START + 300) is None
    assert again.keys("cache") == []
    again.journal.close()


def test_evictions_of_the_cache_reach_the_file(state: State) -> None:
    for number in range(6):
        state.cache.put(str(number), answer_of(bytes(1000)))
    smaller = state.again(size=4000)
    assert smaller.keys("cache") == ["4", "5"]
    tiny = smaller.again(size=600)  # no entry fits alone
    assert tiny.keys("cache") == []
    tiny.journal.close()


def test_what_cannot_be_read_leaves_the_file(path: Path) -> None:
    journal = SqliteJournal(path)
    good = write_log(row("good"))
    for kind in ("gateway", "log", "cache", "document"):
        journal.put(kind, "bad", b"{}")
        journal.put(kind, "worse", b"\xff")
    journal.put("log", "good", good)
    journal.put("log", "another", good)  # not under its own id
    journal.put("gateway", f"{ACCOUNT}\nother", write_gateway(record_of("made")))
    journal.close()
    state = State(path)
    Documents(state.journal)
    assert (state.log(), state.ids(), len(state.cache)) == (["good"], [], 0)
    # Two of each kind, the row under another id, and the gateway under another name.
    assert state.malformed == 8
    # `{}` is a document.
    kept = {kind: state.keys(kind) for kind in ("gateway", "log", "cache", "document")}
    assert kept == {"gateway": [], "log": ["good"], "cache": [], "document": ["bad"]}
    state.journal.close()


def test_what_json_cannot_say_lives_in_memory_only(state: State) -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    state.gateways.put(record_of("made"))
    state.gateways.put(record_of("made", settings=GatewaySettings(other={"deep": deep})))
    state.book.put(row("1", cost=float("inf")))
    assert (state.keys("gateway"), state.keys("log")) == ([], [])
    assert (state.ids(), state.log()) == (["made"], ["1"])


def test_without_a_journal_nothing_is_hooked() -> None:
    gateways, book = Gateways(None, {}), LogBook(entries=1, payload_bytes=1)
    cache = ResponseCache(entries=1, size=1)
    keep_state(NoJournal(), gateways, book, cache)
    assert [gateways.on_put, gateways.on_drop, book.on_put, book.on_drop, cache.on_put, cache.on_drop] == [None] * 6


# --- bounds ----------------------------------------------------------------------------------------


def test_gateways_are_bounded_over_all_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "MOST_RECORDS", 3)
    gateways = Gateways(None, {})
    for number in range(3):
        gateways.put(record_of("one", account=f"{number:032x}"))
    with pytest.raises(OverflowError, match="keeps 3 gateways"):
        gateways.put(record_of("two"))
    assert gateways.offer(record_of("two")) is False
    assert gateways.find(ACCOUNT, "two") is None
    gateways.put(record_of("one", account=f"{1:032x}", generation=1))  # a replacement always fits
    gateways.drop(f"{0:032x}", "one")
    assert gateways.offer(record_of("two")) is True
    assert gateways.find(ACCOUNT, "two") == record_of("two")


def test_deleted_gateways_are_bounded_and_the_longest_deleted_is_forgotten(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_module, "MOST_RECORDS", 3)
    state = State(path, open=GatewaySettings())
    for number in range(5):
        state.gateways.put(record_of(str(number)))
        state.gateways.drop(ACCOUNT, str(number))
        state.gateways.drop(ACCOUNT, str(number))
    for _ in range(2):
        there = [number for number in range(5) if state.gateways.find(ACCOUNT, str(number))]
        assert there == [0, 1]
        assert state.keys("gateway") == ["2", "3", "4"]
        state = state.again()
    state.journal.close()


def test_a_document_is_kept_whole_or_not_at_all(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents_module, "_MOST", 2)
    journal = SqliteJournal(path)
    documents = Documents(journal)
    with pytest.raises(ValueError, match="JSON"):
        documents.put("c", "a", {"x": float("inf")})
    assert documents.get("c", "a") is None
    documents.put("c", "a", {"x": 1})
    documents.put("c", "b\nb", {"x": 2})
    with pytest.raises(OverflowError):
        documents.put("c", "d", {})
    documents.put("c", "a", {"x": 3})
    assert documents.drop("c", "nothing") is False
    journal.close()
    journal = SqliteJournal(path)
    assert Documents(journal).of("c") == [{"x": 3}, {"x": 2}]
    monkeypatch.setattr(documents_module, "_MOST", 1)
    assert Documents(journal).of("c") == [{"x": 3}]
    assert len(list(journal.load("document"))) == 1
    journal.close()


# --- a whole gateway -------------------------------------------------------------------------------

CACHED = {"cf-aig-cache-ttl": "300", "cf-aig-cache-key": "k"}
TOKEN = "cloudflare-SECRET-token"
API = f"/client/v4/accounts/{ACCOUNT}/ai-gateway/gateways"
CREATE = {
    "id": "made",
    "cache_invalidate_on_update": False,
    "cache_ttl": 0,
    "collect_logs": True,
    "rate_limiting_interval": 0,
    "rate_limiting_limit": 0,
}


def pure(path: Path, config: EmulatorConfig | None = None) -> Pure:
    driver = Pure(config or EmulatorConfig(auth_tokens=frozenset({TOKEN})))
    driver.gateway = Gateway(driver.config, ids=counted_ids(), journal=SqliteJournal(path))
    return driver


def api(driver: Pure, method: str, path: str, body: Any = None) -> Outcome:
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    sent = b"" if body is None else json.dumps(body).encode()
    return driver.serve(GatewayRequest(method, path, headers=headers, body=sent))


def test_a_gateway_goes_on_where_it_was(path: Path) -> None:
    with_token = {"cf-aig-authorization": f"Bearer {TOKEN}"}
    first = pure(path)
    assert api(first, "POST", API, CREATE | {"zdr": True}).status == 200
    miss = first.send(headers=CACHED | with_token)
    assert (miss.status, miss.cache) == (200, "MISS")
    log_id = miss.headers["cf-aig-log-id"]
    assert api(first, "PATCH", f"{API}/demo/logs/{log_id}", {"feedback": 1}).status == 200
    logs = api(first, "GET", f"{API}/demo/logs").json["result"]
    first.gateway.journal.close()

    second = pure(path)
    second.now = first.now + 10
    assert api(second, "GET", f"{API}/made").json["result"]["zdr"] is True
    assert api(second, "GET", f"{API}/demo/logs").json["result"] == logs
    assert [entry["id"] for entry in logs] == [log_id]
    # Its payload was not kept.
    assert api(second, "GET", f"{API}/demo/logs/{log_id}/request").status == 404
    hit = second.send(headers=CACHED | with_token)
    assert (hit.cache, hit.body) == ("HIT", miss.body)
    assert second.calls == []
    second.gateway.forget()
    second.gateway.journal.close()

    third = pure(path)
    assert third.gateway.log == ()
    assert third.send(headers=CACHED | with_token).cache == "MISS"
    assert api(third, "GET", f"{API}/made").status == 200
    third.gateway.journal.close()


def test_the_file_holds_no_prompt_and_no_secret(path: Path) -> None:
    config = EmulatorConfig(
        auth_tokens=frozenset({TOKEN}),
        provider_keys=frozenset({"provider-SECRET-key"}),
        stored_keys=frozenset({"openai"}),
    )
    driver = pure(path, config)
    secrets = {
        "cf-aig-authorization": f"Bearer {TOKEN}",
        "authorization": "Bearer provider-SECRET-key",
        "x-api-key": "SECRET",
        "cookie": "session=SECRET",
        "cf-aig-custom-authorization": "SECRET",
    }
    for path_of_api in ("/openai/chat/completions", "/compat/chat/completions"):
        outcome = driver.send(path_of_api, secrets, chat("PROMPT text", user="PROMPT"), query="key=SECRET")
        assert outcome.status in (200, 400)
    assert driver.send(headers=secrets | CACHED, body=chat("PROMPT")).cache == "MISS"
    otel = [{"url": "https://o.test", "authorization": "SECRET", "headers": {"a": "SECRET"}}]
    assert api(driver, "POST", API, CREATE | {"otel": otel}).status == 200
    custom = {"name": "n", "slug": "s", "base_url": "https://p.test", "headers": '{"x-key": "SECRET"}'}
    providers = API.replace("/gateways", "/custom-providers")
    assert api(driver, "POST", providers, custom).status == 200
    driver.gateway.journal.commit()
    while_open = b"".join(file.read_bytes() for file in path.parent.iterdir())
    driver.gateway.journal.close()
    written = while_open + path.read_bytes()
    assert b"chatcmpl" in written  # the cached answer, so that the search below means something
    assert b'"log_id"' in written
    assert b"https://p.test" in written
    assert b"https://o.test" in written
    assert b"SECRET" not in written
    answer = next(iter(driver.gateway.cache._entries.values())).body
    assert b"PROMPT" not in written.replace(answer, b"")


def test_a_gateway_works_on_when_its_file_does_not(path: Path) -> None:
    driver = pure(path)
    journal = driver.gateway.journal
    assert isinstance(journal, SqliteJournal)
    assert journal._db is not None
    journal._db.close()
    with_token = {"cf-aig-authorization": f"Bearer {TOKEN}"}
    assert driver.send(headers=CACHED | with_token).cache == "MISS"
    with pytest.raises(Exception, match=r"^\S*state\.db cannot be used as a database"):
        journal.commit()
    assert driver.send(headers=CACHED | with_token).cache == "HIT"
    journal.commit()
    journal.close()
