"""Objects known by identity."""


class Tracked:
    """An object known by identity: held weakly where its class allows that."""

    __slots__ = ("datum", "pending", "strong", "weak")


class Forget:
    """Called when a tracked object has been collected, at any moment."""

    __slots__ = ("tracked", "_let_go", "_key", "_found")

    def __init__(self, tracked, let_go, key, found):
        self.tracked = tracked
        self._let_go = let_go
        self._key = key
        self._found = found

    def __call__(self, reference):
        if self.tracked.get(self._key) is self._found:
            del self.tracked[self._key]
            self._let_go.append(self._found.datum)
