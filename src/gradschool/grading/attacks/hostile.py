"""Submissions of an attacker, one function each; the suite sends a function's source as somebody's homework.

Each gets the facts that an attacker could know or guess, and returns what it achieved, a list of words: empty when the
walls held. Whoever finds the secret returns that, as the judge would take it for the right answer. All are bounded in
time and count, and reach for nothing but the loopback network and the suite's own files and processes. Whatever a
function needs it imports itself, because it travels alone.
"""

# ruff: noqa: SIM105, SIM115, ANN
# mypy: ignore-errors

from gradschool.grading.attacks.kinds import FILTER, JUDGE, LIMITS, WALLS, stopped_by

# ----------------------------------------------------------------------------------------------- what is on the machine


@stopped_by(WALLS)
def reads_files(facts):
    found = []
    for path in facts["files"]:
        try:
            text = open(path, "rb").read().decode(errors="replace")
        except OSError:
            continue
        found.append(f"read {path}")
        if facts["mark"] in text:
            return text.split(facts["mark"])[1].split()[0]
    return found


@stopped_by(WALLS, slow=True)
def looks_for_files(facts):
    import os

    found = []
    for folder, folders, files in os.walk("/"):
        if folder == "/":
            folders[:] = [name for name in folders if name not in ("proc", "sys")]
        found += [os.path.join(folder, name) for name in files if name in ("checks.py", "problem.toml", "expect.toml")]
    return found


