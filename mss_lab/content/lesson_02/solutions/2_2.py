coefficient = 100
window = 2048
rate_hz = 16_000

answer = coefficient * rate_hz / (2 * window)
