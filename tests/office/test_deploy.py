"""docs/deploy.md, followed literally on a machine of its own: its files are written, its commands are run as root.

The machine is this one seen through an overlay, in namespaces of its own: users, nginx and its ports are real, and gone
at the end. Left out, because nothing outside can be reached and systemd does not run there: fetching packages and code
(what is installed here takes its place), `systemctl` (each unit's ExecStart is started as its User, with the directives
of `confined`; systemd-analyze reads the rest), the course's own dates (moved to today), and the update.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from gradschool.syllabus import load, weeks_to_open
from tests.office.conftest import small_course

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
HOST = "course.example.edu"
SITE = f"https://{HOST}"
GOOD = "a long enough word"
OPEN = "hw1"  # what is due when the test runs
TOOLS = ("nginx", "curl", "openssl", "unshare", "nsenter", "setpriv", "runuser", "useradd", "ip")

# The new root: everything of this machine to be read, whatever is written kept in memory.
OVERLAY = """
set -eu
mount --make-rprivate /
mount -t tmpfs tmpfs {place}
mkdir {place}/upper {place}/work {place}/root
mount -t overlay overlay -o lowerdir=/,upperdir={place}/upper,workdir={place}/work {place}/root
cd {place}/root
for each in {bound}; do mkdir -p ".$each"; mount --bind -o ro "$each" ".$each"; done
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mkdir -p former
pivot_root . former
umount -l /former
ip link set lo up
echo ready
exec sleep infinity
"""


def blocks(section: str, kind: str = "sh") -> list[str]:
    """The commands of a section of the page, block by block."""
    text = PAGE.split(f"\n## {section}", 1)[1].split("\n## ", 1)[0]
    text = re.sub(r"`/[^`]+`:\n\n```\w+\n.*?```", "", text, flags=re.DOTALL)  # those are files
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def files() -> dict[str, str]:
    """Every file that the page has written, by its path."""
    return dict(re.findall(r"`(/[^`]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL))


class Machine:
    """The machine of the page. `run` is what its root does, `start` what systemd would."""

    def __init__(self, place: Path) -> None:
        bound = [path for path in (ROOT, Path(sys.prefix)) if os.stat(path).st_dev != os.stat("/").st_dev]
        script = OVERLAY.format(place=place, bound=" ".join(shlex.quote(str(path)) for path in bound))
        spaces = ["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child"]
        self.holder = subprocess.Popen(["unshare", *spaces, "sh", "-c", script], stdout=subprocess.PIPE, text=True)
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == "ready\n"
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text().split()
        self.into = ["nsenter", "--target", children[0], *spaces[:5], "--root"]
        self.started: list[subprocess.Popen[bytes]] = []

    def run(self, command: str, said: str = "", status: int = 0, **variables: str) -> str:
        """What a command of root's prints."""
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **variables}
        done = subprocess.run(
            [*self.into, "sh", "-euc", command],
            input=said,
            capture_output=True,
            text=True,
            timeout=300,
            cwd="/",
            env=environment,
        )
        assert done.returncode == status, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def write(self, path: str, content: str) -> None:
        self.run(f"mkdir -p {Path(path).parent}; cat > {path}", content)

    def start(self, unit: str) -> subprocess.Popen[bytes]:
        """Run a unit's ExecStart; what it says is in /var/log."""
        process = subprocess.Popen(
            [*self.into, "sh", "-c", confined(unit)], cwd="/", env={}, stdin=subprocess.DEVNULL, start_new_session=True
        )
        self.started.append(process)
        return process

    def stop(self) -> None:
        self.holder.kill()  # and with it, as the first process of its namespace, everything
        self.holder.wait()
        self.holder.stdout.close()
        for process in self.started:
            process.wait(30)