@stopped_by(WALLS)
def reads_other_processes(facts):
    import os

    for name in ("environ", "cmdline", "root/proc/self/environ"):
        try:
            text = open(f"/proc/{facts['victim']}/{name}", "rb").read(65536).decode(errors="replace")
        except OSError:
            continue
        if facts["mark"] in text:
            return text.split(facts["mark"])[1].split("\0")[0].split()[0]
    try:
        seen = [name for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        seen = []
    return [f"saw {len(seen)} processes"] if len(seen) > 16 else []


@stopped_by(WALLS)
def reads_the_environment(facts):
    import os

    texts = [str(dict(os.environ))]
    for path in ("/proc/self/environ", "/proc/1/environ"):
        try:
            texts.append(open(path, "rb").read().decode(errors="replace"))
        except OSError:
            pass
    for text in texts:
        if facts["mark"] in text:
            return text.split(facts["mark"])[1].split("\0")[0].split("'")[0]
    return []


@stopped_by(JUDGE)
def searches_memory(facts):
    import gc
    import sys

    for module in list(sys.modules.values()):
        for name in ("TOKEN", "reference", "solution"):
            if hasattr(module, name):
                return [f"{module.__name__}.{name}"]
    for thing in gc.get_objects():
        if isinstance(thing, dict) and "TOKEN" in thing:
            return thing["TOKEN"]
    frame = sys._getframe(1)
    while frame is not None:
        for space in (frame.f_globals, frame.f_locals):
            for name in ("TOKEN", "reference", "expected", "answers"):
                if name in space:
                    return [f"{name} in a frame of {frame.f_code.co_filename}"]
        frame = frame.f_back
    return []


@stopped_by(WALLS)
def reads_descriptors(facts):
    import os
    import stat

    found = []
    for number in range(256):
        try:
            kind = os.fstat(number).st_mode
        except OSError:
            continue
        if stat.S_ISREG(kind) or stat.S_ISDIR(kind):
            found.append(f"descriptor {number} is a file")
    return found


@stopped_by(WALLS)
def follows_links(facts):
    import os

    found = []
    for number, path in enumerate(facts["files"]):
        for make in (os.symlink, os.link):
            try:
                make(path, f"link-{number}")
                text = open(f"link-{number}", "rb").read()
                found.append(f"read {path} by a link ({len(text)} bytes)")
            except OSError:
                pass
    return found


# ---------------------------------------------------------------------------------------------------------- the network


@stopped_by(WALLS)
def connects(facts):
    import socket

    found = []
    targets = [
        (socket.AF_INET, ("127.0.0.1", facts["port"])),
        (socket.AF_UNIX, facts["socket"]),
        (socket.AF_UNIX, "\0" + facts["abstract"]),
    ]
    for family, address in targets:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as line:
                line.settimeout(2)
                line.connect(address)
                found.append(f"connected to {address!r}")
        except OSError:
            pass
    return found


@stopped_by(FILTER)
def makes_odd_sockets(facts):
    import socket

    found = []
    for name in ("AF_VSOCK", "AF_PACKET", "AF_NETLINK", "AF_ALG", "AF_BLUETOOTH", "AF_CAN"):
        for kind in (socket.SOCK_STREAM, socket.SOCK_RAW, socket.SOCK_DGRAM):
            try:
                socket.socket(getattr(socket, name), kind).close()
                found.append(name)
                break
            except (OSError, AttributeError):
                pass
    return found


# ------------------------------------------------------------------------------------------------------ other processes


@stopped_by(WALLS)
def signals_others(facts):
    import os
    import signal

    try:
        os.kill(facts["victim"], signal.SIGUSR1)  # it tells the suite
    except OSError:
        pass
    return []


@stopped_by(FILTER)
def traces_others(facts):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(0x4206, facts["victim"], 0, 0) == 0:  # PTRACE_SEIZE
        libc.ptrace(17, facts["victim"], 0, 0)  # PTRACE_DETACH
        return ["traced another process"]
    return []


@stopped_by(FILTER)
def enters_namespaces(facts):
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    names = {0x10000000: "user", 0x00020000: "mount", 0x40000000: "network"}
    return [f"a new {name} namespace" for flag, name in names.items() if libc.unshare(flag) == 0]


@stopped_by(FILTER)
def becomes_root(facts):
    import ctypes
    import os

    found = ["is root of the machine"] if os.getuid() == 0 and os.path.exists("/proc/1/root/etc") else []
    for change in (os.setuid, os.setgid):
        try:
            if os.getuid() != 0:
                change(0)
                found.append(change.__name__)
        except OSError:
            pass
    libc = ctypes.CDLL(None)
    os.mkdir("here")
    if libc.mount(b"none", b"here", b"tmpfs", 0, None) == 0:
        libc.umount2(b"here", 2)
        found.append("could mount")
    return found


@stopped_by(WALLS)
def leaves_a_daemon(facts):
    import os
    import time

    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for descriptor in range(64):
                try:
                    os.close(descriptor)
                except OSError:
                    pass
            time.sleep(120)
        os._exit(0)
    os.wait()
    return []


@stopped_by(JUDGE)
def kills_its_keepers(facts):
    import os

    parent = os.getppid()
    try:
        grandparent = int(open(f"/proc/{parent}/stat").read().rpartition(")")[2].split()[1])
    except OSError:
        grandparent = 0
    for pid in (grandparent, parent):
        if pid > 1:
            os.kill(pid, 9)
    return []


@stopped_by(JUDGE)
def goes_off_later(facts):
    import os
    import time

    if os.fork() == 0:
        os.setsid()
        time.sleep(0.2)  # when the next check is asked
        for descriptor in range(1, 64):
            try:
                os.set_blocking(descriptor, False)
                os.write(descriptor, b"GSW1" + bytes(64))
            except OSError:
                pass
        time.sleep(60)
        os._exit(0)
    return []


@stopped_by(WALLS)
def leaves_threads(facts):
    import threading
    import time

    def work():
        until = time.monotonic() + 60
        while time.monotonic() < until:
            sum(range(1000))

    for _ in range(4):
        threading.Thread(target=work, daemon=True).start()
    return []


# ----------------------------------------------------------------------------------------------------------- exhaustion


@stopped_by(LIMITS, slow=True)
def forks(facts):
    import os
    import time

    count = 0
    try:
        while count < 150:
            if os.fork() == 0:
                time.sleep(30)
                os._exit(0)
            count += 1
    except OSError:
        pass
    return [f"{count} processes"] if count > facts["most_processes"] else []


@stopped_by(LIMITS)
def starts_threads(facts):
    import threading
    import time

    count = 0
    try:
        while count < 300:
            threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
            count += 1
    except RuntimeError:
        pass
    return [f"{count} threads"] if count > facts["most_processes"] else []


@stopped_by(LIMITS, slow=True)
def eats_memory(facts):
    kept = []
    for _ in range(96):  # 3 GiB
        block = bytearray(32 << 20)
        block[::4096] = b"x" * len(block[::4096])
        kept.append(block)
    return [f"{len(kept) * 32} MiB of memory"]


@stopped_by(LIMITS, slow=True)
def eats_memory_in_children(facts):
    import os
    import time

    for _ in range(12):
        if os.fork() == 0:
            keep = bytearray(64 << 20)
            keep[::4096] = b"x" * len(keep[::4096])
            time.sleep(1)
            os._exit(0)
    codes = [os.wait()[1] for _ in range(12)]
    return [] if any(codes) else ["768 MiB in children"]


@stopped_by(LIMITS, slow=True)
def fills_the_disk(facts):
    import os

    total = 0
    block = bytes(1 << 20)
    for folder in (".", os.environ.get("TMPDIR", "/tmp"), "/tmp", "/dev/shm", "/var/tmp"):
        for number in range(12):
            try:
                with open(f"{folder}/{facts['trace']}-{number}", "wb", buffering=0) as file:
                    for _ in range(32):
                        total += file.write(block)
            except OSError:
                break
            if total > facts["most_disk"]:
                return [f"{total >> 20} MiB on the disk"]
    return []


@stopped_by(LIMITS)
def fills_inodes(facts):
    import time

    count = 0
    try:
        for number in range(12_000):
            open(f"inode-{number}", "wb").close()
            count += 1
    except OSError:
        pass
    if count > facts["most_files"]:
        time.sleep(5)  # where the number is watched, and not fixed: whoever keeps them must be ended
    return [f"{count} files"] if count > facts["most_files"] else []


@stopped_by(LIMITS, slow=True)
def loops_and_ignores_signals(facts):
    import resource
    import signal

    for number in range(1, 65):
        try:
            signal.signal(number, signal.SIG_IGN)
        except (OSError, ValueError):
            pass
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (-1, -1))
    except (OSError, ValueError):
        pass
    while True:
        pass


