"""How many calls a second: Volley, and a script that keeps nothing, through the same Asterisk in the same
run."""
