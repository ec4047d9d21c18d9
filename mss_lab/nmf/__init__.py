"""Non-negative matrix factorisation: a spectrogram as a few spectra and when each of them sounds.

`beta` holds the factorisation itself, `components` turns components into sources, `plca` reads them as probabilities,
`continuity` makes them smooth in time, `convolutive` lets a template last several frames, `source_filter` models a
singing voice (built in `vocal_tract`, followed by `melody`), `informed` follows a score and the pitch of every player
(`shapes`, `following`, `pitch_tracks`), and `fixed_pitch` follows a score with fixed pitches.
"""
