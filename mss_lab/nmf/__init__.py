"""Non-negative matrix factorisation: spectrograms as a few spectra and when each of them sounds.

`beta` holds the factorisation itself, `components` turns components into sources, `plca` reads them as probabilities,
`continuity` wants them smooth in time, `convolutive` lets a template last several frames, `informed` follows a score.
"""
