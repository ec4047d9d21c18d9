# unmixing = mss_lab.spatial.ica.unmixing(mixture, 16_000), gains = np.linalg.inv(unmixing): a column for each output.
# Right over left, for the output that is struck and for the one that is held:
drum = -1.111
vowel = 0.618

answer = drum
