"""The Python side of metakernel: workers that run tasks, and the link over which Python code submits them.

What programs import is the package ``pycompss`` beside this one; it reaches the runtime through ``metakernel.link``
alone. Standard library only; numpy and dill are used when they are there.
"""

__version__ = "0.1.0"
