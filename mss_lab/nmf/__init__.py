"""Non-negative matrix factorisation: spectrograms as a few spectra and when each of them sounds.

`beta` holds the factorisation itself, `components` turns components into sources, `plca` reads them as probabilities,
`continuity` wants them smooth in time, `convolutive` lets a template last several frames, `source_filter` hears a voice
among them (made in `vocal_tract`, followed by `melody`), `informed` follows a
score and the pitch of every player (`shapes`, `following`, `pitch_tracks`), `fixed_pitch` a score alone.
"""
