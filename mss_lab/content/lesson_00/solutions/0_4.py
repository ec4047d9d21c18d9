import numpy as np

from mss_lab import transforms

piece = lab.given("0.4")
rate, notes = piece["sample_rate_hz"], piece["notes"]
settings = transforms.settings_for(rate)
level = np.log(np.abs(transforms.stft(piece["mixture"], **settings)[0]) + 1e-6)


def mean_level(player, semitones):
    """The mean level at the first five harmonics of a player's notes, when these are moved down."""
    values = []
    for _, midi, onset_s, offset_s in notes[notes[:, 0] == player]:
        f0 = 440 * 2 ** ((midi - semitones - 69) / 12)
        bins = np.round(np.arange(1, 6) * f0 * settings["window_samples"] / rate).astype(int)
        start, stop = (round(time_s * rate / settings["hop_samples"]) for time_s in (onset_s, offset_s))
        values.append(level[bins, start:stop].ravel())
    return np.concatenate(values).mean()


moves = range(-6, 7)
levels = np.array([[mean_level(player, move) for move in moves] for player in range(len(piece["players"]))])
gains = levels.max(axis=1) - levels[:, list(moves).index(0)]
player = gains.argmax()
answer = piece["players"][player], moves[levels[player].argmax()]
