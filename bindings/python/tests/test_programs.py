"""Tasks whose body is a program, what runs beside a task, and tasks read from a file."""

import http.server
import json
import os
import shutil
import threading
import unittest
from unittest import mock

from metakernel.errors import TaskError
from pycompss.api.api import compss_wait_on, compss_wait_on_file
from pycompss.api.binary import binary
from pycompss.api.container import container
from pycompss.api.compss import compss
from pycompss.api.epilog import epilog
from pycompss.api.http import http as http_task
from pycompss.api.julia import julia
from pycompss.api.mpi import mpi
from pycompss.api.mpmd_mpi import mpmd_mpi
from pycompss.api.parameter import (
    COLLECTION_IN,
    FILE_IN,
    FILE_IN_STDIN,
    FILE_OUT,
    FILE_OUT_STDOUT,
    FILE_INOUT_STDOUT,
    INOUT,
    Prefix,
    StdIOStream,
    STDERR,
    Type,
    block_count,
    block_length,
    stride,
)
from pycompss.api.prolog import prolog
from pycompss.api.software import software
from pycompss.api.task import task
from tests.case import LinkCase, read, script, write


@binary(binary="sh", args="-c 'exit {{value}}'")
@task(returns=int)
def exit_with(value):
    pass


@binary(binary="sh", args="-c 'exit {{value}}'", fail_by_exit_value=True)
@task(returns=int)
def must_be_zero(value):
    pass


@binary(binary="grep")
@task(infile=FILE_IN_STDIN, result=FILE_OUT_STDOUT)
def grep(keyword, infile, result):
    pass


@binary(binary="cat")
@task(infile=FILE_IN_STDIN, log=FILE_INOUT_STDOUT)
def append_to(infile, log):
    pass


@binary(binary="echo")
@task(result=FILE_OUT_STDOUT, hide={Type: FILE_IN, Prefix: "--hide="}, words=COLLECTION_IN)
def show(flag, hide, words, result):
    pass


@binary(binary="pwd", working_dir="{{where}}", args="")
@task(result=FILE_OUT_STDOUT)
def where_am_i(where, result):
    pass


@binary(binary="no-such-program-anywhere")
@task(returns=int)
def missing():
    pass


@binary(binary="sh", args="-c 'echo oops >&2'")
@task(errors={Type: FILE_OUT, StdIOStream: STDERR})
def complain(errors):
    pass


@julia(script="{{program}}", executor="sh", args="{{a}} {{result}}")
@task(program=FILE_IN, result=FILE_OUT)
def calc(program, a, result):
    pass


@julia(script="calc.jl", executor="no-julia-here")
@task(returns=int)
def no_julia():
    pass


@compss(runcompss="sh", flags="-e", app_name="{{program}}", args="{{result}}")
@task(program=FILE_IN, result=FILE_OUT)
def application(program, result):
    pass


@prolog(binary="mkdir", args="{{name}}")
@epilog(binary="sh", args="-c 'echo done > {{name}}/epilog'")
@task(returns=1)
def between(name):
    return os.path.isdir(name)


@prolog(binary="false")
@task(returns=1)
def never(name):
    return 1


@epilog(binary="false")
@task(returns=1)
def whatever(name):
    return 1


@http_task(service_name="service_1", request="GET", resource="length/{{message}}", produces="{'length':'{{return_0}}'}")
@task(returns=int)
def length(message):
    pass


@http_task(service_name="service_1", request="POST", resource="echo", payload="{{payload}}")
@task(returns=str)
def post(payload):
    pass


@http_task(
    service_name="service_1",
    request="GET",
    resource="length/abc",
    produces="{'length':'{{return_0}}', 'child':{'text':'{{word}}'}}",
    updates="{{event}}.some_key = {{word}}",
)
@task(event=INOUT, returns=1)
def update(event):
    pass


@container(engine="docker", image="img", options="--net none")
@binary(binary="ls", args="-l")
@task()
def in_container():
    pass


@mpi(runner="mpirun", processes=2)
@task(returns=2)
def ranks(offset):
    from pycompss._core.rank import rank_of_process

    return offset + rank_of_process()


@mpi(runner="mpirun", processes=2, values_layout={block_count: 2, block_length: 2, stride: 2})
@task(values=COLLECTION_IN, returns=2)
def blocks(values):
    return sum(values)


@mpi(runner="mpirun", binary="hostname", processes=2)
@task(result=FILE_OUT_STDOUT)
def mpi_hosts(result):
    pass


@mpmd_mpi(runner="mpirun", programs=[{"binary": "echo", "args": "a", "processes": 1}, {"binary": "echo", "args": "{{word}}"}])
@task(result=FILE_OUT_STDOUT)
def two_programs(word, result):
    pass


