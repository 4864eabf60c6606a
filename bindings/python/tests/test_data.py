"""Directions, collections, dictionaries, handles: what the program sees before and after it waits."""

import copy
import gc
import unittest

from pycompss.api.api import (
    compss_barrier,
    compss_delete_object,
    compss_wait_on,
)
from pycompss.api.local import local
from pycompss.api.parameter import (
    COLLECTION_IN,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    COMMUTATIVE,
    CONCURRENT,
    DICTIONARY_IN,
    DICTIONARY_INOUT,
    DIRECTION,
    IN,
    IN_DELETE,
    INOUT,
    OUT,
    Cache,
    Depth,
    Direction,
    Type,
    Weight,
)
from pycompss.api.task import task
from pycompss.runtime.management.classes import EmptyReturn, Future
from pycompss.runtime.management.object_tracker import OT
from tests.case import LinkCase, stderr_text


class Account:
    def __init__(self):
        self.total = 0

    @task()
    def add(self, amount):
        self.total += amount

    @task(target_direction=IN, returns=1)
    def read(self):
        return self.total

    @classmethod
    @task(returns=1)
    def kind(cls):
        return cls.__name__

    @staticmethod
    @task(returns=1)
    def double(value):
        return 2 * value


class Savings(Account):
    @task()
    def add(self, amount):
        self.total += 10 * amount


@task(returns=1)
def inc(value):
    return value + 1


@task(values=INOUT)
def append(values, one):
    values.append(one)


@task(values={Type: OUT})
def fill(values):
    values.extend([7, 8])


@task(values=COMMUTATIVE)
def commute(values, one):
    values.append(one)


@task(values=CONCURRENT)
def together(values, one):
    values.append(one)


@task(values=IN_DELETE, returns=1)
def consume(values):
    return sum(values)


@task(values={Type: COLLECTION_IN, Depth: 2}, returns=1)
def total(values):
    assert isinstance(values, list) and all(isinstance(row, list) for row in values)
    return sum(sum(row) for row in values)


@task(values={Type: COLLECTION_INOUT, Depth: 1})
def replace_all(values):
    values[:] = [[len(one)] for one in values]


@task(values={Type: COLLECTION_OUT, Depth: 1})
def produce(values):
    for index in range(len(values)):
        values[index] = index * index


@task(values=COLLECTION_INOUT)
def double_all(values):
    for row in values:
        for index, one in enumerate(row):
            row[index] = 2 * one


@task(table=DICTIONARY_IN, returns=1)
def sum_table(table):
    return sum(table.values())


@task(table={Type: DICTIONARY_INOUT, Depth: 1})
def grow_table(table):
    for key in table:
        table[key] = table[key] + ["more"]


@task(first={Direction: DIRECTION.INOUT, Weight: 2.0, Cache: False}, second={Direction: INOUT})
def both(first, second):
    first.append(1)
    second.append(2)


@task(returns=1, varargs_type=INOUT)
def extend_all(*lists):
    for one in lists:
        one.append(0)
    return len(lists)


@task(returns=1)
def forms(a, b=2, *args, c=3, **kwargs):
    return [a, b, list(args), c, sorted(kwargs.items())]


@task(returns=1)
def drain(values):
    return sum(values)


@task(returns=1)
def stream_of(count):
    return (index for index in range(count))


@task(returns=1)
def empty():
    return EmptyReturn()


@local
def longer(values, one):
    values.append(one)
    return values


class DirectionsTest(LinkCase):
    def test_inout_is_stale_until_waited_for(self):
        values = [1]
        append(values, 2)
        self.assertEqual(values, [1])
        found = compss_wait_on(values)
        self.assertEqual((found, values), ([1, 2], [1]))
        self.assertIsNot(found, values)
        self.assertIs(compss_wait_on(values), values)

    def test_chains_over_one_object(self):
        values = []
        for one in range(5):
            append(values, inc(one))
        self.assertEqual(compss_wait_on(values), [1, 2, 3, 4, 5])

    def test_out_sends_nothing(self):
        values = [1, 2, 3]
        fill(values)
        self.assertEqual(compss_wait_on(values), [7, 8])

    def test_commutative(self):
        values = []
        for one in range(3):
            commute(values, one)
        self.assertEqual(sorted(compss_wait_on(values)), [0, 1, 2])

    def test_concurrent(self):
        shared = []
        for one in range(3):
            together(shared, one)
        # Each process works on a copy of its own: what happens at the same time is not merged.
        found = compss_wait_on(shared)
        self.assertTrue(found and set(found) <= {0, 1, 2}, found)

    def test_in_delete(self):
        self.assertEqual(compss_wait_on(consume([1, 2])), 3)
        self.assertEqual(self.argument("values").direction, "IN_DELETE")

    def test_primitives_are_always_in(self):
        append_call = both
        append_call([0], [0])
        self.assertEqual(self.argument("first").direction, "INOUT")
        self.assertEqual(self.argument("first").weight, 2.0)
        self.assertEqual(self.argument("second").direction, "INOUT")
        with self.assertRaises(Exception):
            compss_wait_on(extend_all(1))
        self.assertEqual(self.last_call().arguments[0].direction, "IN")

    def test_varargs(self):
        a, b = [1], [2]
        self.assertEqual(compss_wait_on(extend_all(a, b)), 2)
        self.assertEqual(compss_wait_on(a, b), [[1, 0], [2, 0]])

    def test_forms_of_a_call(self):
        self.assertEqual(compss_wait_on(forms(1)), [1, 2, [], 3, []])
        self.assertEqual(compss_wait_on(forms(1, 5, 6, 7, c=8, d=9)), [1, 5, [6, 7], 8, [("d", 9)]])
        self.assertEqual(compss_wait_on(forms(b=1, a=inc(1))), [2, 1, [], 3, []])
        for wrong in (lambda: forms(), lambda: forms(1, a=2), lambda: inc(1, 2), lambda: inc(other=1)):
            with self.assertRaises(TypeError):
                wrong()


