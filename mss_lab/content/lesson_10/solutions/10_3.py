from mss_lab.nmf import informed
from mss_lab.score import support
from mss_lab.score.notes import Note, Score

inputs = lab.given("10.3")
players, rate, mixture = inputs["players"], inputs["sample_rate_hz"], inputs["mixture"]
measure = support.prepared(mixture, rate)


def support_at(midi, onset_s, offset_s):
    return measure(Score((Note("all", midi, onset_s, offset_s),)))[0]


corrected = []
for player, midi, onset_s, offset_s in inputs["notes"].tolist():
    # A right note may be a little doubtful, too.
    if support_at(midi, onset_s, offset_s) < 0.2:
        midi = max((midi + step for step in range(-3, 4)), key=lambda pitch: support_at(pitch, onset_s, offset_s))
    corrected.append(Note(players[int(player)], midi, onset_s, offset_s))
score = Score(tuple(corrected), tuple(players))
answer = informed.separate(mixture, rate, score, tolerance_s=0.05, tuning_hz=440)
