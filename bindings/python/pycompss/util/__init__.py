"""Names below `pycompss.util` that programs import."""
