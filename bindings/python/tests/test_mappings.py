"""Mappings that a worker keeps: used again only where nobody can notice."""

import os
import shutil
import tempfile
import unittest

from metakernel.mappings import Mappings

SIZE = 3 << 20


class MappingsTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="pycompss-test-")
        self.path = os.path.join(self.directory, "value")
        with open(self.path, "wb") as file:
            file.write(b"x" * SIZE)
        self.mappings = Mappings()
        self.assertIsNotNone(self.mappings._pagemap)

    def tearDown(self):
        os.close(self.mappings._pagemap)
        shutil.rmtree(self.directory)

    def kept(self):
        return self.mappings._kept.get(self.path)

    def test_is_used_again_when_nobody_refers_to_it(self):
        view = self.mappings.read(self.path, SIZE)
        first = self.kept()
        self.assertEqual((bytes(view[:2]), len(view)), (b"xx", SIZE))
        del view
        view = self.mappings.read(self.path, SIZE)
        self.assertIs(self.kept(), first)
        part = view[100:200]
        del view
        self.assertFalse(first.free())
        other = self.mappings.read(self.path, SIZE)
        other[150] = 0
        self.assertEqual(part[50], ord("x"))
        del part, other
        self.assertTrue(first.free())

    def test_what_a_reader_writes_is_not_seen_by_the_next(self):
        for at in (0, SIZE // 2, SIZE - 1):
            view = self.mappings.read(self.path, SIZE)
            first = self.kept()
            view[at] = 0
            del view
            view = self.mappings.read(self.path, SIZE)
            self.assertIsNot(self.kept(), first)
            self.assertEqual(bytes(view), b"x" * SIZE)
            del view

    def test_a_file_that_is_gone_or_another_one_is_forgotten(self):
        self.mappings.read(self.path, SIZE)
        os.unlink(self.path)
        self.mappings.forget_removed()
        self.assertEqual((len(self.mappings), self.mappings._bytes), (0, 0))
        for text in (b"y", b"z"):
            with open(self.path + ".new", "wb") as file:
                file.write(text * SIZE)
            os.rename(self.path + ".new", self.path)
            self.assertEqual(bytes(self.mappings.read(self.path, SIZE)[:1]), text)
        self.assertEqual(self.mappings._bytes, SIZE)

    def test_the_oldest_go_when_there_are_too_many(self):
        self.mappings._most = 2 * SIZE
        paths = [os.path.join(self.directory, "many%d" % one) for one in range(3)]
        for path in paths:
            shutil.copyfile(self.path, path)
            self.assertEqual(len(self.mappings.read(path, SIZE)), SIZE)
        self.assertEqual(list(self.mappings._kept), paths[1:])

    def test_small_files_are_not_kept(self):
        self.assertEqual(bytes(self.mappings.read(self.path, 1000)), b"x" * 1000)
        self.assertEqual(len(self.mappings), 0)


if __name__ == "__main__":
    unittest.main()
