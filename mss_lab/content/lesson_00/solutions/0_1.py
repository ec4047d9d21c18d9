hz = 220.0
window = 4096

answer = round(2 * hz / (44_100 / window))
