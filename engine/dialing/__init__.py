"""The heart: the life of a call, its disposition, the retry, pacing, and the dispatcher that drives them."""
