"""The emulator's SQLite file: order, bounds, one owner, and a sentence for each way in which it cannot be used."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aig_client.apps.emulator import _journal_sqlite
from aig_client.apps.emulator._journal import Journal, JournalError, NoJournal
from aig_client.apps.emulator._journal_sqlite import SCHEMA_VERSION, SqliteJournal

Row = tuple[str, bytes, bytes]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def journal(path: Path) -> Iterator[SqliteJournal]:
    made = SqliteJournal(path)
    yield made
    made.close()


def again(path: Path, kind: str = "log") -> list[Row]:
    """What the file holds when it is opened anew."""
    opened = SqliteJournal(path)
    try:
        return list(opened.load(kind))
    finally:
        opened.close()


def refusal(path: Path | str) -> str:
    """Why this path is refused: one sentence that shows nothing of SQLite's."""
    with pytest.raises(JournalError) as caught:
        SqliteJournal(path)
    text = str(caught.value)
    assert "\n" not in text
    assert "sqlite3" not in text
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return text


def tamper(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


def in_a_process(code: str, *args: object, **options: object) -> subprocess.Popen[bytes]:
    source = "from aig_client.apps.emulator._journal_sqlite import SqliteJournal\n" + textwrap.dedent(code)
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-c", source, *map(str, args)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_what_was_put_is_there_again_in_order_and_by_kind(path: Path) -> None:
    first = SqliteJournal(path)
    first.put("log", "b", b"1")
    first.put("log", "a", b"2", b"\x00\xff")
    first.put("cache", "b", b"3")
    first.close()
    assert again(path) == [("b", b"1", b""), ("a", b"2", b"\x00\xff")]
    assert again(path, "cache") == [("b", b"3", b"")]
    assert again(path, "other") == []


def test_what_is_replaced_keeps_its_place_and_what_is_dropped_first_does_not(path: Path) -> None:
    first = SqliteJournal(path)
    for key in ("a", "b", "c"):
        first.put("log", key, b"1")
    first.commit()
    first.put("log", "a", b"2")
    first.drop("log", "b")
    first.put("log", "b", b"3")
    first.put("log", "b", b"4")
    first.close()
    assert again(path) == [("a", b"2", b""), ("c", b"1", b""), ("b", b"4", b"")]


def test_a_journal_that_was_not_closed_keeps_what_was_committed(journal: SqliteJournal, path: Path) -> None:
    journal.put("log", "kept", b"1")
    journal.commit()
    journal.put("log", "lost", b"2")
    copies = path.parent / "copy"
    copies.mkdir()
    for file in path.parent.glob("state.db*"):
        (copies / file.name).write_bytes(file.read_bytes())
    assert again(copies / path.name) == [("kept", b"1", b"")]


def test_what_waits_is_loaded_too(journal: SqliteJournal) -> None:
    journal.put("log", "a", b"1")
    assert list(journal.load("log")) == [("a", b"1", b"")]


def test_the_journal_may_change_while_it_is_read(journal: SqliteJournal) -> None:
    for number in range(10):
        journal.put("log", str(number), b"")
    for key, _, _ in journal.load("log"):
        journal.drop("log", key)
        journal.commit()
    assert list(journal.load("log")) == []


changes = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("abcd"), st.binary(max_size=3), st.binary(max_size=3)),
        st.tuples(st.just("drop"), st.sampled_from("abcd")),
        st.tuples(st.sampled_from(["commit", "reopen"])),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(changes=changes)
def test_it_is_a_dict_whenever_it_is_committed(
    tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[str, ...]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "state.db"
    journal, model = SqliteJournal(path), dict[str, tuple[bytes, bytes]]()
    for change in changes:
        match change:
            case ("put", key, value, blob):
                journal.put("log", key, value, blob)  # type: ignore[arg-type]
                model[key] = (value, blob)  # type: ignore[assignment]
            case ("drop", key):
                journal.drop("log", key)
                model.pop(key, None)
            case ("commit",):
                journal.commit()
            case _:
                journal.close()
                journal = SqliteJournal(path)
    journal.close()
    assert again(path) == [(key, value, blob) for key, (value, blob) in model.items()]


@pytest.mark.parametrize("key", ["", "\0", "a\nb", "\ud800", "ü", "x" * 10_000, "' OR 1=1"])
def test_any_text_is_a_key(path: Path, key: str) -> None:
    first = SqliteJournal(path)
    first.put("log", key, b"1")
    first.close()
    assert again(path) == [(key, b"1", b"")]


def test_what_waits_is_bounded_when_nobody_commits(
    journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_journal_sqlite, "_MOST_WAITING", 10)
    monkeypatch.setattr(_journal_sqlite, "_MOST_WAITING_BYTES", 1000)
    for number in range(35):
        journal.put("log", str(number), b"1")
        assert len(journal._waiting) <= 10
    for number in range(35):
        journal.drop("log", str(number))
        assert len(journal._waiting) <= 10
    for number in range(35):
        journal.put("cache", str(number), b"1", bytes(400))
        assert journal._bytes <= 1000
    journal.close()
    assert (len(again(path)), len(again(path, "cache"))) == (0, 35)


def test_an_element_too_large_for_sqlite_is_not_kept(
    journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_journal_sqlite, "_LARGEST", 100)
    journal.put("cache", "a", b"1", bytes(50))
    journal.put("cache", "b", b"1", bytes(50))
    journal.put("cache", "a", b"1", bytes(100))
    journal.close()
    assert again(path, "cache") == [("b", b"1", bytes(50))]


def test_threads_share_it(journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_journal_sqlite, "_MOST_WAITING", 20)

    def work(name: int) -> None:
        for number in range(300):
            journal.put("log", f"{name}/{number}", b"1")
            if number % 7 == 0:
                journal.commit()

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert len(again(path)) == 1200


def test_the_file_is_its_owners_only(path: Path) -> None:
    umask = os.umask(0)
    try:
        opened = SqliteJournal(path)
        opened.put("log", "a", b"1")
        opened.commit()
    finally:
        os.umask(umask)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    opened.close()
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600}


