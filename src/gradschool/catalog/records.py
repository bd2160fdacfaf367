"""Writing a recorded result: results/<method>/record.json and the figures beside it.

{"method": "linear_classifier", "code_hash": "...", "commit": "..." or null, "recorded": "2026-01-31",
 "machine": "...", "versions": {"python": "3.11.2", ...},
 "target": {"metric": "test_accuracy", "bar": 0.955, "minutes": 0.2, "device": "core"},
 "runs": {"default": {"config": {...}, "values": [...], "mean": 0.9, "spread": 0.01, "seeds": [...], "split": "...",
                      "details": {...}, "seconds": 1.0, "cpu_seconds": 0.9, "met": true}, "hinge": {...}},
 "figures": [{"file": "loss.svg", "title": "...", "alt": "..."}, ...]}
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gradschool.catalog.shelf import Figure, Method


def commit(folder: Path) -> str | None:
    """The commit that is checked out around a folder, with "+changes" if the folder differs; None without git."""
    try:
        found = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return found + ("+changes" if changed else "")


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, timeout=20)
    return done.stdout.strip()


def write(
    method: Method,
    runs: Mapping[str, Mapping[str, Any]],
    figures: Mapping[str, Sequence[Figure]],
    *,
    machine: str,
    versions: Mapping[str, str],
) -> Path:
    """Replace a method's record and its figures; returns the record's path.

    runs and figures: by preset, "default" for Config() itself. A figure of the default keeps its file's name, that of
    a preset has the preset's name before it. Raises OSError if the folder cannot be written.
    """
    folder = method.record_path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    listed = []
    for preset, pictures in figures.items():
        for picture in pictures:
            file = picture.path.name if preset == "default" else f"{preset}-{picture.path.name}"
            (folder / file).write_bytes(picture.path.read_bytes())
            listed.append({"file": file, "title": picture.title, "alt": picture.alt})
    record = {
        "method": method.name,
        "code_hash": method.code_hash,
        "commit": commit(method.source.parent),
        "recorded": datetime.now(UTC).date().isoformat(),
        "machine": machine,
        "versions": dict(versions),
        "target": asdict(method.target) if method.target else None,
        "runs": {preset: dict(run) for preset, run in runs.items()},
        "figures": listed,
    }
    method.record_path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return method.record_path
