"""Computational auditory scene analysis: separation by the cues that an ear is thought to use.

`filterbank` is the cochlea, and the way back from its bands to sound; `correlogram` is what the nerve fires, and how
regularly; `pitch` finds the periods in it; `grouping` joins what has one period or one onset, and follows it through
time; `scene` runs all of them over a recording of any length.
"""
