"""A grader: a process that knows nothing of the office, and grades one submission after the other."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

from django.conf import settings

from gradschool.grading.papers import Paper, from_json
from gradschool.grading.report import Report, ReportError, Verdict
from gradschool.grading.service import PAPERS

NICENESS = 10  # what the site needs comes first; CPU time is what a check is judged by, so nobody's grade depends on it
MOST_GRADINGS = 500  # of one process; then a fresh one, whatever may have piled up in it
REPORT_BYTES = 16 << 20
PAPER_BYTES = 256 << 20


class GraderFailed(Exception):
    """The grader gave no report; str() says why."""


class Grader:
    """One grading process and what it works on. Started when first needed, and again after it was killed."""

    def __init__(self, tier: str) -> None:
        self.tier = tier
        self._folder = tempfile.TemporaryDirectory(prefix="gradschool-grader-")
        self._report = Path(self._folder.name, "report.json")
        self._trouble = Path(self._folder.name, "stderr")
        self._process: subprocess.Popen[bytes] | None = None
        self._gradings = 0

    def start(self, problem: str, submission: Path, student: str) -> None:
        """Begin to grade. The report is there, or will never be, when `waiting` is over."""
        if self._process is None or self._process.poll() is not None or self._gradings >= MOST_GRADINGS:
            self._renew()
        assert self._process is not None
        assert self._process.stdin is not None
        self._gradings += 1
        request = {
            "problem": problem,
            "submission": str(submission),
            "student": student,
            "tier": self.tier,
            "report": str(self._report),
        }
        with contextlib.suppress(BrokenPipeError):  # it has died: its output has ended, and `result` says so
            self._process.stdin.write(json.dumps(request).encode() + b"\n")

    def fileno(self) -> int:
        """Readable when the grading is over: so a grader can be selected on."""
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def result(self) -> Report:
        """The report of what was started. Raises GraderFailed."""
        said = os.read(self.fileno(), 4096)
        try:
            with self._report.open("rb") as file:
                text = file.read(REPORT_BYTES).decode(errors="replace")
            self._report.unlink()
            report = Report.from_json(text)
        except (OSError, ReportError) as error:
            self.kill()
            how = "said it was done" if said else "ended"
            raise GraderFailed(f"The grader {how}; {error}. {self._complaint()}".strip()) from None
        finally:
            os.truncate(self._trouble, 0)
        if report.verdict is Verdict.GRADER_ERROR:
            self.kill()  # the next one finds out anew what this machine gives
        return report

    def papers(self) -> list[Paper]:
        """What people are to read of the submission that `result` was about."""
        path = self._report.with_suffix(PAPERS)
        try:
            with path.open("rb") as file:
                return from_json(file.read(PAPER_BYTES).decode(errors="replace"))
        except (OSError, ValueError, TypeError, KeyError):
            return []  # the grader died between the two, and is asked again
        finally:
            path.unlink(missing_ok=True)

    def kill(self) -> None:
        """End it, and what it grades."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            for stream in (self._process.stdin, self._process.stdout):
                assert stream is not None
                stream.close()
            self._process = None

    def close(self) -> None:
        self.kill()
        self._folder.cleanup()

    def _renew(self) -> None:
        self.kill()
        self._gradings = 0
        with self._trouble.open("ab") as trouble:
            self._process = subprocess.Popen(
                [*settings.GRADER, "serve"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=trouble,
                bufsize=0,
                cwd="/",
                start_new_session=True,
                env={
                    "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
                    "LANG": "C.UTF-8",
                    "OMP_NUM_THREADS": "1",
                    "TMPDIR": tempfile.gettempdir(),
                },
            )
        os.setpriority(os.PRIO_PROCESS, self._process.pid, NICENESS)  # before it has started anything of its own

    def _complaint(self) -> str:
        return self._trouble.read_bytes()[-4000:].decode(errors="replace").strip()
