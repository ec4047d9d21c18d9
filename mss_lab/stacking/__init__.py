"""Several separators combined into one, by weights that are fitted on a validation set.

`weights` fits one weight for each member, from inner products alone; `regions` fits weights for each frequency band and
level; `alignment` gives estimates one length, position and level before. What runs members of the catalogue together is
`mss_lab.ensemble`.
"""
