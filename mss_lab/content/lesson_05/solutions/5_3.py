def answer(V, W, H, weight):
    tiny = 1e-12
    return H * (W.T @ (V / (W @ H + tiny))) / (W.sum(axis=0)[:, None] + weight + tiny)