def test_an_empty_file_of_wider_mode_is_taken_and_narrowed(path: Path) -> None:
    path.touch()
    path.chmod(0o666)
    opened = SqliteJournal(path)
    opened.put("log", "a", b"1")
    opened.commit()
    modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    opened.close()
    assert modes == {0o600}


def test_the_name_that_means_memory_to_sqlite_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    opened = SqliteJournal(":memory:")
    opened.put("log", "a", b"1")
    opened.close()
    assert again(tmp_path / ":memory:") == [("a", b"1", b"")]


def test_a_second_emulator_is_refused_until_the_first_ends(
    journal: SqliteJournal, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_journal_sqlite, "_PATIENCE_SECONDS", 0.05)
    assert refusal(path) == f"{path} is in use by another emulator: stop it, or choose another --db"
    journal.put("log", "a", b"1")
    journal.commit()
    refusal(path)
    # The attempts of this process have not let the lock go for other processes.
    other = in_a_process("import sys; SqliteJournal(sys.argv[1])", path)
    assert b"JournalError: " in other.communicate(timeout=20)[1]
    journal.close()
    assert again(path) == [("a", b"1", b"")]


WRITER = """
    import itertools, sys
    journal = SqliteJournal(sys.argv[1])
    for number in itertools.count():
        journal.put("log", f"{number:09}", b'{"n":%d}' % number, bytes(500))
        journal.drop("log", f"{number - 300:09}")
        if number % 50 == 49:
            journal.commit()
            print(number, flush=True)
"""


