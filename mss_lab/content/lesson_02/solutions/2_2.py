import numpy as np

from mss_lab.metrics import energy

faulty = lab.given("2.2")
original = faulty["original"]
answer = []
for name in "abcd":
    version = faulty[name]
    on_time = version[:, 16:]
    # The quotient of the samples, in rows of half a window: for a gain that repeats, all rows are alike.
    quotient = (version / np.where(original == 0, np.inf, original))[0, : 40 * 512].reshape(40, 512)
    if energy.si_sdr(original, version) > 40:
        answer.append("loud")
    elif energy.sdr(original[:, :-16], on_time) > 40:
        answer.append("late")
    elif np.median(np.abs(quotient - np.median(quotient, axis=0))) < 1e-6:
        answer.append("flutter")
    else:
        answer.append("signs")
