"""Files of numbers that must not be called, as registries and people hand them in: read, sorted, and built into list
files.

Knows formats, areas and changes. Refuses to know the database: which version counts is `engine.store.lists`. What
happens in a process of its own: `builder`; who asks for it: `client`.
"""