def test_a_kill_in_the_middle_of_writing_leaves_a_file_that_loads(path: Path) -> None:
    for _ in range(3):
        writer = in_a_process(WRITER, path)
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(40)]
        writer.send_signal(signal.SIGKILL)
        committed = int((writer.communicate(timeout=20)[0].split() or lines[-1:])[-1])
        found = again(path)
        numbers = [int(key) for key, _, _ in found]
        assert numbers[-1] >= committed
        # Whole transactions, so nothing is missing between.
        assert numbers == list(range(numbers[-1] - 299, numbers[-1] + 1))
        assert all(value == b'{"n":%d}' % int(key) and blob == bytes(500) for key, value, blob in found)
        path.unlink()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), r"is a directory: .*--db.*"),
        (lambda path: path.write_bytes(b"no database " * 1000), r"is not a SQLite database: choose another --db"),
        (lambda path: path.write_bytes(b"short"), r"is not a SQLite database: choose another --db"),
        (os.mkfifo, r"is not a regular file: choose another --db"),
        (lambda path: tamper(path, "CREATE TABLE theirs (x)"), r"is the database of another program: .*"),
        (lambda path: tamper(path, "PRAGMA user_version = 7"), r"is the database of another program: .*"),
    ],
    ids=["directory", "text", "short", "fifo", "foreign", "foreign-empty"],
)
def test_what_is_not_ours_is_refused_and_left_alone(path: Path, make: Callable[[Path], object], reason: str) -> None:
    make(path)
    before = path.read_bytes() if path.is_file() else b""
    mode = path.stat().st_mode
    assert re.fullmatch(re.escape(str(path)) + " " + reason, refusal(path))
    assert path.stat().st_mode == mode
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    if path.is_file():
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("missing/state.db", "the folder of {path} does not exist: make it, or choose another --db"),
        ("file/state.db", "{path} lies below something that is no folder: choose another --db"),
        ("nul\0.db", "the path holds a NUL character: choose another --db"),
        ("n" * 300, "{path} cannot be opened: choose another --db"),
    ],
)
def test_paths_where_no_file_can_be(tmp_path: Path, name: str, reason: str) -> None:
    (tmp_path / "file").touch()
    path = f"{tmp_path}/{name}"
    assert refusal(path) == reason.format(path=path)
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_a_newer_schema_is_refused(path: Path) -> None:
    SqliteJournal(path).close()
    tamper(path, f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert "was written by a newer aig-client (schema 2; this one knows 1)" in refusal(path)


def test_a_file_of_ours_without_its_table_is_refused(path: Path) -> None:
    SqliteJournal(path).close()
    tamper(path, "DROP TABLE element")
    assert refusal(path) == f"{path} cannot be used as a database: choose another --db"


def test_a_damaged_file_is_refused(path: Path) -> None:
    first = SqliteJournal(path)
    for number in range(500):
        first.put("log", str(number), b"1" * 100)
    first.close()
    data = bytearray(path.read_bytes())
    data[4096:-4096] = b"\xa5" * (len(data) - 8192)
    path.write_bytes(data)
    assert refusal(path) == f"{path} is damaged: delete it, or choose another --db"


def test_rows_of_a_wrong_type_are_left_out_and_counted(path: Path) -> None:
    first = SqliteJournal(path)
    for key in ("a", "b", "c", "d"):
        first.put("log", key, b"1")
    first.close()
    tamper(
        path,
        "UPDATE element SET value = 7 WHERE key = X'61'",
        "UPDATE element SET blob = 'text' WHERE key = X'62'",
        "UPDATE element SET key = X'FF' WHERE key = X'63'",
    )
    opened = SqliteJournal(path)
    assert opened.unreadable == {}
    for _ in range(2):
        assert list(opened.load("log")) == [("d", b"1", b"")]
        assert list(opened.load("cache")) == []
        assert opened.unreadable == {"log": 3, "cache": 0}
    opened.close()


NOBODY = 65_534


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may enter; those that pytest makes are root's only, where root runs the tests."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        Path(folder).chmod(0o700)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_path_that_may_not_be_written(open_folder: Path, what: str) -> None:
    path = open_folder / "state.db"
    if what == "file":
        SqliteJournal(path).close()
        path.chmod(0o444)
    open_folder.chmod(0o555)
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    try:
        text = refusal(path)
    finally:
        os.seteuid(was)
    assert text == f"{path} cannot be written: change its permissions or its folder's, or choose another --db"


def test_a_file_in_a_folder_that_may_not_be_written(open_folder: Path) -> None:
    path = open_folder / "state.db"
    SqliteJournal(path).close()
    was = os.geteuid()
    if was == 0:
        os.chown(path, NOBODY, NOBODY)
    open_folder.chmod(0o555)
    if was == 0:
        os.seteuid(NOBODY)
    try:
        text = refusal(path)
    finally:
        os.seteuid(was)
    assert text == f"{path} cannot be written: change its permissions or its folder's, or choose another --db"


FULL = """
    import resource, signal, sys
    from aig_client.apps.emulator._journal import JournalError
    journal = SqliteJournal(sys.argv[1])
    journal.put("log", "kept", b"1")
    journal.commit()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    for number in range(3000):
        journal.put("log", str(number), b"secret", bytes(4000))
    for _ in range(2):
        try:
            journal.commit()
            print("quiet")
        except JournalError as error:
            print(error)
    journal.put("log", "late", b"1")
    journal.drop("log", "kept")
    print(list(journal.load("log")))
    journal.close()
"""


def test_a_disk_that_takes_no_more_is_told_once(path: Path) -> None:
    ended = in_a_process(FULL, path)
    out, err = ended.communicate(timeout=20)
    assert (ended.returncode, err) == (0, b"")
    assert out.decode().splitlines() == [
        f"{path} cannot be read or written, for the disk reports an error: choose another --db",
        "quiet",
        "[]",
    ]
    assert again(path) == [("kept", b"1", b"")]


def test_a_full_disk(journal: SqliteJournal, path: Path) -> None:
    journal.put("log", "kept", b"1")
    journal.commit()
    assert journal._db is not None
    journal._db.execute("PRAGMA max_page_count = 10")
    journal.put("log", "large", b"1", bytes(100_000))
    with pytest.raises(JournalError, match=f"^the disk of {re.escape(str(path))} is full: make room, or choose"):
        journal.close()
    journal.close()
    assert again(path) == [("kept", b"1", b"")]


def test_a_closed_journal_takes_no_notice(journal: SqliteJournal, path: Path) -> None:
    journal.put("log", "a", b"1")
    journal.close()
    journal.put("log", "b", b"1")
    journal.drop("log", "a")
    journal.commit()
    journal.close()
    assert list(journal.load("log")) == []
    assert again(path) == [("a", b"1", b"")]


def test_both_are_journals(journal: SqliteJournal) -> None:
    both: list[Journal] = [journal, NoJournal()]
    nothing = both[1]
    nothing.put("log", "a", b"1")
    nothing.drop("log", "a")
    nothing.commit()
    nothing.close()
    assert list(nothing.load("log")) == []
