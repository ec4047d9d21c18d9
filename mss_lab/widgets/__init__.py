"""The widgets of notebooks: the synchronised player and the panel of controls.

Only notebooks and the command line import this folder. The front end of each widget is a JavaScript file with the
name of its Python file; nothing is fetched from a network.

Contents: player (all stems on one clock), controls (inputs that set the parameters of a function), panorama (an input:
a window over a panning histogram), kernel_grid (an input: a kernel drawn cell by cell), mask_painter (an input: a mask
painted over a spectrogram), piano_roll (an input: notes that are edited over a spectrogram), factors (an input:
components assigned to sources), listening (blind listening tests: ratings and A/B/X), live (a training curve that is
drawn while it grows), training_view (the same with the sound of the estimates, and a button that stops), own (a panel
that separates a recording of the reader), query_panel (a panel that selects by a query); used by these are abx, form,
piece, sounds, strips, fallback, standalone, worker, picture, words, drawn, mask_grid, stop_button, own_form, own_files,
query_form, uploads, front_end (with the folder shared).
Lesson: notebooks/00_unmix_in_five_minutes.ipynb
"""