class BinaryTest(LinkCase):
    def test_exit_values(self):
        self.assertEqual(compss_wait_on(exit_with(0), exit_with(3)), [0, 3])
        with self.assertRaises(TaskError) as raised:
            compss_wait_on(must_be_zero(3))
        self.assertIn("exit value 3", str(raised.exception))

    def test_standard_streams(self):
        write("in.txt", "Hi there\nother\nHi again\n")
        grep("Hi", "in.txt", "out.txt")
        self.assertEqual(read(compss_wait_on_file("out.txt")), "Hi there\nHi again\n")
        append_to("in.txt", "out.txt")
        self.assertEqual(read(compss_wait_on_file("out.txt")).count("Hi there"), 2)
        complain("errors.txt")
        self.assertEqual(read(compss_wait_on_file("errors.txt")), "oops\n")

    def test_prefixes_and_collections(self):
        write("secret", "")
        show("-l", "secret", ["a b", "c"], "out.txt")
        flag, hide, words = read(compss_wait_on_file("out.txt")).split(" ", 2)
        self.assertEqual((flag, words), ("-l", "a b c\n"))
        self.assertTrue(hide.startswith("--hide=/") and hide.endswith("/secret"), hide)

    def test_working_directory(self):
        where_am_i(os.path.abspath("deep/er"), "out.txt")
        found = read(compss_wait_on_file("out.txt")).strip()
        self.assertEqual(os.path.realpath(found), os.path.realpath("deep/er"))

    def test_an_absent_program_is_named(self):
        for task_function, name in ((missing, "no-such-program-anywhere"), (no_julia, "no-julia-here")):
            with self.assertRaises(TaskError) as raised:
                compss_wait_on(task_function())
            self.assertIn(f"{name} is not installed", str(raised.exception))

    def test_julia_and_applications(self):
        write("calc.jl", 'echo "$1" > "$2"\n')
        calc("calc.jl", 41, "out.txt")
        self.assertEqual(read(compss_wait_on_file("out.txt")), "41\n")
        write("app.sh", 'echo app > "$1"\n')
        application("app.sh", "app.txt")
        self.assertEqual(read(compss_wait_on_file("app.txt")), "app\n")

    def test_prolog_and_epilog(self):
        made = os.path.abspath("made")
        self.assertIs(compss_wait_on(between(made)), True)
        self.assertEqual(read("made/epilog"), "done\n")
        with self.assertRaises(TaskError):
            compss_wait_on(never("x"))
        self.assertEqual(compss_wait_on(whatever("x")), 1)

    def test_the_line_of_a_container(self):
        self.inline_only()
        os.mkdir("bin")
        script("bin/docker", '#!/bin/sh\nfor word in "$@"; do echo "$word"; done > "$LINE"\n')
        path = os.pathsep.join([os.path.abspath("bin"), os.environ["PATH"]])
        with mock.patch.dict(os.environ, {"PATH": path, "LINE": os.path.abspath("line")}):
            in_container()
        words = read("line").split("\n")
        self.assertEqual(words[:2], ["run", "--rm"])
        self.assertEqual(words[-6:-1], ["--net", "none", "img", "ls", "-l"])
        place = words[words.index("-w") + 1]
        self.assertIn(f"{place}:{place}", words)


class SoftwareTest(LinkCase):
    def test_decorators_from_a_file(self):
        config = {
            "execution": {"type": "binary", "binary": "sh", "args": "-c 'echo {{word}} > {{out}}'"},
            "parameters": {"out": "FILE_OUT"},
            "constraints": {"computing_units": 2},
            "prolog": {"binary": "touch", "args": "{{out}}.prolog"},
        }
        self.inline_only()
        write("config.json", json.dumps(config))

        def say(word, out):
            pass

        say.__qualname__ = "say"
        decorated = software(config_file="config.json")(say)
        decorated("hello", os.path.abspath("out.txt"))
        self.assertEqual(read("out.txt"), "hello\n")
        self.assertTrue(os.path.exists("out.txt.prolog"))
        self.assertEqual(self.link.elements[-1][1][0].constraints, {"processors": [{"type": "CPU", "units": 2}]})

    def test_workflows_and_tasks(self):
        self.inline_only()
        write("task.json", json.dumps({"execution": {"type": "task"}, "parameters": {"returns": 1}}))

        def twice(value):
            return 2 * value

        twice.__qualname__ = "twice"
        self.assertEqual(compss_wait_on(software(config_file="task.json")(twice)(4)), 8)
        write("workflow.json", json.dumps({"execution": {"type": "workflow"}}))
        self.assertEqual(software(config_file="workflow.json")(twice)(4), 8)


class _Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        word = self.path.rsplit("/", 1)[-1]
        self._answer(json.dumps({"length": len(word), "child": {"text": word}}))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer("%s %s" % (self.headers["Content-Type"], body))

    def _answer(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


class HttpTest(LinkCase):
    def setUp(self):
        super().setUp()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Service)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()
        services = {"service_1": "http://127.0.0.1:%d/" % self.server.server_address[1]}
        self.environment = mock.patch.dict(os.environ, {"METAKERNEL_HTTP_SERVICES": json.dumps(services)})
        self.environment.start()

    def tearDown(self):
        self.environment.stop()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        super().tearDown()

    def test_requests(self):
        self.assertEqual(compss_wait_on(length("four")), 4)
        self.assertEqual(compss_wait_on(post({"a": 1})), 'application/json {"a": 1}')

    def test_updates(self):
        event = {"old": 1}
        self.assertEqual(compss_wait_on(update(event)), 3)
        self.assertEqual(compss_wait_on(event), {"old": 1, "some_key": "abc"})

    def test_an_unknown_service(self):
        with mock.patch.dict(os.environ, {"METAKERNEL_HTTP_SERVICES": "{}"}):
            with self.assertRaises(TaskError) as raised:
                compss_wait_on(length("x"))
        self.assertIn("service_1", str(raised.exception))


@unittest.skipUnless(shutil.which("mpirun"), "mpirun is not installed")
class MpiTest(LinkCase):
    def test_the_function_runs_in_every_process(self):
        self.assertEqual(compss_wait_on(ranks(10)), [10, 11])

    def test_layouts(self):
        self.assertEqual(compss_wait_on(blocks([1, 2, 3, 4])), [3, 7])

    def test_programs(self):
        mpi_hosts("out.txt")
        self.assertEqual(len(read(compss_wait_on_file("out.txt")).split()), 2)
        two_programs("b", "two.txt")
        self.assertEqual(sorted(read(compss_wait_on_file("two.txt")).split()), ["a", "b"])


if __name__ == "__main__":
    unittest.main()
