length_s = 0.5
rate = 48_000
hop = 1024

hops = length_s * rate / hop
answer = 2 * round((hops - 1) / 2) + 1
