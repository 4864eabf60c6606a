"""How the programming model works. Programs import from `pycompss.api`; nothing in here is promised to them."""
