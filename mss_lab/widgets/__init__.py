"""What a notebook shows and answers to: the synchronised player and the panel of controls.

Only notebooks and the command line import this floor. Each front-end part is a small JavaScript file beside the Python
file of the same name; nothing is fetched from a network.

Contents: player (all stems on one clock), controls (a function turned by inputs), panorama (an input: a window over a
panning histogram), kernel_grid (an input: a kernel drawn cell by cell), listening; beneath them strips, fallback,
worker, picture, words, drawn. Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""
