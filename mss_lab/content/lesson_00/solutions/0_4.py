harmonics = 20

answer = sum(h % 2 == 0 for h in range(1, harmonics + 1))
