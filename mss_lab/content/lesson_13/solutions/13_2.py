hops = 0.5 * 48_000 / 1024
answer = 2 * round((hops - 1) / 2) + 1
