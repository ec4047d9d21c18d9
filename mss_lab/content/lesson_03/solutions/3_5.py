import numpy as np


def answer(source_stfts, mixture_stft):
    power = np.abs(mixture_stft) ** 2
    projection = np.real(source_stfts * np.conj(mixture_stft)) / np.where(power > 0, power, 1)
    return np.clip(projection, 0, 1)
