import numpy as np

from mss_lab.score import support
from mss_lab.score.notes import Note, Score

inputs = lab.given("10.2")
measure = support.prepared(inputs["mixture"], inputs["sample_rate_hz"])
supports = [measure(Score((Note("all", *row),)))[0] for _, *row in inputs["notes"].tolist()]
answer = int(np.argmin(supports))
