"""Sources known by their shape: what is the same along time, along frequency, or from one round of a loop to the next.

`proximity` holds the kernels, which say where a source has similar values, and medians over them. `hpss` takes two
of them, once; `additive` any of them, several times; `repet` looks at the rounds of a loop, whose `period` is found.
"""
