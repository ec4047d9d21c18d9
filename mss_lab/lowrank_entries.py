"""The catalogue's entries of robust PCA.

Contents: ROBUST_PCA, METHODS.
"""

from .method import Method
from .options import Choice, Number, Option, declare

ROBUST_PCA = Method(
    name="robust-pca",
    title="Robust PCA: a repeating accompaniment of low rank and a sparse voice",
    function=".lowrank:separate",
    options=declare(
        gain=Option(1.0, Number(0.001, 1000)),
        mask=Option("soft", Choice(("soft", "binary"))),
        mask_gain=Option(1.0, Number(1e-12, 1e9)),
        highpass_hz=100.0,
        window_s=0.064,
        iterations=100,
        tolerance=Option(0.001, Number(1e-12, 1)),
        svd=Option("randomised", Choice(("exact", "randomised"))),
        chunk_s=30.0,
        rng=None,
    ),
    gives="the voice and the accompaniment; together they are the mixture",
    lesson="notebooks/14_sparse_sinusoidal_auditory.ipynb",
    reference="Huang, Chen, Smaragdis and Hasegawa-Johnson, ICASSP 2012",
    adds_up=True,
    assumes="The accompaniment is a sum of few spectra, and the voice fills few bins",
    fits=frozenset({"repeats"}),
    pace=0.14,
)

METHODS = (ROBUST_PCA,)
