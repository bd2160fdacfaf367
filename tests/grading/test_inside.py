"""The half that runs in the box."""

from __future__ import annotations

import ast
import stat
import sys
import zipfile
from pathlib import Path

import pytest

from gradschool.grading import archive, inside


def test_it_imports_nothing_but_the_standard_library():
    tree = ast.parse(Path(inside.__file__).read_text())
    imported = {
        alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {(node.module or "").partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert imported - {"torch"} <= sys.stdlib_module_names  # torch: only for tensors that a problem sends


def test_it_ignores_the_same_litter_as_the_archive_reader():
    assert set(archive.IGNORED) == inside.IGNORED


def zipped(path: Path, entries: dict[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return str(path)


def test_a_single_top_folder_is_looked_through(tmp_path):
    archived = zipped(tmp_path / "a.zip", {"hw1/work.py": b"x", "hw1/.DS_Store": b"", "__MACOSX/hw1/._work.py": b""})
    folder = inside.extract(archived, str(tmp_path / "out"), 10, 1000)
    assert [path.name for path in Path(folder).iterdir()] == ["work.py"]


def test_the_bounds_hold_for_what_is_really_unpacked(tmp_path):
    archived = zipped(tmp_path / "a.zip", {"big": bytes(100_000)})
    with pytest.raises(ValueError, match="more than 50,000 bytes"):
        inside.extract(archived, str(tmp_path / "out"), 10, 50_000)
    with pytest.raises(ValueError, match="entries"):
        inside.extract(zipped(tmp_path / "b.zip", {str(n): b"" for n in range(11)}), str(tmp_path / "b"), 10, 1000)


@pytest.mark.parametrize("name", ["../up.py", "/etc/x", "a/../../b", "C:/x", "..\\up.py"])
def test_nothing_is_unpacked_outside(tmp_path, name):
    with pytest.raises(ValueError, match="outside"):
        inside.extract(zipped(tmp_path / "a.zip", {name: b"x"}), str(tmp_path / "out" / "in"), 10, 1000)
    assert not (tmp_path / "out" / "up.py").exists()


def test_links_are_not_unpacked(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        info = zipfile.ZipInfo("link.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(info, "/etc/passwd")
    with pytest.raises(ValueError, match="link"):
        inside.extract(str(path), str(tmp_path / "out"), 10, 1000)
