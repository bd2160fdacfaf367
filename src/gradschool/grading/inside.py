"""The half of the judge that runs in the box. Imports nothing of ours: the standard library, and NumPy if it is there.

    python inside.py SUBMISSION.zip WORK     requests on stdin, replies on descriptor 3 (see wire.py for the frames)

Three kinds of process. The **keeper** (this file's main) unpacks the submission, speaks with the judge and never runs
a line of the student's. The **template** imports the student's modules once. A **fork** of the template answers the
questions of one check and ends with it; so a crash, a loop or a changed global costs that check alone. Each fork has a
channel and an output pipe of its own, so nothing that an earlier check left behind can speak in its place.

The judge believes none of it. A student's code that takes all of this over has gained the right to send wrong answers.

Requests, one JSON header each with a `seq` that the reply repeats:
    open {modules, preload, cpu, wall, memory, output, files, bytes}  ->  opened {module: null | failure}, folder,
    output begin {cpu, memory, seed}                                ->  begun
    find {name} | get {handle, name} | set {handle, name, value} | call {handle, args, kwargs}
                                                             ->  value | error {...} | refused "sentence"
    end {}                                                   ->  ended {cpu}, output
Whenever the process that should answer dies:                    died {signal, code, cpu}, output
"""

import contextlib
import ctypes
import gc
import importlib
import json
import linecache
import math
import os
import random
import resource
import select
import signal
import socket
import stat
import struct
import sys
import time
import traceback
import zipfile
from typing import Any, NoReturn

Message = dict[str, Any]  # one JSON object of the protocol

REPLIES = 3
MAGIC = b"GSW1"
PREFIX = struct.Struct("<4sIQ")
DTYPES = {"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16"}
HEADER_BYTES = 1 << 20
BODY_BYTES = 64 << 20
DEPTH = 16
VALUES = 20_000
PR_SET_DUMPABLE = 4
IGNORED = {"__MACOSX", ".git", "__pycache__", ".DS_Store"}


class Unsendable(Exception):
    """A value that cannot cross the wall; str() is the sentence for the student."""


# ---------------------------------------------------------------------------------------------------------- values