class CollectionsTest(LinkCase):
    def test_every_leaf_is_a_datum(self):
        self.assertEqual(compss_wait_on(total([[inc(1), 2], (inc(3),)])), 8)

    def test_slices_are_read_back_by_position(self):
        values = [[1], [2, 3]]
        replace_all(values)
        self.assertEqual(compss_wait_on(values), [[1], [2]])

    def test_collection_out_keeps_the_placeholders_as_handles(self):
        values = [object() for _ in range(4)]
        produce(values)
        self.assertEqual(compss_wait_on(values), [0, 1, 4, 9])
        more = [object() for _ in range(3)]
        produce(more)
        self.assertEqual(compss_wait_on(inc(more[2])), 5)

    def test_dictionaries(self):
        self.assertEqual(compss_wait_on(sum_table({"a": inc(1), "b": 5})), 7)
        table = {"a": ["x"], "b": []}
        grow_table(table)
        self.assertEqual(compss_wait_on(table), {"a": ["x", "more"], "b": ["more"]})

    def test_numbers_in_written_collections(self):
        values = [[1, 1], [2]]
        double_all(values)
        double_all(values)
        self.assertEqual(compss_wait_on(values), [[4, 4], [8]])
        zeros = [0] * 3
        produce(zeros)
        self.assertEqual(compss_wait_on(zeros), [0, 1, 4])

    def test_futures_inside_a_plain_list(self):
        self.assertEqual(compss_wait_on(drain([inc(1), inc(2)])), 5)

    def test_generators(self):
        self.assertEqual(compss_wait_on(drain(one for one in range(4))), 6)
        found = compss_wait_on(stream_of(3))
        self.assertEqual(next(found), 0)
        self.assertEqual(list(found), [1, 2])


class ObjectsTest(LinkCase):
    def test_methods(self):
        account = Account()
        account.add(3)
        account.add(inc(3))
        self.assertEqual(account.total, 0)
        self.assertEqual(compss_wait_on(account.read()), 7)
        self.assertEqual(compss_wait_on(account).total, 7)
        self.assertEqual(compss_wait_on(Account.kind()), "Account")
        self.assertEqual(compss_wait_on(Savings.kind()), "Savings")
        self.assertEqual(compss_wait_on(Account.double(4)), 8)

    def test_an_overriding_method_is_a_task_of_its_own(self):
        account = Savings()
        account.add(1)
        self.assertEqual(compss_wait_on(account).total, 10)


class WaitTest(LinkCase):
    def test_several_objects_give_a_list(self):
        self.assertEqual(compss_wait_on(inc(1), inc(2)), [2, 3])
        self.assertEqual(compss_wait_on(inc(1), mode="r"), 2)

    def test_containers(self):
        future = inc(1)
        found = compss_wait_on([future, [future], {"k": inc(4)}, 7, "s", (1,)])
        self.assertEqual(found, [2, [2], {"k": 5}, 7, "s", (1,)])
        with stderr_text():
            untouched = ([], {}, (future,), None)
            self.assertEqual(compss_wait_on(list(untouched))[2], (future,))

    def test_keys_of_dictionaries(self):
        self.assertEqual(compss_wait_on({inc(1): inc(2)}), {2: 3})

    def test_what_is_not_pending_comes_back_unchanged(self):
        plain = [1, {"a": 2}]
        self.assertIs(compss_wait_on(plain), plain)

    def test_empty_returns_are_removed(self):
        self.assertEqual(compss_wait_on([inc(1), empty(), inc(2)]), [2, 3])

    def test_a_future_can_be_waited_for_again(self):
        future = inc(1)
        self.assertEqual([compss_wait_on(future), compss_wait_on(future)], [2, 2])

    def test_copies_of_futures_are_the_future(self):
        future = inc(1)
        self.assertIs(copy.deepcopy([future])[0], future)
        self.assertIs(copy.copy(future), future)

    def test_a_lost_future_is_a_queued_deletion(self):
        future = inc(1)
        datum = future.datum
        self.assertIsInstance(future, Future)
        del future
        gc.collect()
        self.assertIn(datum, self.link.let_go)

    def test_delete_and_barrier(self):
        values = [1]
        append(values, 2)
        self.assertTrue(compss_delete_object(values))
        self.assertEqual(compss_delete_object(values, "never known"), [True, True])
        self.assertIs(compss_wait_on(values), values)
        append(values, 3)
        compss_barrier(no_more_tasks=True)
        self.assertIs(compss_wait_on(values), values)

    def test_object_tracker_names(self):
        values = [1]
        self.assertEqual(OT.get_object_id(values), "")
        append(values, 2)
        name = OT.get_object_id(values)
        self.assertTrue(name)
        self.assertIn(name, OT.pending_to_synchronize)

    def test_local_functions_get_values(self):
        values = [1]
        append(values, inc(1))
        self.assertEqual(longer(values, inc(2)), [1, 2, 3])
        self.assertEqual(values, [1, 2, 3])


if __name__ == "__main__":
    unittest.main()
