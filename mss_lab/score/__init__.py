"""Scores: notes (`notes`), their files (`files`), piano rolls (`roll`), and the positions of harmonics (`harmonics`).

`musicxml` and `annotations` read more kinds of files, and `musicxml_writer` writes MusicXML; `instruments` knows names
and General MIDI programs, and `players` merges several players of one instrument.
`guards` refuses scores that a method cannot use.

`align` finds when each moment of a score sounds in a recording, by paths (`paths`) through the frames of `features`;
`refine` then corrects each onset, and `anchors` moves what lies between moments that a reader has named. `find` selects
the score of a recording among many; `misalign` adds errors to a score.
"""
