import numpy as np

from mss_lab.metrics import transcription
from mss_lab.score.from_roll import score_of_roll

inputs = lab.given("21.2")


def f1(player, threshold):
    roll = inputs["rolls"][player][None]
    score = score_of_roll(roll, inputs["frame_rate_hz"], ["one"], threshold=threshold)
    notes = np.array([(note.midi, note.onset_s, note.offset_s) for note in score.notes]).reshape(-1, 3)
    true = inputs["notes"]
    return transcription.note_scores(true[true[:, 0] == player, 1:], notes).f1


thresholds = [float(threshold) for threshold in np.arange(0.04, 1, 0.04)]
answer = [max(thresholds, key=lambda threshold: f1(player, threshold)) for player in range(4)]
