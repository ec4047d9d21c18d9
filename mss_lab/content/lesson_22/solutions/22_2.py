import numpy as np

inputs = lab.given("22.2")
rate = inputs["sample_rate_hz"]


def even_beside_odd_db(wave):
    """Energy of the second and fourth harmonic beside that of the first and third, the median over the notes."""
    ratios_db = []
    for midi, onset_s, offset_s in inputs["pitches"]:
        tone = wave[0, round((onset_s + 0.05) * rate) : round((offset_s - 0.03) * rate)]
        if len(tone) > rate // 8:
            power = np.abs(np.fft.rfft(tone * np.hanning(len(tone)), 65_536)) ** 2
            centres = 440 * 2 ** ((midi - 69) / 12) * np.arange(1, 5) * 65_536 / rate
            energy = [power[round(centre) - 100 : round(centre) + 101].sum() for centre in centres]
            ratios_db.append(10 * np.log10((energy[1] + energy[3]) / (energy[0] + energy[2])))
    return np.median(ratios_db)


answer = int(np.argmax([even_beside_odd_db(wave) for wave in inputs["queries"]]))
