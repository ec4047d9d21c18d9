"""Methods that know a source by its shape: what stays the same along time, along frequency, or between repetitions.

`proximity` holds the kernels, which describe where a source has similar values, and medians over them. `hpss` uses two
of them once; `additive` uses any of them, iteratively; `repet` compares the repetitions of a loop, whose period is
estimated by `period`.
"""