def confined(name: str) -> str:
    """A shell's words for what systemd does with a unit before ExecStart."""
    lines = re.findall(r"^(\w+)=(.*)$", files()[f"/etc/systemd/system/{name}.service"], re.MULTILINE)
    unit: dict[str, list[str]] = {}
    for key, value in lines:
        unit.setdefault(key, []).append(value)
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["CapabilityBoundingSet"] == [""]
    writable = " ".join(unit["ReadWritePaths"])
    needed = [ROOT, Path(sys.prefix), Path(sys.base_prefix)]  # which the page has in /opt, and a checkout anywhere
    hidden = [place for place in ("/tmp", "/home") if not any(path.is_relative_to(place) for path in needed)]
    mounts = [
        "mount --make-rprivate /",
        f"for each in {writable} /var/log /tmp; do mount --bind $each $each; done",
        *(f"mount -t tmpfs tmpfs {place}" for place in hidden),  # not /root, which may hold the interpreter
        "chmod 1777 /tmp",
        "mount -o remount,bind,ro /",
    ]
    drop = f"setpriv --reuid={unit['User'][0]} --regid={unit['Group'][0]} --init-groups"
    drop += " --bounding-set=-all --inh-caps=-all" + (" --no-new-privs" if unit["NoNewPrivileges"] == ["yes"] else "")
    variables = "; ".join(f"set -a; . {path}; set +a" for path in unit["EnvironmentFile"])
    command = f"{variables}; umask {unit['UMask'][0]}; cd {unit['WorkingDirectory'][0]}; "
    command += f"exec {drop} {unit['ExecStart'][0]} >> /var/log/{name}.log 2>&1"
    inner = f"export PATH=/usr/local/bin:/usr/bin:/bin; {'; '.join(mounts)}; {command}"
    return f"exec /usr/bin/unshare --mount sh -euc {shlex.quote(inner)}"


