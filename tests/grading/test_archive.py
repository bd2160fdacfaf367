"""Uploaded archives: each trick gets its sentence; honest names in any script are kept."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from gradschool.grading.archive import ArchiveLimits, ArchiveRefused, inspect, pack, pack_bytes, put_member, read_member


def make(path: Path, *entries: str | zipfile.ZipInfo, content: bytes = b"x") -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for entry in entries:
            zipped.writestr(entry, content)
    return path


def refused(path: Path, **limits: int) -> str:
    with pytest.raises(ArchiveRefused) as caught:
        inspect(path, ArchiveLimits(**limits))
    sentence = str(caught.value)
    assert sentence.endswith((".", "taken."))
    return sentence


def raw_name(path: Path, name: bytes, utf8: bool = False) -> Path:
    """An archive whose one entry has exactly these bytes as its name, which zipfile itself would not write."""
    placeholder = "n" * len(name)
    make(path, placeholder)
    data = path.read_bytes().replace(placeholder.encode(), name)
    if utf8:
        data = data.replace(b"PK\x03\x04\x14\x00\x00\x00", b"PK\x03\x04\x14\x00\x00\x08").replace(
            b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x00\x08"
        )
    path.write_bytes(data)
    return path


def test_files_are_listed_without_folders_and_litter(tmp_path):
    path = make(tmp_path / "a.zip", "hw1/", "hw1/a.py", "hw1/b/c.py", "__MACOSX/hw1/._a.py", "hw1/.DS_Store")
    with zipfile.ZipFile(path, "a") as zipped:
        zipped.writestr("hw1/__pycache__/a.pyc", b"x")
        zipped.writestr("hw1/.git/config", b"x")
    listing = inspect(path)
    assert [(entry.name, entry.size) for entry in listing.files] == [("hw1/a.py", 1), ("hw1/b/c.py", 1)]
    assert listing.total == 2


def test_required_files_are_found_at_the_top_and_in_a_single_folder(tmp_path):
    flat = inspect(make(tmp_path / "flat.zip", "a.py", "docs/b.py"))
    assert flat.missing(["a.py", "b.py"]) == ("b.py",)
    nested = inspect(make(tmp_path / "nested.zip", "hw/a.py", "hw/docs/b.py"))
    assert nested.missing(["a.py", "b.py"]) == ("b.py",)
    two = inspect(make(tmp_path / "two.zip", "one/a.py", "two/b.py"))
    assert two.missing(["a.py", "b.py"]) == ("a.py", "b.py")


@pytest.mark.parametrize("name", ["задание.py", "作业/一.py", "résumé.py", "🎓.py", "with space.py", "עבודה.py"])
def test_names_in_any_script_are_kept(tmp_path, name):
    assert [entry.name for entry in inspect(make(tmp_path / "a.zip", name)).files] == [name]


def test_utf8_names_without_the_flag_are_understood(tmp_path):
    """As the archive tool of macOS writes them."""
    path = raw_name(tmp_path / "a.zip", "задание.py".encode())
    assert [entry.name for entry in inspect(path).files] == ["задание.py"]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("../a.py", "outside"),
        ("a/../../b.py", "outside"),
        ("/etc/passwd", "absolute"),
        ("C:/a.py", "absolute"),
        ("a\\..\\b.py", "backslash"),
        ("a\nb.py", "control"),
        ("a\x1b[2J.py", "control"),
        ("/".join("d" * 20) + "/a.py", "deeper"),
        ("n" * 300 + ".py", "longer"),
    ],
)
def test_names_that_do_harm_are_refused(tmp_path, name, word):
    assert word in refused(make(tmp_path / "a.zip", name))


def test_a_name_cut_by_a_zero_byte_is_refused(tmp_path):
    assert "control" in refused(raw_name(tmp_path / "a.zip", b"a.py\x00.txt"))


@pytest.mark.parametrize(
    ("kind", "word"), [(stat.S_IFLNK, "link"), (stat.S_IFIFO, "device or pipe"), (stat.S_IFCHR, "device or pipe")]
)
def test_only_plain_files_are_taken(tmp_path, kind, word):
    info = zipfile.ZipInfo("x.py")
    info.external_attr = (kind | 0o777) << 16
    assert word in refused(make(tmp_path / "a.zip", info))


@pytest.mark.parametrize(
    ("names", "word"),
    [
        (("A.py", "a.py"), "cannot tell apart"),
        (("é.py", "e\u0301.py"), "cannot tell apart"),
        (("a", "a/b"), "both as a file and as a folder"),
    ],
)
def test_names_that_collide_are_refused(tmp_path, names, word):
    assert word in refused(make(tmp_path / "a.zip", *names))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused(tmp_path):
    assert "twice" in refused(make(tmp_path / "a.zip", "a.py", "a.py"))


def test_encrypted_entries_are_refused(tmp_path):
    path = make(tmp_path / "a.zip", "a.py")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refused(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"hello", "not a zip"),
        (b"\x1f\x8b" + bytes(50), "not a zip"),
        (b"PK\x03\x04" + bytes(50), "cut off"),
    ],
)
def test_what_is_no_zip_is_named(tmp_path, content, word):
    path = tmp_path / "a.zip"
    path.write_bytes(content)
    assert word in refused(path)


def test_a_zip_cut_anywhere_is_refused_or_complete(tmp_path):
    whole = make(tmp_path / "whole.zip", "a.py", "b.py", content=os.urandom(100)).read_bytes()
    path = tmp_path / "cut.zip"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        refused(path)


def test_damage_raises_nothing_but_a_refusal(tmp_path):
    whole = make(tmp_path / "whole.zip", "a.py", "b.py").read_bytes()
    path = tmp_path / "damaged.zip"
    for position in range(len(whole)):
        data = bytearray(whole)
        data[position] ^= 0xFF
        path.write_bytes(data)
        with contextlib.suppress(ArchiveRefused):
            inspect(path)


def test_nothing_in_it_is_refused(tmp_path):
    assert "no file" in refused(make(tmp_path / "a.zip", "folder/", ".DS_Store"))
    assert "no file" in refused(make(tmp_path / "b.zip"))


def test_the_number_of_entries_is_judged_before_they_are_read(tmp_path, monkeypatch):
    path = make(tmp_path / "a.zip", *[f"{n}.py" for n in range(12)])
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "12 entries; at most 10" in refused(path, entries=10)


def test_a_directory_that_lies_about_its_number_is_refused(tmp_path):
    path = make(tmp_path / "a.zip", *[f"{n}.py" for n in range(12)])
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 2, 2)
    path.write_bytes(data)
    assert "contradicts" in refused(path)


def test_an_enormous_directory_is_refused_before_it_is_read(tmp_path):
    path = make(tmp_path / "a.zip", *["d" * 200 + str(n) for n in range(50)])
    assert "list of files takes" in refused(path, directory_bytes=5000)


def test_bombs_are_refused_by_what_they_declare(tmp_path):
    path = make(tmp_path / "a.zip", "bomb", content=bytes(5_000_000))
    assert "times its packed size" in refused(path)
    assert "more than 1 MB" in refused(path, total_bytes=1_000_000)


def test_more_than_65535_entries_are_counted_by_the_zip64_record(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for number in range(65_600):
            zipped.writestr(zipfile.ZipInfo(str(number)), b"")
    path = tmp_path / "many.zip"
    path.write_bytes(stream.getvalue())
    sentence = refused(path)
    assert "65,600" in sentence or "list of files" in sentence


def test_the_same_files_give_the_same_bytes(tmp_path):
    source = tmp_path / "a.py"
    source.write_text("x = 1")
    pack({"b.py": source, "a.py": source}, tmp_path / "one.zip")
    os.utime(source, (1, 1))
    pack({"a.py": source, "b.py": source}, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert [entry.name for entry in inspect(tmp_path / "one.zip").files] == ["a.py", "b.py"]


def test_a_missing_file_is_refused_with_a_sentence(tmp_path):
    assert "cannot be read" in refused(tmp_path / "none.zip")


def test_a_file_is_put_into_a_zip_beside_the_others_or_in_place_of_its_namesake(tmp_path):
    path = tmp_path / "x.zip"
    pack_bytes({"a.py": b"a", "answers.json": b"old" * 100}, path)
    put_member(path, "answers.json", b"new")
    with zipfile.ZipFile(path) as packed:
        assert {name: packed.read(name) for name in packed.namelist()} == {"a.py": b"a", "answers.json": b"new"}
        assert packed.testzip() is None
    assert [entry.name for entry in inspect(path).files] == ["a.py", "answers.json"]
    assert read_member(path, "answers.json", 10) == b"new"
    assert read_member(path, "none", 10) is None


def test_a_file_joins_the_others_in_their_folder(tmp_path):
    path = tmp_path / "x.zip"
    pack_bytes({"hw/a.py": b"a", "hw/deep/b.py": b"b"}, path)
    put_member(path, "answers.json", b"{}")
    assert inspect(path).missing(["a.py", "answers.json"]) == ()
    assert read_member(path, "answers.json", 10) == b"{}"
    assert read_member(path, "b.py", 10) is None, "only what lies at the top is looked at"