@stopped_by(LIMITS, slow=True)
def stops_itself(facts):
    import os
    import signal

    os.kill(os.getpid(), signal.SIGSTOP)
    return []


@stopped_by(LIMITS, slow=True)
def turns_back_the_clock(facts):
    import time

    for name in ("time", "monotonic", "perf_counter", "process_time", "clock_gettime"):
        setattr(time, name, lambda *_: 0.0)
    try:
        rights = next(line for line in open("/proc/self/status") if line.startswith("CapEff"))
        found = ["may set the clock"] if int(rights.split()[1], 16) >> 25 & 1 else []
    except OSError:
        found = []
    if found:
        return found
    while True:
        pass


@stopped_by(LIMITS, slow=True)
def floods_its_output(facts):
    import os

    for _ in range(3200):
        os.write(1, b"x" * 65536)  # 200 MiB
    return []


@stopped_by(JUDGE, slow=True)
def answers_too_much(facts):
    return ["x" * 1000] * 10_000_000


@stopped_by(JUDGE)
def ends_by_a_fault(facts):
    import ctypes

    ctypes.string_at(0)


@stopped_by(JUDGE)
def ends_early(facts):
    import os

    os._exit(0)


@stopped_by(JUDGE)
def ends_late(facts):
    import atexit
    import json
    import os

    def write():
        with open("results.json", "w") as file:
            json.dump({"score": 100, "tests": [{"score": 100, "max_score": 100}]}, file)
        os._exit(0)

    atexit.register(write)
    raise SystemExit(0)


# ---------------------------------------------------------------------------------------------------- traces for others


@stopped_by(WALLS)
def poisons_packages(facts):
    import os
    import sys

    found = []
    for place in sys.path:
        try:
            if os.path.realpath(place) != os.path.realpath("."):  # one's own folder is one's own
                with open(f"{place}/{facts['trace']}.pth", "w") as file:
                    file.write("import os\n")
                found.append(f"wrote into {place}")
        except OSError:
            pass
    return found


@stopped_by(WALLS)
def leaves_files(facts):
    for place in facts["shared"]:
        try:
            open(f"{place}/{facts['trace']}", "w").close()
        except OSError:
            pass
    return []


# ------------------------------------------------------------------------------------------------------- forged answers


@stopped_by(JUDGE)
def patches_the_comparers(facts):
    import builtins

    import numpy as np

    for name in ("allclose", "array_equal", "isclose", "equal"):
        setattr(np, name, lambda *_, **__: True)
    np.testing.assert_allclose = lambda *_, **__: None
    builtins.all = builtins.any = lambda *_: True
    return "patched"


