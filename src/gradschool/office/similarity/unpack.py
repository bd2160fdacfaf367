"""Runs inside a sandbox: reads the Python out of archives, within bounds, and says it on descriptor 3.

    python unpack.py 0.zip 1.zip ...      for each: eight bytes of length, then that much JSON

Nothing of an archive is written or run. Standard library only; imports nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
import zipfile

SUFFIXES = (".py", ".ipynb")
MOST_FILES = 40
MOST_BYTES = 400_000  # of one archive's Python
MOST_OF_ONE = 150_000  # bytes of one file: a long one does not crowd out the others
SKIPPED = ("__MACOSX", "__pycache__", ".git", ".ipynb_checkpoints")


def read(path: str) -> dict[str, object]:
    """The Python files of an archive by name, in order, and a note on what was left out."""
    files: dict[str, str] = {}
    left, note = MOST_BYTES, ""
    try:
        with zipfile.ZipFile(path) as zipped:
            for entry in sorted(zipped.infolist(), key=lambda entry: entry.filename):
                parts = entry.filename.split("/")
                if not entry.filename.endswith(SUFFIXES) or any(part in SKIPPED for part in parts):
                    continue
                if len(files) >= MOST_FILES or left <= 0:
                    note = "Not all of its code is compared: there is too much of it."
                    break
                with zipped.open(entry) as file:
                    data = file.read(min(left, MOST_OF_ONE))
                    if file.read(1):
                        note = "Not all of its code is compared: there is too much of it."
                left -= len(data)
                files[entry.filename[:200]] = data.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    except Exception as error:  # whatever is wrong with somebody's archive is told, not raised
        note = f"Its archive cannot be read ({type(error).__name__})."
    return {"files": files, "note": note}


def main() -> None:
    for path in sys.argv[1:]:
        data = json.dumps(read(path)).encode()
        data = len(data).to_bytes(8, "big") + data
        while data:
            data = data[os.write(3, data) :]


if __name__ == "__main__":
    main()
