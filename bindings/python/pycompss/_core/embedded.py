"""An agent for a program that was not started by one: `compss_start`, notebooks."""

import atexit
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import urllib.request
from typing import Any, Dict, List, Optional

from pycompss._core import context
from pycompss._core.launch import find_command
from pycompss._core.remote_link import RemoteLink
from pycompss.util.exceptions import PyCOMPSsException

_START_SECONDS = 60.0
_FLAGS = ("--rest-port=0", "--grpc-port=0", "--data-port=0", "--name=local", "--drain-ms=0", "--data-path=/")


class Embedded:
    """The agent, and the socket to the task that stands for this process. The agent ends with the process."""

    def __init__(self, options: List[str]) -> None:
        self._folder = tempfile.mkdtemp(prefix="pycompss-")
        self._agent = self._start_agent(options)
        try:
            self.url: str = self._read_url()
            self.application, self.link = self._connect()
        except BaseException:
            self.close()
            raise

    def _start_agent(self, options: List[str]) -> "subprocess.Popen[str]":
        command = find_command()
        if command is None:
            raise PyCOMPSsException("the command metakernel is not on PATH; name it in METAKERNEL_COMMAND")
        path = f"--app-path={os.pathsep.join(_code_paths())}"
        line = [command, "agent", "start", "--json", "--exit-with-parent", *_FLAGS, path, f"--python={sys.executable}"]
        return subprocess.Popen(
            line + options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def _read_url(self) -> str:
        assert self._agent.stdout is not None
        for line in self._agent.stdout:
            if line.startswith("{"):
                return str(json.loads(line)["url"])
        raise PyCOMPSsException(f"the embedded agent did not start: exit value {self._agent.wait()}")

    def _connect(self) -> Any:
        path = os.path.join(self._folder, "socket")
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(path)
            listener.listen(1)
            listener.settimeout(_START_SECONDS)
            application = self._start_bridge(path)
            try:
                connection, _ = listener.accept()
            except socket.timeout:
                reason = self.status(application).get("error")
                raise PyCOMPSsException(f"the embedded agent does not answer: {reason}") from None
        connection.settimeout(None)
        return application, RemoteLink(connection)

    def _start_bridge(self, path: str) -> str:
        value = {"paramId": 0, "className": "java.lang.String", "value": path}
        body = {
            "lang": "PYTHON",
            "className": "pycompss._core.bridge",
            "methodName": "serve",
            "hasResult": True,
            "Parameters": [{"paramId": 0, "type": "STRING_T", "direction": "IN", "element": value}],
        }
        return str(self.request("/COMPSs/startApplication", body)["appId"])

    def request(self, path: str, body: Optional[Dict[str, Any]] = None) -> Any:
        return json.loads(self.text(path, body))

    def text(self, path: str, body: Optional[Dict[str, Any]] = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method="GET" if body is None else "PUT")
        with urllib.request.urlopen(request, timeout=_START_SECONDS) as answer:
            return answer.read().decode()

    def status(self, application: Optional[str] = None) -> Dict[str, Any]:
        return self.request(f"/COMPSs/applications/{application or self.application}")

    def graph(self, form: str) -> str:
        """`form`: json, dot or svg."""
        return self.text(f"/COMPSs/applications/{self.application}/graph?format={form}")

    def close(self) -> None:
        if self._agent.stdin is not None:
            self._agent.stdin.close()
        try:
            self._agent.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._agent.kill()
            self._agent.wait()
        if self._agent.stdout is not None:
            self._agent.stdout.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _code_paths() -> List[str]:
    """Where workers find the modules of the program: beside it, and where it was started."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    beside = [] if file is None else [os.path.dirname(os.path.abspath(file))]
    return list(dict.fromkeys([*beside, os.getcwd()]))


_embedded: Optional[Embedded] = None


def start(log_level: str = "off", options: Optional[List[str]] = None) -> Embedded:
    """`options`: further flags of `metakernel agent start`."""
    global _embedded
    if _embedded is None:
        level = {"off": "error", "info": "info", "debug": "debug", "trace": "trace"}.get(log_level, "error")
        _embedded = Embedded([f"--log-level={level}", *(options or [])])
        context.set_current(_embedded.link)
        atexit.register(stop)
    return _embedded


def current() -> Optional[Embedded]:
    return _embedded


def stop(wait: bool = False) -> None:
    """`wait`: for the tasks that still run."""
    global _embedded
    found, _embedded = _embedded, None
    if found is None:
        return
    context.set_current(None)
    try:
        if wait:
            found.link.finish()
    finally:
        found.link.close()
        found.close()
