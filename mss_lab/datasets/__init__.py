"""The audio of the course and of training: how it is made, stored and read.

Contents: pieces (the pieces that ship, loaded and verified), render (a score through FluidSynth), voice (a synthetic
singer), timbres, engines, drawn, harmonic, rooms and background (scores played by randomly drawn instruments),
performance (written notes played with human errors), scores (the compositions) and make_lessons (which renders
data/lessons again); readers (published data sets, piece by piece). For training: repertoire (the music), splits
(training and test sets), renditions and augment (one piece in many versions), varied (excerpts on changed
instruments), store (examples in a folder) and make_training (which makes them). The commands are `mss-lab data lessons`
and `mss-lab data training`.
"""
