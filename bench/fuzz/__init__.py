"""Hostile fields against the AMI encoder: what was meant arrives, or is refused, and nothing beside it.

python -m bench.fuzz                  a million fields, held against a parser of our own that reads as Asterisk's does
python -m bench.fuzz --asterisk       some thousand Originates on the lab's real Asterisk, their variables read back
"""
