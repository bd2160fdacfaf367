"""Archives of an attacker. Each function gives the bytes of a zip; `work` is a file that answers honestly."""

from __future__ import annotations

import io
import stat
import zipfile

from gradschool.grading.attacks.kinds import LOOK, stopped_by

Name = str | zipfile.ZipInfo


def _zip(*files: tuple[Name, str | bytes]) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return memory.getvalue()


def _special(name: str, kind: int, content: str) -> bytes:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (kind | 0o777) << 16
    return _zip((entry, content))


@stopped_by(LOOK)
def climbs_out(work: str) -> bytes:
    return _zip(("../../work.py", work))


@stopped_by(LOOK)
def starts_at_the_root(work: str) -> bytes:
    return _zip(("/tmp/work.py", work))


@stopped_by(LOOK)
def uses_backslashes(work: str) -> bytes:
    return _zip(("..\\..\\work.py", work))


@stopped_by(LOOK)
def holds_a_link(work: str) -> bytes:
    return _special("work.py", stat.S_IFLNK, "/etc/passwd")


@stopped_by(LOOK)
def holds_a_device(work: str) -> bytes:
    return _special("work.py", stat.S_IFCHR, "")


@stopped_by(LOOK, slow=True)
def is_a_bomb(work: str) -> bytes:
    return _zip(*((f"{n}.py", bytes(40_000_000)) for n in range(2)))


@stopped_by(LOOK)
def lies_about_its_size(work: str) -> bytes:
    content = bytes(30_000_000)
    honest = _zip(("work.py", content))
    return honest.replace(len(content).to_bytes(4, "little"), (1000).to_bytes(4, "little"))


@stopped_by(LOOK)
def has_ten_thousand_files(work: str) -> bytes:
    return _zip(*((f"{n}.py", "") for n in range(10_000)))


@stopped_by(LOOK)
def has_one_name_twice(work: str) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _zip(*(("work.py", text) for text in (work, "raise SystemExit")))


@stopped_by(LOOK)
def has_a_name_of_control_characters(work: str) -> bytes:
    return _zip(("work\x1b[2J\n.py", work))


@stopped_by(LOOK)
def hides_the_work_in_an_inner_archive(work: str) -> bytes:
    inner = _zip(("work.py", work))
    return _zip(*((f"{n}.zip", inner) for n in range(100)))


@stopped_by(LOOK)
def is_nested_deep(work: str) -> bytes:
    return _zip(("a/" * 500 + "work.py", work))


@stopped_by(LOOK)
def is_cut_short(work: str) -> bytes:
    whole = _zip(("work.py", work * 100))
    return whole[: len(whole) // 2]


@stopped_by(LOOK)
def is_no_archive(work: str) -> bytes:
    return work.encode()
