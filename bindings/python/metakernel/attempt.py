"""One attempt in its worker: arguments, the call, what comes of it."""

import base64
import os
import pickle
import traceback

from metakernel import link, mappings, places, protocol, values
from metakernel.errors import TaskCancelled, TaskError, TaskException
from metakernel.modules import Missing, node
from metakernel.task_files import OutputMissing, TaskFiles

_HERE = os.path.dirname(os.path.abspath(__file__))
#: Frames of these folders are not the user's.
_OURS = (_HERE, os.path.join(os.path.dirname(_HERE), "pycompss", "_core"))
_WRITES = (False, True, True, True, True, False)
_READS = (True, False, True, True, True, True)
_MAX_PICKLED_ERROR = 16384
_MAX_TRACEBACK = 65536
_NO_OUTPUTS = ()
_NOT_THERE = object()


class ReturnCount(Exception):
    pass


class Attempt:
    __slots__ = ("worker", "index", "signature", "flags", "cpus", "attempt", "task", "returns", "args", "extra",
                 "accesses", "_values", "_files", "_updates", "_defaults", "_status", "_error", "_outputs", "link")

    def __init__(self, worker, index, signature, flags, cpus, attempt, task, returns, args, extra, accesses):
        self.worker = worker
        self.index = index
        self.signature = signature
        self.flags = flags
        self.cpus = cpus
        self.attempt = attempt
        self.task = task
        self.returns = returns
        self.args = args
        self.extra = extra
        self.accesses = accesses
        self._values = None
        self._files = None
        self._updates = None
        self._defaults = None
        self._status = protocol.COMPLETED
        self._error = None
        self._outputs = _NO_OUTPUTS
        self.link = None

    # -------------------------------------------------------------------------------------------------- the call

    def run(self, load):
        link.set_maker(self.open_link)
        try:
            runner = load()
            args, kwargs, extra = self._arguments()
            result = runner(args, kwargs, extra)
            if self.link is not None:
                self.link.finish()
            if self.returns or self.accesses:
                self._outputs = self._collect(args, kwargs, result)
        except TaskCancelled:
            raise
        except TaskException as error:
            self._thrown(error)
        except BaseException as error:
            if self._defaults is None or self.worker.interrupted or not isinstance(error, Exception):
                self._fail(error)
            else:
                self._use_defaults(error)
        finally:
            link.set_maker(None)

    def open_link(self):
        """The link of this attempt, made when its code first asks for it."""
        if self.link is None:
            from metakernel.socket_link import SocketLink

            self.link = SocketLink(self)
        return self.link

    def info(self):
        extra = self.extra or {}
        return link.TaskInfo(self.task, self.signature, self.attempt, self.cpus, extra.get("hostNames", ()),
                             extra.get("gpus", ()), extra.get("fpgas", ()), extra.get("workingDir") or os.getcwd())

    def _arguments(self):
        content = self.args
        if not len(content):
            return (), {}, None
        if self.accesses:
            self._values = [_NOT_THERE] * len(self.accesses)
        if content[0] != values.PYTHON:
            return tuple(values.decode(content, self.value)), {}, None
        before = places.set_resolver(self)
        try:
            call = values.unpickled(content)
        finally:
            places.set_resolver(before)
        count = len(call)
        self._updates = call[2] if count > 2 else None
        self._defaults = call[4] if count > 4 else None
        return call[0], call[1] if count > 1 else {}, call[3] if count > 3 else None

    def value(self, index):
        found = self._values[index]
        if found is _NOT_THERE:
            found = self._values[index] = self._read(index)
        return found

    def created(self, index, cls):
        """An OUT object: empty, of the class of the caller's."""
        found = self._values[index]
        if found is _NOT_THERE:
            found = self._values[index] = cls()
        return found

    def _read(self, index):
        code, content = self.accesses[index]
        direction, kind = divmod(code, 3)
        if kind:
            return self._file(index, protocol.KINDS[kind], direction, content)
        return read_content(content)

    def _file(self, index, kind, direction, content):
        extra = self.extra
        if self._files is None:
            self._files = TaskFiles(extra["workingDir"])
        source = content[0] if content is not None else None
        name = extra["names"][index]
        shared = extra["shared"][index] if "shared" in extra else None
        if shared is not None:
            return self._files.share(index, shared, source, name)
        return self._files.present(index, kind, _WRITES[direction], _READS[direction], source, name)

    # -------------------------------------------------------------------------------------------------- the end

    def _collect(self, args, kwargs, result):
        outputs = []
        common = bool(len(self.args)) and self.args[0] != values.PYTHON
        for index, (code, _) in enumerate(self.accesses):
            direction, kind = divmod(code, 3)
            if not _WRITES[direction]:
                continue
            if kind:
                self.value(index)
                path, size = self._files.collect(index, protocol.KINDS[kind])
                outputs.append((protocol.OUTPUT_FILE, path, size))
            else:
                outputs.append(self._encode(self._after(index, args, kwargs), common))
        if self.returns == 1:
            outputs.append(self._encode(result, common))
        elif self.returns:
            outputs.extend([self._encode(part, common) for part in self._parts(result)])
        return outputs

    def _after(self, index, args, kwargs):
        """A written object: read back from its place, where somebody may have put another one."""
        path = self._updates.get(index) if self._updates else None
        if path is None:
            return self.value(index)
        place = kwargs if isinstance(path[0], str) else args
        for step in path:
            place = place[step]
        return place

    def _parts(self, result):
        if isinstance(result, (list, tuple)) and len(result) == self.returns:
            return result
        try:
            parts = list(result) if not isinstance(result, (str, bytes, dict)) else None
        except TypeError:
            parts = None
        if parts is None or len(parts) != self.returns:
            found = "no sequence of" if parts is None else str(len(parts))
            raise ReturnCount("The function returned %s values, its task declares %d" % (found, self.returns))
        return parts

    def _encode(self, value, common):
        if isinstance(value, link.Future):
            return (protocol.OUTPUT_DELEGATED, value.datum)
        plain = values.scalar(value)
        if plain is not None and len(plain) <= values.INLINE_BYTES:
            return (protocol.OUTPUT_INLINE, plain)
        if self.link is not None:
            value = self.link.resolved(value)
            if isinstance(value, link.Future):
                return (protocol.OUTPUT_DELEGATED, value.datum)
        parts, size = values.encoded(value, common)
        if size <= values.INLINE_BYTES:
            return (protocol.OUTPUT_INLINE, b"".join(parts))
        return (protocol.OUTPUT_FILE, self.worker.folder.write(parts), size)

    def _thrown(self, error):
        """The task counts as completed: its written data are what they are, its returns None."""
        self._error = self._info("ERR_TASK_EXCEPTION", error)
        self._status = protocol.EXCEPTION
        try:
            outputs = []
            for index, (code, _) in enumerate(self.accesses):
                direction, kind = divmod(code, 3)
                if not _WRITES[direction]:
                    continue
                if kind:
                    self.value(index)
                    outputs.append((protocol.OUTPUT_FILE,) + self._files.collect(index, protocol.KINDS[kind]))
                else:
                    outputs.append(self._encode(self.value(index), False))
            outputs.extend([(protocol.OUTPUT_INLINE, values.scalar(None))] * self.returns)
            self._outputs = outputs
        except Exception as second:
            self._fail(second)

    def _use_defaults(self, error):
        """The failure is ignored, and the caller has said what its outputs are then."""
        traceback.print_exception(type(error), error, error.__traceback__)
        returns, written = self._defaults
        try:
            outputs = []
            for index, (code, _) in enumerate(self.accesses):
                direction, kind = divmod(code, 3)
                if not _WRITES[direction]:
                    continue
                if kind:
                    path = self.value(index)
                    if not os.path.exists(path):
                        open(path, "wb").close()
                    outputs.append((protocol.OUTPUT_FILE,) + self._files.collect(index, protocol.KINDS[kind]))
                else:
                    outputs.append(self._encode(written[index] if index in written else self.value(index), False))
            if self.returns == 1:
                outputs.append(self._encode(returns, False))
            elif self.returns:
                parts = [None] * self.returns if returns is None else self._parts(returns)
                outputs.extend([self._encode(part, False) for part in parts])
            self._outputs = outputs
        except Exception as second:
            self._fail(second)

    def _fail(self, error):
        if self.worker.interrupted:
            self.cancelled()
            return
        self._status = protocol.FAILED
        if isinstance(error, (Missing, TaskError)):
            self._error = self._info(error.code, error)
        elif isinstance(error, OutputMissing):
            self._error = self._info("ERR_OUTPUT_MISSING", error)
        elif isinstance(error, ReturnCount):
            self._error = self._info("ERR_RETURN_COUNT", error)
        elif isinstance(error, values.Unpicklable):
            self._error = self._info("ERR_VALUE_UNSERIALIZABLE", error)
        else:
            self._error = self._info("ERR_TASK_FAILED", error)

    def _info(self, code, error):
        """An error as the runtime has it: ``code``, ``message``, ``name``, ``stack``."""
        message = error.message if isinstance(error, (Missing, TaskError)) else str(error)
        where = "Task %s on node %s:\n" % (self.signature, node())
        info = {"code": code, "message": message, "name": type(error).__qualname__, "stack": where + _traceback(error)}
        details = {"node": node(), "task": self.signature}
        status = getattr(error, "exit_status", None)
        if isinstance(status, int):
            details["exitStatus"] = status
        content = _pickled(error)
        if content is not None:
            details["pickled"] = content
            details["main"] = values.main_module or ""
        info["details"] = details
        return info

    def cancelled(self):
        self._status = protocol.CANCELLED

    def settle(self, out, milliseconds):
        words = out.words
        words += (protocol.SETTLED, self.index, self._status, milliseconds)
        if self._error is not None and self._status in (protocol.FAILED, protocol.EXCEPTION):
            out.bytes(values.common(self._error))
        if self._status in (protocol.COMPLETED, protocol.EXCEPTION):
            words.append(len(self._outputs))
            for output in self._outputs:
                words.append(output[0])
                if output[0] == protocol.OUTPUT_INLINE:
                    out.bytes(output[1])
                elif output[0] == protocol.OUTPUT_FILE:
                    words.append(output[2])
                    out.text(output[1])
                else:
                    words.append(output[1])
        if self.link is not None:
            self.link.close()


def read_content(content):
    """The value of a datum as it came: None, bytes, or (path, length) of a file in shared memory."""
    if content is None:
        return None
    if type(content) is tuple:
        return values.decode(mappings.read(*content), owned=True)
    return values.decode(content)


def _traceback(error):
    """From the first frame of the user's on."""
    trace = error.__traceback__
    while trace is not None and os.path.dirname(trace.tb_frame.f_code.co_filename) in _OURS:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    if len(text) <= _MAX_TRACEBACK:
        return text
    half = _MAX_TRACEBACK // 2
    return "%s\n... %d characters ...\n%s" % (text[:half], len(text) - 2 * half, text[-half:])


def _pickled(error):
    try:
        content = pickle.dumps(error, 5)
        pickle.loads(content)
    except Exception:
        return None
    return base64.b64encode(content).decode() if len(content) <= _MAX_PICKLED_ERROR else None
