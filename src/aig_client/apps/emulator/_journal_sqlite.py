"""The emulator's state in one SQLite file, by the standard library alone."""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

from ._journal import JournalError

SCHEMA_VERSION = 1
_APPLICATION_ID = 0x41494731
"""Marks the file as ours ("AIG1"), so that no other database is written over."""

_SCHEMA = """
CREATE TABLE element (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    blob BLOB NOT NULL,
    UNIQUE (kind, key)
)
"""
_LOAD = "SELECT key, value, blob FROM element WHERE kind = ? ORDER BY position"
_PUT = """
INSERT INTO element (kind, key, value, blob) VALUES (?, ?, ?, ?)
ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value, blob = excluded.blob
"""
_DROP = "DELETE FROM element WHERE kind = ? AND key = ?"

# What waits in memory for a commit that does not come is written when it is this much.
_MOST_WAITING = 2000
_MOST_WAITING_BYTES = 4 * 1024 * 1024

# SQLite takes no larger value; the state has none, unless its bounds were set to it.
_LARGEST = 512 * 1024 * 1024

# How long another emulator, that is just ending, has to let go of the file.
_PATIENCE_SECONDS = 0.5

_Name = tuple[str, str]
_Change = tuple[bool, bytes | None, bytes]
"""Drop first; then the value to put, unless there is none, and its blob."""


class SqliteJournal:
    """Keeps state in the file at `path`, which it makes if need be; the file is for its owner only (0600).

    Gateways, documents of the management API, log rows and cached answers are there again after a restart; cached
    answers stand in it as they were, and what an evicted one held may stay in the file until it is written over.
    Prompts and answers of the log are never written. Counters begin anew: rate limits, spend limits, policies,
    credits.

    A change waits in memory for `commit`; a crash loses what was not committed, and a power failure may lose a little
    more. One emulator uses a file at a time, from any of its threads; no other program can read the file meanwhile.

    Raises `JournalError` if the file cannot be used. Once writing fails, `commit` or `close` raises it, once; then
    nothing more is written, and the file stays as it was at the last commit.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._lock = threading.Lock()
        self._waiting: dict[_Name, _Change] = {}
        self._bytes = 0
        self._failure: JournalError | None = None
        self.unreadable: dict[str, int] = {}
        self._db: sqlite3.Connection | None = _opened(self._path)

    def load(self, kind: str) -> Sequence[tuple[str, bytes, bytes]]:
        """As `Journal.load`. A row of a wrong type is left out; `unreadable` counts those of each kind."""
        with self._lock:
            self._write()
            if self._db is None:
                return ()
            try:
                rows: list[tuple[object, object, object]] = self._db.execute(_LOAD, (kind,)).fetchall()
            except sqlite3.Error as error:
                raise _explained(self._path, error) from None
        found = [element for element in map(_element, rows) if element is not None]
        self.unreadable[kind] = len(rows) - len(found)
        return found

    def put(self, kind: str, key: str, value: bytes, blob: bytes = b"") -> None:
        """As `Journal.put`. An element of more than half a gibibyte is not kept."""
        fits = len(value) + len(blob) <= _LARGEST
        with self._lock:
            self._change((kind, key), value if fits else None, blob if fits else b"")

    def drop(self, kind: str, key: str) -> None:
        """As `Journal.drop`."""
        with self._lock:
            self._change((kind, key), None, b"")

    def commit(self) -> None:
        """As `Journal.commit`."""
        with self._lock:
            self._write()
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def close(self) -> None:
        """As `Journal.close`."""
        try:
            self.commit()
        finally:
            with self._lock:
                self._let_go()

    def _change(self, name: _Name, value: bytes | None, blob: bytes) -> None:
        if self._db is None:
            return
        before = self._waiting.get(name)
        anew = value is None
        if before is not None:
            self._bytes -= _size(before[1], before[2])
            anew = anew or before[0]
            if before[1] is None:
                # Dropped, then put: it is the newest, here and in the file.
                del self._waiting[name]
        self._waiting[name] = (anew, value, blob)
        self._bytes += _size(value, blob)
        if self._bytes > _MOST_WAITING_BYTES or len(self._waiting) > _MOST_WAITING:
            self._write()

    def _write(self) -> None:
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        if self._db is None or not waiting:
            return
        drops = [(kind, _raw(key)) for (kind, key), (dropped, _, _) in waiting.items() if dropped]
        puts = [
            (kind, _raw(key), value, blob) for (kind, key), (_, value, blob) in waiting.items() if value is not None
        ]
        try:
            self._db.execute("BEGIN")
            self._db.executemany(_DROP, drops)
            self._db.executemany(_PUT, puts)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._failure = _explained(self._path, error)
            self._let_go()

    def _let_go(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            _closed(db)


def _opened(path: Path) -> sqlite3.Connection:
    _make_file(path)
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(
            path.absolute(),  # for SQLite some relative names mean no file: ":memory:"
            timeout=_PATIENCE_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        # The lock is held until the connection ends, also by a kill; and WAL then needs no shared memory.
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        # Takes the lock before anything is read, and changes nothing yet: the file may be somebody else's.
        db.execute("BEGIN IMMEDIATE")
        fresh = _check(path, db)
        db.execute("ROLLBACK")
        # Before the files beside it are made, for they take its permissions.
        _for_its_owner(path)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("BEGIN EXCLUSIVE")
        if fresh:
            db.execute(_SCHEMA)
            db.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
        _check_rows(path, db)
    except (sqlite3.Error, JournalError) as error:
        if db is not None:
            _closed(db)
        raise (error if isinstance(error, JournalError) else _explained(path, error)) from None
    return db


def _make_file(path: Path) -> None:
    """SQLite would make it readable for all, and says little of why it cannot.

    A file that is there is not opened: closing it would release the locks that this process holds on it.
    """
    try:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            mode = path.stat().st_mode
            if stat.S_ISDIR(mode):
                raise JournalError(f"{path} is a directory: --db takes the path of a file") from None
            if not stat.S_ISREG(mode):
                raise JournalError(f"{path} is not a regular file: choose another --db") from None
            # SQLite would open it for reading, and fail later.
            if not os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids):
                raise PermissionError(errno.EACCES, "") from None
    except OSError as error:
        text = _REASONS.get(error.errno or 0, "{path} cannot be opened: choose another --db")
        raise JournalError(text.format(path=path)) from None
    except ValueError:
        raise JournalError("the path holds a NUL character: choose another --db") from None


_REASONS = {
    errno.EISDIR: "{path} is a directory: --db takes the path of a file",
    errno.ENOENT: "the folder of {path} does not exist: make it, or choose another --db",
    errno.ENOTDIR: "{path} lies below something that is no folder: choose another --db",
    errno.EACCES: "{path} cannot be written: change its permissions or its folder's, or choose another --db",
    errno.EPERM: "{path} cannot be written: change its permissions or its folder's, or choose another --db",
    errno.EROFS: "{path} lies on a read-only disk: choose another --db",
    errno.ENOSPC: "the disk of {path} is full: make room, or choose another --db",
}


def _check(path: Path, db: sqlite3.Connection) -> bool:
    """True for an empty database; raises for one that is not ours."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not application and not version and not tables:
        return True
    if application != _APPLICATION_ID:
        raise JournalError(f"{path} is the database of another program: choose another --db")
    if version > SCHEMA_VERSION:
        raise JournalError(
            f"{path} was written by a newer aig-client (schema {version}; this one knows {SCHEMA_VERSION}): "
            "update it, or choose another --db"
        )
    return False


