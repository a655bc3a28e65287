"""Answering-machine detection, measured: labelled callees, played through the real carrier and PBX, and scored."""
