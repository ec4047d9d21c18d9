# from mss_lab.casa import correlogram, filterbank, pitch
# bands = filterbank.analyse(lab.given("14.3")["sound"], 16_000, filterbank.centres_hz())
# ear = correlogram.correlogram(correlogram.hair_cell(bands, 16_000), 16_000)
# 1 / np.nanmedian(pitch.first_peaks(correlogram.summary(ear), ear.lags_s)) is nearly:
f0_hz = 142.5

answer = f0_hz
