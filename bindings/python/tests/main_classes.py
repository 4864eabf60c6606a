"""A program whose classes live in its own file: values of them travel to tasks and back."""

from pycompss.api.api import compss_wait_on
from pycompss.api.parameter import COLLECTION_OUT, INOUT
from pycompss.api.task import task


class Point:
    def __init__(self, x=0, y=0):
        self.x = x
        self.y = y

    def __eq__(self, other):
        return type(other) is Point and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))

    def __repr__(self):
        return f"Point({self.x}, {self.y})"

    @task()
    def move(self, dx):
        self.x += dx

    @task(returns=1, target_direction=INOUT)
    def moved(self, dy):
        self.y += dy
        return isinstance(self, Point)


class Special(Point):
    pass


@task(returns=Point)
def make(x):
    return Point(x, -x)


@task(returns=1)
def same_class(one, other):
    return type(one) is Point and isinstance(other, Point) and one == Point(1, -1)


@task(points=COLLECTION_OUT)
def fill(points):
    for index in range(len(points)):
        points[index] = Special(index, index)


def main():
    point = make(1)
    print("class of the handle", type(point).__name__)
    print("same class", compss_wait_on(same_class(point, Point(2))))
    print("value", compss_wait_on(point), compss_wait_on(make(3)) == Point(3, -3))
    own = Point(5, 5)
    own.move(2)
    print("method", compss_wait_on(own.moved(1)), compss_wait_on(own))
    points = [Point() for _ in range(3)]
    fill(points)
    found = compss_wait_on(points)
    print("collection", found, [isinstance(one, Special) for one in found])


if __name__ == "__main__":
    main()