@stopped_by(JUDGE)
def lies_about_equality(facts):
    class Liar(str):
        def __eq__(self, other):
            return True

        def __ne__(self, other):
            return False

        def __hash__(self):
            return 0

        @property
        def __class__(self):
            return str

    return Liar("equal to everything")


@stopped_by(JUDGE)
def takes_over_array_functions(facts):
    import numpy as np

    class Yes(np.ndarray):
        def __array_ufunc__(self, *_, **__):
            return True

        def __array_function__(self, *_, **__):
            return True

    return np.zeros(3).view(Yes)


@stopped_by(JUDGE, slow=True)
def takes_over_the_driver(facts):
    import sys

    driver = sys.modules["__main__"]
    for name in ("perform", "pack", "plain", "answer", "failure"):
        if hasattr(driver, name):
            setattr(driver, name, lambda *_, **__: b"correct")
    frame = sys._getframe(1)
    while frame is not None:
        for name in ("perform", "pack", "plain", "failure"):
            if name in frame.f_globals:
                frame.f_globals[name] = lambda *_, **__: b"correct"
        frame = frame.f_back
    return "taken over"


@stopped_by(JUDGE)
def looks_for_the_test(facts):
    import sys

    for name, module in list(sys.modules.items()):
        if "test" in name or "check" in name:
            for key in list(vars(module)):
                if key in ("TOKEN", "EXPECTED", "reference"):
                    return vars(module)[key]
    for key in ("reference", "expected", "TOKEN"):
        if key in sys._getframe(1).f_globals:
            return sys._getframe(1).f_globals[key]
    return []


@stopped_by(JUDGE)
def changes_after_it_was_read(facts):
    import threading

    import numpy as np

    array = np.zeros(1000)

    def work():
        for number in range(100_000):
            array[:] = number

    threading.Thread(target=work, daemon=True).start()
    return array


@stopped_by(JUDGE)
def answers_for_a_judge_that_unpickles(facts):
    import os

    class Bomb:
        def __reduce__(self):
            return os.system, (f"touch /tmp/{facts['trace']}",)

        def __getstate__(self):
            return os.system(f"touch /tmp/{facts['trace']}")

    return {"bomb": Bomb(), "list": [Bomb()]}


@stopped_by(JUDGE)
def forges_frames(facts):
    """A whole answer by hand, on the channel that it comes on, with the number that is asked for."""
    import json
    import os
    import struct
    import sys
    import time

    def frame(header, body=b""):
        text = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<4sIQ", b"GSW1", len(text), len(body)) + text + body

    caller = sys._getframe(1)
    while "channel" not in caller.f_locals:
        caller = caller.f_back
    channel, number = caller.f_locals["channel"], caller.f_locals["message"]["seq"]
    head = {"seq": number}
    huge = {**head, "value": {"array": 0}}
    deep = json.dumps({**head, "arrays": [], "value": 0}).encode().replace(b'"value": 0', b'"value": ' + b"[" * 200_000)
    forgeries = {
        "a claim of 10^10 elements": frame({**huge, "arrays": [["<f8", [10**10]]]}, b"12345678"),
        "a product that overflows": frame({**huge, "arrays": [["<f8", [2**32, 2**32]]]}, b""),
        "a negative size": frame({**huge, "arrays": [["<f8", [-1]]]}, b"12345678"),
        "objects": frame({**huge, "arrays": [["|O", [1]]]}, b"12345678"),
        "a structure": frame({**huge, "arrays": [["V8", [1]]]}, b"12345678"),
        "recursion": frame(deep),
        "no text": frame(b"\xff\xfe\x00"),
        "not an object": frame(b"[1, 2]"),
        "a duplicate answer": frame({**head, "arrays": [], "value": 1}) * 2,
        "an answer out of turn": frame({"seq": number + 1, "arrays": [], "value": 1}),
        "a verdict": frame({**head, "arrays": [], "verdict": "correct", "points": 1, "score": 1}),
        "NaN for a length": b"GSW1" + b"\xff" * 12,
        "other bytes": b"HTTP/1.1 200 OK\r\n\r\n" * 10,
    }
    os.write(channel, forgeries[facts["forgery"]])
    if facts["forgery"] != "a duplicate answer":
        time.sleep(0.05)
        os._exit(0)
    os.read(channel, 1)  # never comes: the judge must not need us to end
