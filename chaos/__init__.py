"""The chaos harness: the real engine and a real Asterisk under load and faults, held against an independent count.

Nothing of the engine may be used to judge the engine: what is believed here is what the callee saw on the wire (`callee`),
what stands in the database at the end, read as plain SQLite (`books`), and what we did ourselves and when (`faults`).
"""
