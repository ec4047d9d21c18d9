distance_hz = 146.8 - 130.8
answer = 1
while 2 * 44_100 / answer > distance_hz:
    answer *= 2
