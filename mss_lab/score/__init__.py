"""Scores: notes (`notes`), their files (`files`), piano rolls (`roll`), and where harmonics lie (`harmonics`).

`musicxml` and `annotations` read more kinds of files, and `musicxml_writer` writes MusicXML; `instruments` knows names
and General MIDI programs, and `players` merges several players of one instrument.
`guards` refuses scores that a method cannot use.

`align` finds when a score sounds in a recording, on the frames of `features` by the ways through them of `paths`;
`refine` then moves each onset. `find` tells which of many scores a recording comes from, `misalign` spoils a score.
"""
