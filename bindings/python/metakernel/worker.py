"""A worker process: takes attempts from its socket, runs one at a time, answers."""

import mmap
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time
from collections import deque

from metakernel import link, mappings, modules, protocol, shared, values
from metakernel.attempt import Attempt
from metakernel.errors import TaskCancelled
from metakernel.protocol import Out, Splitter

_RING = 1024
_RING_AT = 64
_CONTROL_BYTES = _RING_AT + _RING
#: Results that go out together while more attempts are at hand, and for how long they are held back, in seconds.
_HOLD_COUNT = 32
_HOLD_SECONDS = 0.001
#: An implementation that has run longer than this is not begun before what lies ready has been sent.
_SHORT_SECONDS = 0.0005
#: How often a process that waits looks whether what it has mapped is still there.
_TIDY_MS = 1000
_OUTPUT_FILE_BYTES = 8 << 20


def run(number, socket_path, control_path, output_prefix, values_path, overflow_path):
    folder = shared.SharedFolder(values_path, overflow_path, "p%d" % number)
    Worker(number, socket_path, control_path, output_prefix, folder).serve()


class Implementation:
    __slots__ = ("signature", "module", "method", "runner", "seconds")

    def __init__(self, signature, module, method):
        self.signature = signature
        self.module = module
        self.method = method
        self.runner = None
        self.seconds = 1.0

    def load(self):
        runner = self.runner
        if runner is None:
            runner = self.runner = modules.runner_of(self.module, self.method)
        return runner


class Standard:
    """One of the descriptors 1 and 2: a file of its own, as long as what has been printed."""

    def __init__(self, prefix, suffix, number):
        self.number = number
        self._prefix = prefix
        self._suffix = suffix
        self.file = 0
        self.told = 0
        self._open()

    def _open(self):
        path = "%s-%d.%s" % (self._prefix, self.file, self._suffix)
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        os.dup2(opened, self.number)
        self.kept = opened

    def length(self):
        return os.lseek(self.kept, 0, os.SEEK_END)

    def restore(self):
        """Whatever the attempt did to the descriptor. A file that has grown large makes way for a new one."""
        if self.told > _OUTPUT_FILE_BYTES:
            os.close(self.kept)
            self.file += 1
            self.told = 0
            self._open()
        else:
            os.dup2(self.kept, self.number)


