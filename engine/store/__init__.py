"""The only SQL, and the only importer of aiosqlite: one writer with group commit, read-only readers, the schema and
its migrations.

Knows rows. Refuses to know AMI, queue files and live calls. It calls `engine.rules.gate` inside the claim's
transaction, so no attempt row, and so no call, comes into being without it.
"""
