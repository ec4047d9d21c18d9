hop = 512
rate_hz = 44_100

answer = rate_hz / (2 * hop)