class Worker:
    def __init__(self, number, socket_path, control_path, output_prefix, folder):
        self.stdout = Standard(output_prefix, "out", 1)
        self.stderr = Standard(output_prefix, "err", 2)
        self._streams = (sys.stdout, sys.stderr)
        for stream in self._streams:
            stream.reconfigure(line_buffering=True)
        _unbuffer_c()
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(socket_path)
        file = os.open(control_path, os.O_RDWR | os.O_CLOEXEC)
        control = mmap.mmap(file, _CONTROL_BYTES)
        os.close(file)
        self._words = memoryview(control)[:_RING_AT].cast("Q")
        self._ring = memoryview(control)[_RING_AT:]
        self._fence = threading.Lock()
        self.folder = folder
        self.out = Out(self.sock)
        self._splitter = Splitter()
        self._poll = select.poll()
        self._poll.register(self.sock, select.POLLIN)
        self._implementations = {}
        #: By signature: number, description, language, signature; and by number. Known to the agent for the whole process.
        self.elements = {}
        self.elements_by_number = {}
        self._queue = deque()
        self._results = {}
        self._closing = False
        self._current = -1
        self._interruptible = False
        self.interrupted = False
        self._break_due = False
        self._unsent = 0
        self._sent_at = 0.0
        self._cpus = None
        self._gpus = False
        self._forked = False
        self._use_hosts(None)
        os.register_at_fork(after_in_child=self._leave_to_parent)
        signal.signal(signal.SIGUSR1, self._on_break)
        signal.signal(signal.SIGUSR2, self._on_hurry)
        _seed()
        self.out.words += [protocol.HELLO, number, os.getpid()]
        self.out.flush()

    def _leave_to_parent(self):
        """A child that user code has forked: the connection is its parent's, tasks are plain calls in it."""
        self._forked = True
        self.sock.close()
        link.set_maker(None)

    def nodes(self):
        """Of the pool, as the agent last said."""
        return max(1, self._words[2])

    # ------------------------------------------------------------------------------------------------ signals

    def _on_break(self, number, frame):
        if self._interruptible and self._words[1] == self._current + 1 and not self.interrupted:
            if self.out.busy:
                self._break_due = True
            else:
                self._break()

    def _break(self):
        self._break_due = False
        self.interrupted = True
        raise TaskCancelled("the task was stopped")

    def break_if_due(self):
        """After a record has been written: the signal came meanwhile."""
        if self._break_due:
            self._break()

    def _on_hurry(self, number, frame):
        """Results and submissions lie ready behind code that goes on."""
        if self._interruptible and not self.out.busy:
            self.out.busy = True
            self.send()
            self.out.busy = False

    # ------------------------------------------------------------------------------------------------ frames

    def serve(self):
        queue = self._queue
        while True:
            while queue:
                self._start(*queue.popleft())
            self.send()
            if self._closing:
                return
            self._receive()

    def hold_back(self):
        """What lies ready is sent later: the agent looks at this word, and hurries it when code goes on for long."""
        self._words[3] = 1

    def send(self):
        self._words[3] = 0
        self._unsent = 0
        self._sent_at = time.monotonic()
        self.out.flush()

    def _receive(self):
        """Waits for the socket, and puts what comes where it belongs. A signal may end the waiting, not the reading."""
        while not self._poll.poll(_TIDY_MS if mappings.any_kept() else None):
            mappings.forget_removed()
        before = self._interruptible
        self._interruptible = False
        data = self.sock.recv(1 << 18)
        if not data:
            os._exit(0)
        self._splitter.push(data, self._frame)
        self._interruptible = before

    def _frame(self, frame):
        words = frame.words
        end = len(words)
        while frame.at < end:
            kind = frame.word()
            if kind == protocol.RUN:
                self._queue.append(self._read_run(frame))
            elif kind == protocol.WAIT_DONE:
                self._read_wait(frame)
            elif kind == protocol.IMPLEMENTATION:
                number = frame.word()
                self._implementations[number] = Implementation(frame.text(), frame.text(), frame.text())
            elif kind == protocol.CLOSE:
                self._closing = True
            else:
                raise RuntimeError("record %d means nothing" % kind)

    def _read_run(self, frame):
        at = frame.at
        index, number, flags, cpus, attempt, task, returns, count = map(int, frame.words[at : at + 8])
        frame.at = at + 8
        args = frame.bytes()
        extra = values.decode(frame.bytes()) if flags & protocol.FLAG_EXTRA else None
        accesses = [(frame.word(), self._read_content(frame)) for _ in range(count)] if count else ()
        implementation = self._implementations[number]
        return implementation, Attempt(self, index, implementation.signature, flags, cpus, attempt, task, returns, args,
                                       extra, accesses)

    def _read_content(self, frame):
        kind = frame.word()
        if kind == protocol.CONTENT_INLINE:
            return frame.bytes()
        if kind == protocol.CONTENT_FILE:
            length = frame.word()
            return (frame.text(), length)
        return None

    def _read_wait(self, frame):
        frame.word()
        wait = frame.word()
        count = frame.word()
        if count < 0:
            self._results[wait] = (values.decode(frame.bytes()), None)
        else:
            self._results[wait] = (None, [self._read_content(frame) for _ in range(count)])

    def wait_for(self, wait):
        """Sends everything, blocks until the wait has ended, gives (error, contents)."""
        self.send()
        results = self._results
        while wait not in results:
            self._receive()
        return results.pop(wait)

    # ------------------------------------------------------------------------------------------------ attempts

    def _start(self, implementation, attempt):
        index = attempt.index
        words = self._words
        self._current = index
        # Counted first, looked at second; the executor does it the other way about. The lock is the fence between.
        words[0] = index + 1
        self._fence.acquire()
        self._fence.release()
        out = self.out
        if self._ring[index % _RING]:
            out.words += [protocol.SKIPPED, index]
            return
        self._unsent += 1
        if (implementation.seconds > _SHORT_SECONDS or self._unsent > _HOLD_COUNT
                or time.monotonic() - self._sent_at > _HOLD_SECONDS):
            self.send()
        if attempt.flags & protocol.FLAG_ANNOUNCE:
            out.words += [protocol.STARTED, index]
            self.send()
        self._run(implementation, attempt)

    def _run(self, implementation, attempt):
        if self._cpus != attempt.cpus:
            self._use_threads(attempt.cpus)
        extra = attempt.extra
        gpus = extra["gpus"] if extra is not None else None
        if gpus or self._gpus:
            self._use_gpus(gpus)
        hosts = extra["hostNames"] if extra is not None else None
        if hosts or self._hosts:
            self._use_hosts(hosts)
        self.interrupted = False
        self._break_due = False
        self.out.busy = False
        begin = time.perf_counter()
        try:
            self._interruptible = True
            try:
                attempt.run(implementation.load)
            finally:
                self._interruptible = False
        except TaskCancelled:
            attempt.cancelled()
        if self._forked:
            _end_child()
        seconds = time.perf_counter() - begin
        implementation.seconds = seconds if implementation.seconds == 1.0 else (
            0.75 * implementation.seconds + 0.25 * seconds if seconds < implementation.seconds else seconds)
        self._tidy(attempt)
        attempt.settle(self.out, seconds * 1000)

    def _tidy(self, attempt):
        """What the attempt has printed is told before how it ended; the descriptors are as they were."""
        if sys.stdout is not self._streams[0] or sys.stderr is not self._streams[1]:
            sys.stdout, sys.stderr = self._streams
        for stream in self._streams:
            try:
                stream.flush()
            except (OSError, ValueError):
                pass
        for code, standard in ((1, self.stdout), (2, self.stderr)):
            length = standard.length()
            if length != standard.told:
                standard.told = length
                self.out.words += [protocol.PRINTED, attempt.index, code, standard.file, length]
            standard.restore()

    def _use_gpus(self, gpus):
        self._gpus = bool(gpus)
        for name in ("COMPSS_BINDED_GPUS", "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES"):
            if gpus:
                os.environ[name] = ",".join(map(str, gpus))
            else:
                os.environ.pop(name, None)

    def _use_hosts(self, hosts):
        """Nodes that the attempt holds, this one first; by itself where it holds no other."""
        self._hosts = bool(hosts)
        names = hosts or [modules.node()]
        os.environ["COMPSS_NUM_NODES"] = str(len(names))
        os.environ["COMPSS_HOSTNAMES"] = ",".join(names)

    def _use_threads(self, cpus):
        self._cpus = cpus
        text = str(cpus)
        for name in ("COMPSS_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = text
        _blas_threads(cpus)


def _end_child():
    """A child came back from the task: its parent is the one that answers."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(0)


def _seed():
    """Forked processes must not draw the same numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(struct.unpack("<I", os.urandom(4))[0])


def _unbuffer_c():
    """printf of C code reaches the file at once, so that it belongs to the attempt that printed it."""
    import ctypes

    libc = ctypes.CDLL(None)
    try:
        for name in ("stdout", "stderr"):
            libc.setvbuf(ctypes.c_void_p.in_dll(libc, name), None, 2, 0)
    except (AttributeError, ValueError):
        pass


_blas_setters = None


def _blas_threads(count):
    """Thread pools of the BLAS libraries that are loaded: their environment is read only when they are loaded."""
    global _blas_setters
    if "numpy" not in sys.modules:
        return
    if _blas_setters is None:
        if count == 1:
            return
        _blas_setters = _find_blas_setters()
    for setter in _blas_setters:
        setter(count)


def _find_blas_setters():
    import ctypes

    found = []
    try:
        with open("/proc/self/maps") as file:
            libraries = {line.split()[-1] for line in file if "blas" in line and ".so" in line}
    except OSError:
        return found
    for path in libraries:
        try:
            library = ctypes.CDLL(path, mode=os.RTLD_NOLOAD | os.RTLD_NOW)
        except OSError:
            continue
        for name in ("openblas_set_num_threads", "openblas_set_num_threads64_", "scipy_openblas_set_num_threads64_"):
            setter = getattr(library, name, None)
            if setter is not None:
                found.append(setter)
                break
    return found
