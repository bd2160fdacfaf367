"""SQLite as Django speaks it, with writers that take turns.

SQLite lets one transaction write at a time, and whoever comes meanwhile looks again after ever longer rests, up to a
tenth of a second. When many write, who has waited longest looks least often: measured with sixteen writers, one in a
hundred waited for 3 seconds where each would have had its turn after 0.3. So before a transaction writes it waits for
the lock of a file beside the database, which the kernel hands over at once, and takes back from a process that dies.
The turn is a courtesy: whoever writes without one is still kept apart from all others by SQLite itself.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that waits for its turn before it writes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._turn: int | None = None  # descriptor of the file whose lock is the turn
        self._has_turn = False
        self.execute_wrappers.append(self._one_statement)

    def _one_statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        """A statement outside of a transaction is a transaction of its own."""
        if self._has_turn or self.in_atomic_block or not sql.startswith(WRITES):
            return execute(sql, params, many, context)
        self._take_turn()
        try:
            return execute(sql, params, many, context)
        finally:
            self._end_turn()

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            self._end_turn()
            raise

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]
        self._end_turn()  # if it could not commit it is rolled back, and has its turn until then

    def _rollback(self) -> None:
        try:
            super()._rollback()  # type: ignore[misc]
        finally:
            self._end_turn()

    def _close(self) -> None:
        try:
            super()._close()  # type: ignore[misc]
        finally:
            self._end_turn()
            if self._turn is not None:
                os.close(self._turn)
                self._turn = None

    def _take_turn(self) -> None:
        if self.is_in_memory_db():
            return
        if self._turn is None:
            path = f"{self.settings_dict['NAME']}.turn"
            try:
                self._turn = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError:  # a full disk, say, which the statement itself will find out about
                return
        fcntl.flock(self._turn, fcntl.LOCK_EX)
        self._has_turn = True

    def _end_turn(self) -> None:
        if self._has_turn and self._turn is not None:
            fcntl.flock(self._turn, fcntl.LOCK_UN)
            self._has_turn = False
