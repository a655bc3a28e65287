"""A simulated PBX, to measure the engine without one: it says what a real Asterisk 22 was recorded to say
(tests/bench/recorded-asterisk.txt), for up to tens of thousands of calls at a time, and makes no call. A measuring
stick of the benchmarks; nothing of it stands in for Asterisk anywhere else."""
