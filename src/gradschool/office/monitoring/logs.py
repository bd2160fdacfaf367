"""What the office writes to its log: words for whoever started it, or one JSON object a line for programs.

Neither says whom a request was from or what was in it: addresses hold invitations and links that set passwords, and
the text of an exception may quote what somebody wrote. A line has the view's name and the user's number.
"""

from __future__ import annotations

import json
import logging
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

REQUEST: ContextVar[str] = ContextVar("REQUEST", default="")  # the id of the request that this thread answers
FIELDS = ("view", "method", "status", "ms", "user")


def said(record: logging.LogRecord) -> str:
    """A record's message without what the request's sender put into it."""
    if record.name.startswith("gunicorn"):
        return str(record.msg)  # its arguments are addresses
    request = getattr(record, "request", None)
    path = getattr(request, "path", None)
    if path is not None and isinstance(record.args, tuple) and path in record.args:
        return str(record.msg) % tuple(view_of(request) if arg == path else arg for arg in record.args)
    return record.getMessage()


def view_of(request: Any) -> str:
    """The name of the view that a request led to; "" if it led to none."""
    match = getattr(request, "resolver_match", None)
    return str(match.view_name) if match else ""


class Words(logging.Formatter):
    """A line for people, with the whole traceback below it."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record)} {record.levelname} {record.name}: {said(record)}"


class Lines(logging.Formatter):
    """One JSON object: when, how bad, which request, and of an exception its kind and places."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": said(record),
        }
        if request := REQUEST.get():
            line["request"] = request
        line |= {name: record.__dict__[name] for name in FIELDS if name in record.__dict__}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line, ensure_ascii=False)


def configuration(form: str) -> dict[str, Any]:
    """The dictionary for logging.config: `form` is "words" or "json"."""
    formatter = Lines if form == "json" else Words
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": formatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "WARNING"},
        "loggers": {
            "django": {"level": "WARNING"},
            "gradschool": {"level": "INFO"},
            "gradschool.requests": {"level": "INFO" if form == "json" else "WARNING"},
            # Anybody can ask for another host, with any text for its name; the request's own line says 400.
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
            # Of a request that it cannot read gunicorn warns with the sender's address.
            "gunicorn.error": {"level": "ERROR" if form == "json" else "WARNING"},
        },
    }
