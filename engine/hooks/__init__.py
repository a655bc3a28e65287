"""Hooks: tells receivers outside what happened, by signed HTTP requests or by commands, and never holds up a call.

The outbox is in the database (`engine.store.hooks`); here it is emptied. Each hook has a courier of its own, so a
receiver that is slow or dead holds up nobody else's events, and no call waits for any of this.
"""
