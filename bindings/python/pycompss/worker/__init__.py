"""Names that programs import."""
