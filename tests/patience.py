"""How long a test waits for what must come."""

PATIENCE = 60.0
"""Seconds. Only a test that fails takes them; on a machine that is busy elsewhere a process may need twenty to start."""
