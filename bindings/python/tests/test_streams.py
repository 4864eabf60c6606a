"""Streams between tasks."""

import os
import pickle
import unittest

from pycompss.api.api import compss_wait_on
from pycompss.api.parameter import STREAM_IN, STREAM_OUT
from pycompss.api.task import task
from pycompss.streams.distro_stream import FileDistroStream, ObjectDistroStream
from tests.case import LinkCase, write


@task(stream=STREAM_OUT)
def produce(stream, count):
    stream.publish_list(range(count))
    stream.close()


@task(stream=STREAM_IN, returns=1)
def consume(stream):
    found = []
    while not stream.is_closed():
        found += stream.poll(timeout=0.05)
    return found + stream.poll()


class StreamsTest(LinkCase):
    def test_objects_between_tasks(self):
        stream = ObjectDistroStream()
        produce(stream, 20)
        self.assertEqual(compss_wait_on(consume(stream)), list(range(20)))

    def test_a_closed_stream_takes_nothing(self):
        stream = ObjectDistroStream()
        stream.publish({"a": 1})
        copy = pickle.loads(pickle.dumps(stream))
        copy.close()
        self.assertTrue(stream.is_closed())
        self.assertEqual(stream.poll(), [{"a": 1}])
        with self.assertRaises(ValueError):
            stream.publish(2)

    def test_files(self):
        os.mkdir("in")
        stream = FileDistroStream(base_dir="in")
        self.assertEqual(stream.poll(), [])
        paths = [os.path.abspath(write(f"in/{name}", name)) for name in ("a", "b")]
        self.assertEqual(pickle.loads(pickle.dumps(stream)).poll(timeout=1), paths)
        self.assertEqual(stream.poll(), [])


if __name__ == "__main__":
    unittest.main()