def _check_rows(path: Path, db: sqlite3.Connection) -> None:
    """Damage is told now, and not when the state is read."""
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise JournalError(f"{path} is damaged: delete it, or choose another --db")
    db.execute(_LOAD + " LIMIT 0", ("",))


def _for_its_owner(path: Path) -> None:
    try:
        path.chmod(0o600)
    except OSError:
        # Somebody else's file that we may write: their permissions.
        return


def _explained(path: Path, error: sqlite3.Error) -> JournalError:
    """One sentence for what SQLite reports. Its own text is not shown: it can quote what was written."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    text = _SQLITE_REASONS.get(code, "{path} cannot be used as a database: choose another --db")
    return JournalError(text.format(path=path))


_SQLITE_REASONS = {
    sqlite3.SQLITE_BUSY: "{path} is in use by another emulator: stop it, or choose another --db",
    sqlite3.SQLITE_LOCKED: "{path} is in use by another emulator: stop it, or choose another --db",
    sqlite3.SQLITE_NOTADB: "{path} is not a SQLite database: choose another --db",
    sqlite3.SQLITE_CORRUPT: "{path} is damaged: delete it, or choose another --db",
    sqlite3.SQLITE_FULL: "the disk of {path} is full: make room, or choose another --db",
    sqlite3.SQLITE_IOERR: "{path} cannot be read or written, for the disk reports an error: choose another --db",
    sqlite3.SQLITE_READONLY: "{path} cannot be written: change its permissions or its folder's, or choose another --db",
    sqlite3.SQLITE_CANTOPEN: "{path} cannot be opened, nor the files beside it: choose another --db",
    sqlite3.SQLITE_PERM: "{path} cannot be written: change its permissions or its folder's, or choose another --db",
}


def _closed(db: sqlite3.Connection) -> None:
    try:
        db.close()
    except sqlite3.Error:
        # What matters was committed, or has been reported as lost.
        return


def _size(value: bytes | None, blob: bytes) -> int:
    return len(value or b"") + len(blob)


def _raw(key: str) -> bytes:
    # A caller's lone surrogate has no UTF-8 form otherwise.
    return key.encode("utf-8", "surrogatepass")


def _element(row: tuple[object, object, object]) -> tuple[str, bytes, bytes] | None:
    key, value, blob = row
    if not (isinstance(key, bytes) and isinstance(value, bytes) and isinstance(blob, bytes)):
        return None
    try:
        return key.decode("utf-8", "surrogatepass"), value, blob
    except UnicodeDecodeError:
        return None
