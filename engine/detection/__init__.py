"""Hearing a callee: what Asterisk's own detection cannot tell, a beep of any frequency, is told by a process of ours."""