def moved_to_today(course: Path) -> None:
    """Step 1's "edit course.toml": the term's dates, so that a problem set is open now."""
    term = load(course)
    weeks = weeks_to_open(term, OPEN, datetime.now(ZoneInfo(term.zone)).date())

    def later(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + timedelta(weeks=weeks)).date().isoformat()

    path = course / "course.toml"
    path.write_text(re.sub(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)", later, path.read_text()))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0:
        pytest.skip("only root can make a machine of its own")
    missing = [tool for tool in TOOLS if shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    place = tmp_path_factory.mktemp("machine")
    if subprocess.run(["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False).returncode:
        pytest.skip("this machine gives no namespaces")
    course = small_course(tmp_path_factory.mktemp("course") / "course", [], "")
    moved_to_today(course)
    made = Machine(place)
    try:
        followed(made, course)
        yield made
    finally:
        made.stop()


def followed(machine: Machine, course: Path) -> None:
    """Steps 1 to 8."""
    fetch, copy = blocks("1. Packages")
    packages = re.search(r"apt-get install --yes (.*)", fetch)
    assert packages
    assert set(packages[1].split()) <= {"git", "nginx", "openssl", "python3-venv"}
    machine.run(f"mkdir /opt/gradschool; ln -s {ROOT}/src {ROOT}/course {ROOT}/constraints.txt /opt/gradschool")
    machine.run(f"ln -s {sys.prefix} /opt/gradschool/.venv")
    # A checkout or an interpreter in somebody's home is not what the page installs. (What is bound is read-only.)
    for folder in {ROOT, *ROOT.parents, *Path(os.path.realpath(sys.executable)).parents}:
        machine.run(f"chmod o+x {folder} || true")
    machine.run(copy)
    machine.run("rm -r /srv/course")
    machine.run(f"cp -r {course} /srv/course")
    machine.run("/opt/gradschool/.venv/bin/gradschool course check --course /srv/course > /dev/null || true")
    for path, content in files().items():
        machine.write(path, content)
    for section in ("2. Users", "3. Settings", "6. TLS"):
        for block in blocks(section):
            machine.run(block)
    assert blocks("8. Start")[0].count("systemctl") == 3
    machine.run("nginx")
    machine.start("gradschool-site")
    until(lambda: machine.run("curl --silent http://127.0.0.1:8000/healthz || true") == "ok\n", machine)
    machine.start("gradschool-worker")
    machine.run(f"echo 127.0.0.1 {HOST} other.example.edu >> /etc/hosts")


def until(holds, machine: Machine) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        gone = [process.args for process in machine.started if process.poll() is not None]
        assert not gone, machine.run("tail -n 40 /var/log/gradschool-*.log")
        assert time.monotonic() < deadline, machine.run("tail -n 40 /var/log/gradschool-*.log")
        time.sleep(0.1)


class Browser:
    """curl, with the machine's certificate as the only one that it trusts."""

    def __init__(self, machine: Machine, who: str) -> None:
        self.machine, self.jar = machine, f"/root/{who}.jar"

    def ask(self, path: str, *options: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a page."""
        words = ["curl", "--silent", "--include", "--cacert", "/etc/ssl/gradschool/chain.pem"]
        words += ["--cookie", self.jar, "--cookie-jar", self.jar, "--referer", SITE + "/", *options, SITE + path]
        head, _, body = self.machine.run(shlex.join(words)).partition("\n\n")
        while head.startswith(("HTTP/1.1 100", "HTTP/2 100")):
            head, _, body = body.partition("\n\n")
        first, *rest = head.splitlines()
        said = [line.split(": ", 1) for line in rest]
        return int(first.split()[1]), {key.lower(): value for key, value in said if key.lower() != "set-cookie"}, body

    def send(self, path: str, form: str, *options: str, **fields: str) -> tuple[int, dict[str, str], str]:
        """Fill in a page's form and send it off."""
        page = self.ask(form)[2]
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
        assert token, page
        words = [f"csrfmiddlewaretoken={token[1]}", *(f"{name}={value}" for name, value in fields.items())]
        parts = [part for word in words for part in ("--form-string", word)]
        return self.ask(path, *parts, *options)


def invited(machine: Machine, who: str, *options: str) -> Browser:
    """Somebody who took the link that the command line printed."""
    said = machine.run(shlex.join(["gradschool", "roster", "invite", f"{who}@example.edu", *options]))
    link = said.splitlines()[-1]
    browser = Browser(machine, who)
    status, headers, page = browser.send(link, link, name=who.title(), password=GOOD, again=GOOD)
    assert (status, headers.get("location")) == (302, "/fall-2021/"), page
    return browser


def test_the_page_makes_a_site_that_teaches(machine: Machine) -> None:
    for block in blocks("8. Start")[1:]:
        said = machine.run(block)
    assert "/invitations/" in said
    ada = invited(machine, "ada")
    chi = invited(machine, "chi", "--role", "student", "--section", "CS 7643")

    # Signing in anew, with cookies that only https carries.
    machine.run(f"rm {chi.jar}")
    status, _, _ = chi.send("/signin", "/signin", username="chi@example.edu", password=GOOD)
    assert status == 302
    jar = machine.run(f"cat {chi.jar}")
    assert re.search(rf"^#HttpOnly_{re.escape(HOST)}\tFALSE\t/\tTRUE\t\d+\t__Host-sessionid\t\w+$", jar, re.MULTILINE)
    status, headers, page = chi.ask("/account")
    assert status == 200
    assert "Chi" in page
    assert headers["strict-transport-security"] == "max-age=31536000"
    for name in ("content-security-policy", "permissions-policy", "x-frame-options", "x-content-type-options"):
        assert headers[name]
    assert headers["cache-control"] == "private, no-store"

    # A hand-in over a slow line: the first byte's time counts although nginx takes in the whole upload first.
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        for name in ("classifier.py", "network.py"):
            archive.writestr(name, "x = 1\n")
        archive.writestr("notes.bin", os.urandom(300_000))
    place = "/root/hand-in.zip"
    machine.run(f"base64 -d > {place}", base64.b64encode(memory.getvalue()).decode())
    page = f"/fall-2021/problems/{OPEN}/"
    slowly = ("--limit-rate", "150k", "--form", f"files=@{place}")
    status, headers, said = chi.send(page + "hand-in", page, *slowly)
    assert status == 302, said
    report = headers["location"]
    receipt = chi.ask(report + "receipt.txt")[2]
    until(lambda: "46 of 46 points" in chi.ask(report + "status")[2], machine)
    look = "import sqlite3; print(*sqlite3.connect('/var/lib/gradschool/office.sqlite3').execute("
    look += "'select arrived_at, completed_at from handin_submission').fetchone(), sep='\\n')"
    arrived, completed = map(
        datetime.fromisoformat, machine.run(shlex.join([sys.executable, "-c", look])).split("\n")[:2]
    )
    assert completed - arrived > timedelta(seconds=1), "300 kB at 150 kB/s take two"
    assert "Signature: " in receipt
    assert ada.ask(report)[0] == 200
    assert "Chi" in ada.ask(f"/fall-2021/staff/{OPEN}/")[2]


def test_every_other_way_in_is_shut(machine: Machine) -> None:
    def curl(words: str, status: int = 0) -> str:
        return machine.run(f"curl --silent --include {words}", status=status)

    assert f"Location: {SITE}/signin?next=/x" in curl(f"'http://{HOST}/signin?next=/x'")
    curl("http://other.example.edu/", status=52)  # nothing
    curl("--insecure https://other.example.edu/", status=35)  # not even a handshake
    curl(f"--insecure --tls-max 1.1 {SITE}/", status=35)
    assert f"Location: {SITE}/" in curl(f"--header 'Host: {HOST}' http://127.0.0.1:8000/")
    assert " 400" in curl("--header 'Host: other.example.edu' http://127.0.0.1:8000/healthz").splitlines()[0]
    trusted = "--cacert /etc/ssl/gradschool/chain.pem"
    assert " 403" in curl(f"{trusted} {SITE}/metrics").splitlines()[0]
    assert " 403" in curl(f"{trusted} --header 'X-Forwarded-For: 127.0.0.1' {SITE}/metrics").splitlines()[0]
    assert "gradschool_workers_alive 1.0" in curl("http://127.0.0.1:8000/metrics")
    machine.run("head -c 70000000 /dev/zero > /tmp/large")
    assert " 413" in curl(f"{trusted} --data-binary @/tmp/large {SITE}/signin").splitlines()[0]
    listening = machine.run("cat /proc/net/tcp /proc/net/tcp6")
    ports = {int(port, 16) for port in re.findall(r"\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:0000 0A", listening)}
    assert ports == {80, 443, 8000}
    assert re.search(r"0100007F:1F40 00000000:0000 0A", listening), "the site itself answers this machine only"


def test_site_and_worker_have_no_more_than_they_need(machine: Machine) -> None:
    worker = "setpriv --reuid=gradschool-worker --regid=gradschool --init-groups"
    machine.run(f"{worker} cat /etc/gradschool/site.env", status=1)
    machine.run(f"{worker} test ! -r /etc/ssl/gradschool/key.pem -a ! -r /var/backups/gradschool")
    machine.run(f"{worker} test -w /var/lib/gradschool/office.sqlite3 -a -r /etc/gradschool/office.env")
    machine.run("setpriv --reuid=nobody --regid=nogroup --clear-groups test ! -x /var/lib/gradschool")
    key = machine.run("sed -n 's/^GRADSCHOOL_SECRET_KEY=//p' /etc/gradschool/site.env").strip()
    assert re.fullmatch(r"[0-9a-f]{64}", key)
    held = "for each in $(pgrep -u gradschool-worker); do tr '\\0' '\\n' < /proc/$each/environ; done"
    assert key not in machine.run(held)
    assert machine.run("test ! -e /var/lib/gradschool/secret_key && echo none") == "none\n"
    tiers = machine.run("grep -h 'sandbox tier' /var/log/gradschool-worker.log")
    assert json.loads(tiers.splitlines()[0])["message"].endswith("tier namespaces")


def test_the_log_is_one_object_a_line_and_names_nobody(machine: Machine) -> None:
    said = machine.run("grep -h '^{' /var/log/gradschool-site.log /var/log/gradschool-worker.log")
    entries = [json.loads(line) for line in said.splitlines()]
    assert {"handin:hand_in", "people:invitation", "people:signin"} <= {entry.get("view") for entry in entries}
    assert not [entry for entry in entries if entry["level"] in ("error", "critical")]
    whole = machine.run("cat /var/log/gradschool-*.log /var/log/nginx/*.log")
    for personal in ("chi@", "Chi", "/invitations/", GOOD, "next="):
        assert personal not in whole


def test_a_backup_is_made_by_its_unit(machine: Machine) -> None:
    if not (ROOT / "src" / "gradschool" / "cli" / "backup.py").exists():
        pytest.skip("there is no `gradschool backup` yet")
    assert machine.start("gradschool-backup").wait(120) == 0, machine.run("cat /var/log/gradschool-backup.log")
    machine.started.pop()
    assert machine.run("ls -A /var/backups/gradschool")


def test_systemd_can_read_the_units(machine: Machine) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    units = [path for path in files() if path.startswith("/etc/systemd/system/")]
    assert len(units) == 4
    said = machine.run(f"systemd-analyze verify --recursive-errors=no {' '.join(units)} 2>&1")
    assert "gradschool" not in said


def test_health_is_whole(machine: Machine) -> None:
    assert json.loads(machine.run(blocks("9. Watching")[0]))["ready"] is True
