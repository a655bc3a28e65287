"""Sound: recordings and texts become the files that Asterisk plays.

Knows samples, loudness, file formats and the commands that decode or speak. Refuses to know campaigns, contacts, PBXs
and the database: it gets paths and texts, and gives files and figures.

It takes processor time, and reads what strangers recorded: all of it runs in a process of its own
(`engine.speech.worker`), which is asked by `engine.speech.client`.
"""
