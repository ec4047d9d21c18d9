import math

duration_s = 0.3
hop = 512
rate_hz = 44_100

answer = math.ceil(duration_s * rate_hz / hop)
