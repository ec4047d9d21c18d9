hop = 512
rate_hz = 44_100

# %% There a whole turn passes in a hop
answer = rate_hz / hop

# %% There a quarter of a turn passes in a hop
answer = rate_hz / (4 * hop)

# %% At 0 Hz nothing flickers, but the task asks for a frequency above 0
answer = 0
