import numpy as np


# %% That is |S| / |X|: it brings the magnitude right, whatever the phase
def answer(source_stfts, mixture_stft):
    return np.clip(np.abs(source_stfts) / np.maximum(np.abs(mixture_stft), 1e-12), 0, 1)


# %% That projects rightly, but is not cut to the range 0 to 1
def answer(source_stfts, mixture_stft):
    power = np.maximum(np.abs(mixture_stft) ** 2, 1e-20)
    return np.real(source_stfts * np.conj(mixture_stft)) / power


# %% Where the mixture is 0 the mask is nan, from 0 / 0
def answer(source_stfts, mixture_stft):
    return np.clip(np.real(source_stfts / mixture_stft), 0, 1)
