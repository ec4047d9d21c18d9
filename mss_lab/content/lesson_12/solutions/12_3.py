def answer(C, P, W):
    E = W.T @ P
    return P * (W @ (C / E)) / W.sum(axis=1, keepdims=True)
