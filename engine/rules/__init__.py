"""What may be called, when, and how it is written: pure functions of their arguments, and the dated data of the rules."""
