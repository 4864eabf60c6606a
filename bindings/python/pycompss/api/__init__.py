"""Decorators, parameter constants and calls of the programming model."""
