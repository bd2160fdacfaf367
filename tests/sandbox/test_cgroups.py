"""Control groups against made-up trees: this machine has only one kind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from gradschool.sandbox import cgroups


def own(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "self-cgroup"
    path.write_text(text)
    return path


def test_version_1_gets_a_group_for_each_controller(tmp_path):
    for controller in ("memory", "pids"):
        (tmp_path / controller / "course").mkdir(parents=True)
    groups = cgroups.create(1000, 5, tmp_path, own(tmp_path, "4:memory:/course\n3:pids:/course\n0::/\n"))
    limits = sorted(
        (folder.parent.parent.name, path.name, path.read_text())
        for folder in groups.folders
        for path in folder.iterdir()
    )
    assert ("memory", "memory.limit_in_bytes", "1000") in limits
    assert ("pids", "pids.max", "5") in limits


def test_version_2_gets_one_group_where_controllers_are_delegated(tmp_path):
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "cgroup.subtree_control").write_text("memory pids")
    groups = cgroups.create(1000, 5, tmp_path, own(tmp_path, "0::/user\n"))
    (folder,) = groups.folders
    assert (folder / "memory.max").read_text() == "1000"
    assert (folder / "pids.max").read_text() == "5"
    assert (folder / "memory.swap.max").read_text() == "0"
    (folder / "cgroup.procs").touch()
    inside = cgroups.Groups([], doors=[os.open(folder / "cgroup.procs", os.O_WRONLY)])
    inside.join()
    inside.close()
    assert (folder / "cgroup.procs").read_text() == "0"  # whoever writes this joins


def test_version_2_without_delegation_gives_none(tmp_path):
    (tmp_path / "cgroup.subtree_control").write_text("")
    assert cgroups.create(1000, 5, tmp_path, own(tmp_path, "0::/\n")).folders == []


def test_no_control_groups_at_all_are_no_error(tmp_path):
    groups = cgroups.create(1000, 5, tmp_path, tmp_path / "missing")
    groups.join()
    assert groups.kills() == 0
    groups.remove()


def test_kills_are_read_from_either_version(tmp_path):
    for name, text in (("memory.events", "oom 3\noom_kill 2\n"), ("memory.oom_control", "under_oom 0\noom_kill 4\n")):
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text(text)
        groups = cgroups.Groups([], accounts=[os.open(folder / name, os.O_RDONLY)])
        assert groups.kills() == int(text.split()[-1])
        groups.close()


def test_groups_of_dead_callers_are_swept_and_those_of_living_ones_kept(tmp_path):
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    stale = [tmp_path / "pids" / f"{cgroups.NAME}{pid}-0" for pid in (999999999, zombie.pid)]
    kept = tmp_path / "pids" / f"{cgroups.NAME}{os.getpid()}-999999"
    for folder in (*stale, kept):
        folder.mkdir(parents=True)
    cgroups.create(1000, 5, tmp_path, own(tmp_path, "3:pids:/\n"))
    zombie.wait()
    assert not any(folder.exists() for folder in stale)
    assert kept.exists()
