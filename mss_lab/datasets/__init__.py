"""The audio of the course: how it is made, where it lies, how it is read.

Contents: pieces (the pieces that ship, loaded and verified), render (a score through FluidSynth), voice (a synthetic
singer), timbres, engines, drawn, harmonic, rooms and background (scores played by instruments drawn at random),
performance (written notes played by something like a person), scores (the compositions) and make_lessons (which makes
data/lessons again); readers (published data sets, piece by piece). To train on: repertoire (what is played), splits
(who hears it), renditions and augment (one piece in many ways), store (examples in a folder) and make_training (which
makes them). The commands are `mss-lab data lessons` and `mss-lab data training`.
"""
