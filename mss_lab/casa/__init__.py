"""Computational auditory scene analysis: separation by the cues that human hearing is thought to use.

`filterbank` models the cochlea, and turns its bands back into sound; `correlogram` measures the firing of the auditory
nerve and its periodicity; `pitch` estimates the periods in it; `grouping` joins units with a common period or onset,
and follows them through time; `scene` runs all steps over a recording of any length.
"""
