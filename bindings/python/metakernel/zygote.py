"""The process that workers are forked from.

Orders come on descriptor 0, a line each: ``F number socket control output values overflow`` forks a worker, ``K number signal group``
signals one. Notices go to descriptor 3: ``X number how`` when a worker has ended. It has one thread, and nothing of a
user's code is ever imported here.
"""

import ctypes
import gc
import importlib
import os
import select
import signal
import sys

_NOTICES = 3
_PR_SET_PDEATHSIG = 1
#: Among the flags of a process in /proc/PID/stat.
_PF_EXITING = 4
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
#: What every worker would import for itself: code of ours, and numpy where it is.
_SHARED = ("metakernel.worker", "metakernel.socket_link", "metakernel.mappings", "metakernel.program",
           "pycompss.api.task", "pycompss.api.api", "pycompss.api.parameter", "pycompss.api.constraint", "pycompss._core.submission", "pycompss._core.waiting",
           "pycompss._core.body", "pycompss._core.calling", "ast", "dis", "linecache", "tokenize", "numpy", "numpy.random")
_DEFAULT_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP)


def _die_with(parent):
    """SIGKILL for this process when its parent ends; at once when that has happened already."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def main():
    _die_with(int(os.environ.pop("METAKERNEL_PARENT")))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # One process for each unit: a library that starts a thread for each core would oversubscribe the machine.
    for name in _THREADS:
        os.environ.setdefault(name, "1")
    for name in _SHARED:
        try:
            importlib.import_module(name)
        except ImportError:
            pass
    gc.collect()
    gc.freeze()
    Zygote().serve()


class Zygote:
    def __init__(self):
        self._workers = {}
        #: Those that were alive when they were killed by order.
        self._killed = set()
        self._wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wake_write = wake_write
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        self._rest = b""

    def serve(self):
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self._wake_read, select.POLLIN)
        while True:
            for ready, _ in poll.poll():
                if ready == 0:
                    self._orders()
                else:
                    os.read(self._wake_read, 4096)
                    self._reap()

    def _orders(self):
        content = os.read(0, 65536)
        if not content:
            self._end()
        lines = (self._rest + content).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            order = line.decode("utf-8").split("\t")
            if order[0] == "F":
                self._fork(int(order[1]), order[2:])
            elif order[0] == "K":
                self._signal(int(order[1]), int(order[2]), order[3] == "1")

    def _fork(self, number, paths):
        here = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.write(_NOTICES, ("X\t%d\tcannot fork: %s\n" % (number, error)).encode())
            return
        if pid:
            self._workers[pid] = number
            return
        try:
            self._become_worker(here)
            from metakernel import worker

            worker.run(number, *paths)
        except BaseException:
            import traceback

            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)

    def _become_worker(self, parent):
        _die_with(parent)
        os.setpgid(0, 0)
        signal.set_wakeup_fd(-1)
        for number in _DEFAULT_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        for number in (null, _NOTICES, self._wake_read, self._wake_write):
            os.close(number)

    def _signal(self, number, which, group):
        for pid, known in self._workers.items():
            if known != number:
                continue
            if which == signal.SIGKILL and _lives(pid):
                self._killed.add(pid)
            try:
                if group:
                    os.killpg(pid, which)
                else:
                    os.kill(pid, which)
            except ProcessLookupError:
                # Not yet the leader of a group of its own, or gone.
                if group:
                    os.kill(pid, which)

    def _reap(self):
        while self._workers:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = self._workers.pop(pid, None)
            if number is not None:
                how = _how(status, pid in self._killed)
                self._killed.discard(pid)
                os.write(_NOTICES, ("X\t%d\t%s\n" % (number, how)).encode())
                _kill_group(pid)

    def _end(self):
        for pid in self._workers:
            _kill_group(pid)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        os._exit(0)


def _kill_group(pid):
    """What a worker has started and left behind."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def _lives(pid):
    """Not ended, and not on the way there: its sockets close before the rest."""
    try:
        with open("/proc/%d/stat" % pid) as file:
            fields = file.read().rpartition(") ")[2].split()
        return fields[0] not in ("Z", "X") and not int(fields[6]) & _PF_EXITING
    except OSError:
        return False


def _how(status, by_order):
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "unknown"
        more = ""
        if number == signal.SIGKILL:
            more = "; by the agent" if by_order else "; the system kills for want of memory in this way"
        return "signal %d (%s%s)" % (number, name, more)
    return "exit code %d" % os.WEXITSTATUS(status)