def pack(
    message: Message, value: Any = None, has_value: bool = False, numpy: Any = None, handles: list[Any] | None = None
) -> bytes:
    """A frame. `value` is encoded under "value" if has_value; objects that must stay inside go to `handles`."""
    arrays: list[tuple[str, list[int], bytes]] = []
    header = dict(message)
    if has_value:
        header["value"] = plain(value, arrays, DEPTH, [VALUES], numpy, [] if handles is None else handles)
    header["arrays"] = [[name, shape] for name, shape, _ in arrays]
    text = json.dumps(header, allow_nan=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
    body = b"".join(data for _, _, data in arrays)
    if len(text) > HEADER_BYTES:
        raise Unsendable("what it returned is too long to send; return an array, not a long list or text")
    if len(body) > BODY_BYTES:
        raise Unsendable(f"what it returned holds {len(body):,} bytes of arrays; at most {BODY_BYTES:,} can be sent")
    return PREFIX.pack(MAGIC, len(text), len(body)) + text + body


def plain(
    value: Any, arrays: list[tuple[str, list[int], bytes]], depth: int, left: list[int], numpy: Any, handles: list[Any]
) -> Any:
    left[0] -= 1
    if left[0] < 0:
        raise Unsendable(f"what it returned consists of more than {VALUES:,} separate values; return an array")
    if depth == 0:
        raise Unsendable(f"what it returned is nested deeper than {DEPTH} levels")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        if abs(value) >= 10**400:
            raise Unsendable("what it returned holds an integer of more than 400 digits")
        return value if abs(value) < 10**18 else {"int": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is complex:
        return {"complex": [plain(part, arrays, depth - 1, left, numpy, handles) for part in (value.real, value.imag)]}
    if numpy is not None and issubclass(kind, (numpy.ndarray, numpy.generic)):
        dense = numpy.asarray(value)
        little = dense.astype(dense.dtype.newbyteorder("<"), order="C", copy=False)
        if little.dtype.str in DTYPES:
            arrays.append((little.dtype.str, list(dense.shape), little.tobytes()))
            return {"array" if issubclass(kind, numpy.ndarray) else "scalar": len(arrays) - 1}
        if little.dtype.kind == "g" or little.dtype.str in ("<f16", "<c32"):
            raise Unsendable(f"what it returned has the dtype {dense.dtype}; use float64")
    torch = sys.modules.get("torch")
    if torch is not None and numpy is not None and issubclass(kind, torch.Tensor):
        name = str(value.dtype).removeprefix("torch.")
        dense = value.detach().cpu().contiguous()
        dense = numpy.asarray(dense.float() if name == "bfloat16" else dense)
        if dense.dtype.str in DTYPES:
            arrays.append((dense.dtype.str, list(dense.shape), dense.tobytes()))
            return {"tensor": [len(arrays) - 1, name]}
    if issubclass(kind, (list, tuple)):
        items = [plain(item, arrays, depth - 1, left, numpy, handles) for item in value]
        return {"list" if issubclass(kind, list) else "tuple": items}
    if issubclass(kind, dict) and all(is_key(key) for key in value):
        pairs = []
        for key, item in value.items():
            coded = plain(key, arrays, depth - 1, left, numpy, handles)
            pairs.append([coded, plain(item, arrays, depth - 1, left, numpy, handles)])
        return {"dict": pairs}
    handles.append(value)
    return {"handle": [len(handles) - 1, kind.__name__[:100]]}


def is_key(key: Any) -> bool:
    if type(key) is tuple:
        return all(is_key(part) for part in key)
    return key is None or type(key) in (bool, int, float, str)


def unpack(header: bytes, body: bytes, numpy: Any, handles: list[Any]) -> Message:
    """The judge's message, which is trusted, with its arrays put back."""
    message: Message = json.loads(header.decode("utf-8", "surrogatepass"))
    arrays, position = [], 0
    for name, shape in message.pop("arrays", ()):
        dtype = numpy.dtype(name)
        size = dtype.itemsize * math.prod(shape)
        arrays.append(numpy.frombuffer(body[position : position + size], dtype).reshape(shape).copy())
        position += size
    for name in ("args", "kwargs", "value"):
        if name in message:
            message[name] = back(message[name], arrays, handles)
    return message


def back(coded: Any, arrays: list[Any], handles: list[Any]) -> Any:
    if not isinstance(coded, dict):
        return coded
    ((tag, content),) = coded.items()
    if tag == "list":
        return [back(item, arrays, handles) for item in content]
    if tag == "tuple":
        return tuple(back(item, arrays, handles) for item in content)
    if tag == "dict":
        return {back(key, arrays, handles): back(item, arrays, handles) for key, item in content}
    if tag == "array":
        return arrays[content]
    if tag == "scalar":
        return arrays[content][()]
    if tag == "handle":
        return handles[content[0]]
    if tag == "complex":
        return complex(*(back(part, arrays, handles) for part in content))
    if tag == "int":
        return int(content)
    if tag == "tensor":
        import torch

        return torch.from_numpy(arrays[content[0]]).to(getattr(torch, content[1]))
    return float(content)


def receive(descriptor: int) -> tuple[bytes, bytes] | None:
    """Header and body of the next frame; None at the end of the stream."""
    prefix = exactly(descriptor, PREFIX.size)
    if prefix is None:
        return None
    _, header_length, body_length = PREFIX.unpack(prefix)
    header, body = exactly(descriptor, header_length), exactly(descriptor, body_length)
    return None if header is None or body is None else (header, body)


def exactly(descriptor: int, count: int) -> bytes | None:
    data = bytearray()
    while len(data) < count:
        piece = os.read(descriptor, min(1 << 20, count - len(data)))
        if not piece:
            return None
        data += piece
    return bytes(data)


def send(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


# ---------------------------------------------------------------------------------------------------------- limits


def limit_cpu(seconds: float, final: bool) -> None:
    """A soft limit that ends the process with SIGXCPU; if final, a hard one a second later that nothing can undo."""
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(seconds + used.ru_utime + used.ru_stime)
    top = soft + 1 if hard == resource.RLIM_INFINITY else min(soft + 1, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(soft, top), top if final else hard))


def limit_memory(megabytes: int, final: bool) -> None:
    """An address space of what is in use now plus `megabytes`, so that too large an array is a MemoryError."""
    try:
        with open("/proc/self/statm", "rb") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        top = now + megabytes * 1024 * 1024
        top = top if hard == resource.RLIM_INFINITY else min(top, hard)
        resource.setrlimit(resource.RLIMIT_AS, (top, top if final else hard))
    except (OSError, ValueError):
        pass  # macOS: the watchdog outside is the limit


# --------------------------------------------------------------------------------------------------------- failures


def failure(error: BaseException, folder: str) -> Message:
    """An exception of the student's code as plain data, with the frames of the student's own files only."""
    frames: list[list[Any]] = []
    for frame in traceback.extract_tb(error.__traceback__):
        name = own_file(frame.filename, folder)
        if name:
            frames.append([name, frame.lineno or 0, frame.name, (frame.line or "")[:200]])
    if isinstance(error, SyntaxError) and error.filename and own_file(error.filename, folder):
        line = linecache.getline(error.filename, error.lineno or 0).strip()
        frames.append([own_file(error.filename, folder), error.lineno or 0, "<syntax>", line[:200]])
    try:
        message = error.msg if isinstance(error, SyntaxError) else str(error)
    except BaseException:
        message = "(its message could not be made)"
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins"]
    return {"type": type(error).__name__[:100], "kinds": kinds, "message": message[:2000], "frames": frames[-12:]}


def own_file(path: str, folder: str) -> str | None:
    if path.startswith("<"):
        return None  # "<string>" and the like
    path = os.path.realpath(path)
    return os.path.relpath(path, folder) if path.startswith(folder + os.sep) else None


# ------------------------------------------------------------------------------------------------------ a check's fork


def answer(channel: int, request: Message, modules: dict[str, Any], failures: Message, folder: str) -> None:
    """Answer the questions of one check until it ends. Runs in a fork of the template."""
    limit_cpu(request["cpu"], final=True)
    limit_memory(request["memory"], final=True)
    numpy = sys.modules.get("numpy")  # the keeper loaded it, if the problem allows it
    random.seed(request["seed"])
    if numpy is not None:
        numpy.random.seed(request["seed"] % 2**32)
    if sys.modules.get("torch") is not None:
        sys.modules["torch"].manual_seed(request["seed"])
    handles: list[Any] = []
    while True:
        frame = receive(channel)
        if frame is None:
            return
        message = unpack(*frame, numpy, handles)
        if message["op"] == "end":
            flush()
            return
        reply = {"seq": message["seq"]}
        try:
            data = pack(reply, perform(message, modules, handles, failures), True, numpy, handles)
        except Unsendable as error:
            data = pack({**reply, "refused": str(error)})
        except Missing as error:
            data = pack({**reply, "missing": error.args[0]})
        except BaseException as error:
            data = pack({**reply, "error": failure(error, folder)})
            error.__traceback__ = None  # it would keep the arrays of its frames alive
        flush()
        send(channel, data)


class Missing(Exception):
    """A name that no module of the student's has."""


def perform(message: Message, modules: dict[str, Any], handles: list[Any], failures: Message) -> Any:
    op = message["op"]
    if op == "find":
        name = message["name"]
        if name in modules:
            return modules[name]
        for module in modules.values():
            if hasattr(module, name):
                return getattr(module, name)
        raise Missing({"name": name, "failures": failures})
    thing = handles[message["handle"]]
    if op == "get":
        return getattr(thing, message["name"])
    if op == "set":
        return setattr(thing, message["name"], message["value"])
    return thing(*message["args"], **message["kwargs"])


def flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the student may have replaced or closed it
            stream.flush()


# ---------------------------------------------------------------------------------------------------------- template


def template(
    control: socket.socket, output: int, folder: str, names: list[str], failures: Message, order: Message
) -> NoReturn:
    """Import the student's modules, then fork once for each check that the keeper announces. Runs student code."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(REPLIES)
    prctl(PR_SET_DUMPABLE, 1)  # unlike the keeper: the watchdog outside may see how much memory is whose
    limit_cpu(order["cpu"], final=False)
    limit_memory(order["memory"], final=False)
    sys.path.insert(0, folder)
    os.chdir(folder)
    sys.stdout = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)
    modules = {}
    for name in names:
        tell(control, {"importing": name})
        try:
            modules[name] = importlib.import_module(name)
        except BaseException as error:
            failures[name] = failure(error, folder)
            sys.modules.pop(name, None)
            tell(control, {"failed": name, "why": failures[name]})
    flush()
    tell(control, {"ready": True})
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (hard, hard))  # each check gets its own
    gc.collect()
    gc.freeze()
    while True:
        data, descriptors, _, _ = socket.recv_fds(control, 65536, 4)
        if not data:
            os._exit(0)
        request = json.loads(data)
        channel, output = descriptors
        pid = os.fork()
        if pid == 0:
            try:
                os.setsid()
                os.dup2(output, 1)
                os.dup2(output, 2)
                os.close(output)
                control.close()
                answer(channel, request, modules, failures, folder)
                os._exit(0)
            except BaseException:
                os._exit(70)
        os.close(channel)
        os.close(output)
        tell(control, {"pid": pid})
        _, raw, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(raw)
        tell(control, {"exit": code, "cpu": used.ru_utime + used.ru_stime})


def tell(control: socket.socket, message: Message) -> None:
    control.sendall(json.dumps(message).encode() + b"\n")


# ------------------------------------------------------------------------------------------------------------ keeper


class Output:
    """What the student's code printed, cut after so many bytes; the rest is counted and dropped."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept = bytearray()
        self.dropped = 0
        self.descriptor = -1

    def pipe(self) -> int:
        """A fresh pipe; returns the end to write to."""
        self.close()
        self.descriptor, write = os.pipe()
        os.set_blocking(self.descriptor, False)
        return write

    def drain(self, rounds: int = 64) -> None:
        for _ in range(rounds):
            if self.descriptor < 0:
                return
            try:
                piece = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return
            if not piece:
                self.close()
                return
            room = max(0, self.limit - len(self.kept))
            self.kept += piece[:room]
            self.dropped += max(0, len(piece) - room)

    def close(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def take(self) -> str:
        self.drain()
        text = bytes(self.kept).decode("utf-8", "replace")
        if self.dropped:
            text += f"\n[{self.dropped:,} more bytes were printed]"
        self.kept.clear()
        self.dropped = 0
        return text


class Keeper:
    """Stands between the judge and the student's processes."""

    def __init__(self, submission: str, work: str) -> None:
        self.submission = submission
        self.work = os.path.realpath(work)
        self.control: socket.socket  # to the living template
        self.lines = b""
        self.template = 0
        self.channel: socket.socket  # to the fork of the current check
        self.pid = 0
        self.output = Output(65536)

    def serve(self) -> None:
        while True:
            frame = receive(0)
            if frame is None:
                return
            message = json.loads(frame[0])
            seq, op = message["seq"], message["op"]
            if op == "open":
                self.reply({"seq": seq, **self.open(message)})
            elif op == "begin":
                self.reply({"seq": seq, **self.begin(message)})
            elif op == "end":
                self.reply({"seq": seq, **self.end(frame)})
            else:
                self.relay(seq, frame)

    def reply(self, message: Message) -> None:
        send(REPLIES, pack(message))

    # -- opening

    def open(self, order: Message) -> Message:
        self.output.limit = order["output"]
        sys.path.append(os.path.join(os.path.dirname(self.submission), "lent"))  # modules of ours, if any are
        for name in order["preload"]:  # before the submission is on the path, and not on the student's time
            importlib.import_module(name)
        try:
            folder = extract(self.submission, os.path.join(self.work, "submission"), order["files"], order["bytes"])
        except Exception as error:
            return {"refused": f"{error}"[:500]}
        opened, failures = {}, {}
        names = list(order["modules"])
        present = [name for name in names if os.path.exists(os.path.join(folder, name + ".py"))]
        for name in names:
            if name not in present:
                failures[name] = {
                    "type": "",
                    "kinds": ["Absent"],
                    "message": f"{name}.py was not handed in",
                    "frames": [],
                }
        while True:
            culprit = self.start_template(folder, present, failures, order)
            if culprit is None:
                break
            present.remove(culprit)  # the others get their chance without it
        for name in names:
            opened[name] = failures.get(name)
        return {"opened": opened, "output": self.output.take()}

    def start_template(self, folder: str, names: list[str], failures: Message, order: Message) -> str | None:
        """Fork a template and wait for its imports. Returns the module whose import it died of, None if it lives."""
        ours, theirs = socket.socketpair()
        output = self.output.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                ours.close()
                template(theirs, output, folder, names, failures, order)
            finally:
                os._exit(71)
        theirs.close()
        os.close(output)
        self.control, self.template, self.lines = ours, pid, b""
        deadline = time.monotonic() + order["wall"]
        current = names[0] if names else None
        while True:
            message = self.hear(min(0.1, max(0.0, deadline - time.monotonic())))
            if message is None:
                late = time.monotonic() > deadline
                if not late and not self.gone:
                    continue
                if late:
                    os.kill(pid, signal.SIGKILL)
                _, raw, used = os.wait4(pid, 0)
                self.sweep()
                code = os.waitstatus_to_exitcode(raw)
                cpu = used.ru_utime + used.ru_stime
                kinds = ["TimedOut"] if late or code == -signal.SIGXCPU else ["Died"]
                culprit = current or names[0]
                failures[culprit] = {"type": "", "kinds": kinds, "message": ending(code), "frames": [], "cpu": cpu}
                self.control.close()
                return culprit
            if "importing" in message:
                current = message["importing"]
            elif "failed" in message:
                failures[message["failed"]] = message["why"]
            elif "ready" in message:
                return None

    gone = False

    def hear(self, seconds: float) -> Message | None:
        """The next line of the template, or None if there is none within the time (or never: then `gone`)."""
        self.gone = False
        deadline = time.monotonic() + seconds
        while b"\n" not in self.lines:
            left = deadline - time.monotonic()
            watched: list[Any] = [self.control] + ([self.output.descriptor] if self.output.descriptor >= 0 else [])
            ready, _, _ = select.select(watched, [], [], max(0.0, left))
            self.output.drain()
            if self.control in ready:
                try:
                    piece = self.control.recv(65536)
                except OSError:
                    piece = b""
                if not piece:
                    self.gone = True
                    return None
                self.lines += piece
            elif left <= 0:
                return None
        line, _, self.lines = self.lines.partition(b"\n")
        message: Message = json.loads(line)
        return message

    # -- one check

    def begin(self, order: Message) -> Message:
        self.output.take()
        channel, theirs = socket.socketpair()
        output = self.output.pipe()
        message = json.dumps({name: order[name] for name in ("cpu", "memory", "seed")}).encode()
        try:
            socket.send_fds(self.control, [message], [theirs.fileno(), output])
        except OSError:
            return {"lost": True}
        finally:
            theirs.close()
            os.close(output)
        self.channel = channel
        told = self.hear(20.0)
        if told is None or type(told.get("pid")) is not int or told["pid"] <= 1:
            return {"lost": True}
        self.pid = told["pid"]
        return {"begun": True}

    def relay(self, seq: int, frame: tuple[bytes, bytes]) -> None:
        """Pass a question to the fork and its answer back, byte for byte; or tell the judge that it died."""
        header, body = frame
        waiting = memoryview(PREFIX.pack(MAGIC, len(header), len(body)) + header + body)
        incoming = bytearray()
        need = PREFIX.size
        sized = False
        self.channel.setblocking(False)
        while True:
            reading: list[Any] = [self.channel, self.control]
            if self.output.descriptor >= 0:
                reading.append(self.output.descriptor)
            ready, writable, _ = select.select(reading, [self.channel] if waiting else [], [])
            self.output.drain()
            try:
                if writable:
                    waiting = waiting[self.channel.send(waiting[: 1 << 20]) :]
                if self.channel in ready:
                    piece = self.channel.recv(min(1 << 20, need - len(incoming)))
                    if not piece:
                        return self.died(seq)
                    incoming += piece
            except BlockingIOError:
                continue
            except OSError:
                return self.died(seq)
            if not sized and len(incoming) == need:
                _, header_length, body_length = PREFIX.unpack(incoming)
                if header_length > HEADER_BYTES or body_length > BODY_BYTES:
                    return self.reply({"seq": seq, "refused": "what came back is too large to be an answer"})
                need += header_length + body_length
                sized = True
            if sized and len(incoming) == need:
                return send(REPLIES, incoming)
            if self.control in ready and self.channel not in ready:
                return self.died(seq)  # the template speaks only when the fork has ended

    def died(self, seq: int) -> None:
        told = self.hear(1.0)
        if told is None and not self.gone:
            self.put_down()  # it closed its channel and lives on
            told = self.hear(5.0)
        self.channel.close()
        clean = self.sweep()
        output = self.output.take()
        if told is None or "exit" not in told:
            return self.reply({"seq": seq, "lost": True, "output": output})
        code = told["exit"]
        died = {"code": code, "how": ending(code), "cpu": told["cpu"]}
        return self.reply({"seq": seq, "died": died, "output": output, "lost": not clean})

    def end(self, frame: tuple[bytes, bytes]) -> Message:
        header, body = frame
        told = None
        try:
            self.channel.setblocking(True)
            self.channel.settimeout(1.0)
            self.channel.sendall(PREFIX.pack(MAGIC, len(header), len(body)) + header + body)
            told = self.hear(1.0)
        except OSError:
            pass
        if told is None and not self.gone:
            self.put_down()
            told = self.hear(5.0)
        self.channel.close()
        clean = self.sweep()
        cpu = told["cpu"] if told and "cpu" in told else 0.0
        return {"ended": {"cpu": cpu}, "output": self.output.take(), "lost": told is None or not clean}

    def put_down(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)

    def sweep(self) -> bool:
        """Kill what a check left running; whether all of it is gone. Orphans are ours, if the system lets us adopt."""
        self.output.drain()
        for _ in range(200):  # a fork bomb takes several rounds
            strays = [pid for pid in children_of(os.getpid()) if pid != self.template]
            if not strays:
                return True
            for pid in strays:
                for below in (pid, *children_of(pid)):
                    with contextlib.suppress(OSError):
                        os.kill(below, signal.SIGKILL)
            for pid in strays:
                with contextlib.suppress(OSError):
                    os.waitpid(pid, 0)
        return False


def children_of(pid: int) -> list[int]:
    """The children of a process and of its threads; none where the system does not tell."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError:
        pass  # it ended while we looked, or this is no Linux
    return found


def ending(code: int) -> str:
    """How a process ended, in words."""
    if code < 0:
        try:
            return f"it was ended by signal {signal.Signals(-code).name}"
        except ValueError:
            return f"it was ended by signal {-code}"
    return f"it ended the whole process with exit code {code}"


def extract(archive: str, target: str, most_files: int, most_bytes: int) -> str:
    """Unpack a zip within bounds; returns the folder of the files: the single top folder, if there is one."""
    written = 0
    with zipfile.ZipFile(archive) as zipped:
        entries = zipped.infolist()
        if len(entries) > most_files:
            raise ValueError(f"the archive has {len(entries):,} entries; at most {most_files:,} are taken")
        for entry in entries:
            name = entry.filename
            if not entry.flag_bits & 0x800:
                with contextlib.suppress(UnicodeError):  # macOS writes UTF-8 without saying so
                    name = name.encode("cp437").decode("utf-8")
            parts = name.replace("\\", "/").split("/")
            if name.startswith("/") or ".." in parts or name[1:2] == ":":
                raise ValueError(f"the archive's entry {name!r} points outside of it")
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if entry.is_dir() or kind == stat.S_IFDIR or IGNORED & set(parts):
                continue
            if kind not in (0, stat.S_IFREG):
                raise ValueError(f"the archive's entry {name!r} is a link or device")
            if entry.flag_bits & 1:
                raise ValueError(f"the archive's entry {name!r} is encrypted")
            path = os.path.join(target, *[part for part in parts if part not in ("", ".")])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with zipped.open(entry) as reading, open(path, "xb") as writing:
                while piece := reading.read(1 << 16):
                    written += len(piece)
                    if written > most_bytes:
                        raise ValueError(f"the archive unpacks to more than {most_bytes:,} bytes")
                    writing.write(piece)
    os.makedirs(target, exist_ok=True)
    inner = os.listdir(target)
    if len(inner) == 1 and os.path.isdir(os.path.join(target, inner[0])):
        return os.path.join(target, inner[0])
    return target


def prctl(option: int, value: int) -> None:
    """A switch of this process, on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main() -> None:
    submission, work = sys.argv[1:3]
    site_packages = os.environ.get("GRADSCHOOL_SITE")
    if site_packages and site_packages not in sys.path:
        sys.path.append(site_packages)
    import site

    site.setquit()  # -S leaves exit() and quit() out
    prctl(36, 1)  # PR_SET_CHILD_SUBREAPER: what a check leaves behind becomes our child
    prctl(PR_SET_DUMPABLE, 0)  # the student's processes may not trace us
    Keeper(submission, work).serve()


if __name__ == "__main__":
    main()
