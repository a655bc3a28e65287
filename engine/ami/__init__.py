"""The Asterisk Manager Interface: messages in, typed channel events out. The only importer of panoramisk.

Knows channels, not campaigns. Every exception of the library becomes one of ours here.
"""
