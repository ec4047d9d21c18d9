"""The catalogue's entries of networks: those whose weights are shipped, and two models that others trained.

Contents: NETWORK_LIBRARIES, PLAYERS, WEIGHTS, NETWORK_OPTIONS, MASK_INFERENCE, XUMX, XUMX_INFORMED, XUMX_SCORE_ONLY,
REFINED_NMF, SCORE_CNN, SCORE_CNN_TIMBRE, DSIS, CERBERUS, QUERY_BY_EXAMPLE, HTDEMUCS, OPEN_UNMIX, METHODS.
"""

from ..method import Method
from ..options import FROM_ZERO, Number, Option, Own, Pairs, declare

NETWORK_LIBRARIES = ("torch", "safetensors")

# From sources of the score to sources of the network, where names do not decide.
PLAYERS = Pairs("SOURCE", "INSTRUMENT")

# Weights to use instead of the shipped ones.
WEIGHTS = Own("a file of weights of your own, NAME.safetensors")

NETWORK_OPTIONS = declare(chunk_s=30.0, overlap_s=4.0, players=Option(None, PLAYERS), weights=Option(None, WEIGHTS))

MASK_INFERENCE = Method(
    name="mask-inference",
    title="A network reads the mixture's spectrum forwards and backwards, and writes a mask for each instrument",
    function=".neural.separators:mask_inference",
    options=NETWORK_OPTIONS,
    gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
    lesson="notebooks/16_learn_a_mask.ipynb",
    reference="Erdogan et al., ICASSP 2015",
    assumes="The sources are the four instruments of training, with the same timbre",
    fits=frozenset({"known"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.057,
)

XUMX = Method(
    name="xumx",
    title="A network for each instrument, joined by bridges and by a loss over all sums of sources",
    function=".neural.separators:xumx",
    options=NETWORK_OPTIONS,
    gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
    lesson="notebooks/17_xumx.ipynb",
    reference="Sawata et al., ICASSP 2021",
    assumes="The sources are the four instruments of training, with the same timbre",
    fits=frozenset({"known"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.035,
)

XUMX_INFORMED = Method(
    name="xumx-informed",
    title="X-UMX that reads the mixture and the score",
    function=".neural.separators:xumx_informed",
    options=NETWORK_OPTIONS,
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
    lesson="notebooks/18_with_a_score_from_a_score.ipynb",
    reference="Tunturi et al., 2025",
    assumes="The sources are the four instruments of training, and the score is correct",
    fits=frozenset({"known", "score"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.034,
)

XUMX_SCORE_ONLY = Method(
    name="xumx-score-only",
    title="X-UMX whose masks follow from the score alone",
    function=".neural.separators:xumx_score_only",
    options=NETWORK_OPTIONS,
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
    lesson="notebooks/18_with_a_score_from_a_score.ipynb",
    reference="Tunturi et al., 2025",
    assumes="The score is correct, and the sources are the four instruments of training",
    fits=frozenset({"known", "score"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.032,
)

REFINED_NMF = Method(
    name="refined-nmf",
    title="Score-informed NMF, its models corrected bin by bin by a network that takes any instruments",
    function=".neural.refine:separate",
    options=declare(
        tolerance_s=0.2,
        tuning_hz=None,
        strength=Option(1.0, Number(0, 1)),
        weights=Option(None, WEIGHTS),
    ),
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score; together they are the mixture",
    lesson="notebooks/18_with_a_score_from_a_score.ipynb",
    reference="own method",
    adds_up=True,
    assumes="The score is correct, and every source has a pitch",
    fits=frozenset({"score", "pitched"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.39,
)

SCORE_CNN = Method(
    name="score-cnn",
    title="A convolutional network over the mixture filtered by each instrument's notes",
    function=".neural.separators:score_cnn",
    options=NETWORK_OPTIONS,
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
    lesson="notebooks/19_score_filtered_cnn.ipynb",
    reference="Miron, Janer and Gómez, ISMIR 2017",
    assumes="The sources are the four instruments of training, and the score is correct within 0.2 s",
    fits=frozenset({"known", "score"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.067,
)

SCORE_CNN_TIMBRE = Method(
    name="score-cnn-timbre",
    title="The same network without the score: it reads timbre alone",
    function=".neural.separators:score_cnn_timbre",
    options=NETWORK_OPTIONS,
    gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
    lesson="notebooks/19_score_filtered_cnn.ipynb",
    reference="Miron, Janer and Gómez, ISMIR 2017",
    assumes="The sources are the four instruments of training, with the same timbre",
    fits=frozenset({"known"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.058,
)

DSIS = Method(
    name="dsis",
    title="A network that reads the notes of every player with the mixture, and follows them when they are edited",
    function=".neural.separators:dsis",
    options=NETWORK_OPTIONS,
    needs=frozenset({"score"}),
    gives="one estimate for each source of the score, all among violin, clarinet, tenor saxophone and bassoon",
    lesson="notebooks/20_steer_a_network.ipynb",
    reference="Manilow, PhD thesis 2022, chapter 4",
    assumes="The sources are the four instruments of training, and the score is correct",
    fits=frozenset({"known", "score"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.047,
)

CERBERUS = Method(
    name="cerberus",
    title="A network that separates and transcribes at once, by three heads on the same recurrent layers",
    function=".neural.separators:cerberus",
    options=NETWORK_OPTIONS,
    gives="violin, clarinet, tenor saxophone and bassoon, or of the score's sources those that are among them",
    lesson="notebooks/21_separate_and_transcribe.ipynb",
    reference="Manilow, Seetharaman and Pardo, ICASSP 2020",
    assumes="The sources are the four instruments of training, with the same timbre",
    fits=frozenset({"known"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.039,
)

QUERY_BY_EXAMPLE = Method(
    name="query-by-example",
    title="A network that separates what a recording of an instrument plays, and the families of that instrument",
    function=".neural.query_method:query_by_example",
    options=declare(
        chunk_s=30.0,
        overlap_s=4.0,
        players=Option(None, PLAYERS),
        query=Option(None, Own("an audio file in which the instrument plays alone")),
        weights=Option(None, WEIGHTS),
    ),
    gives="with a query, the instrument and its families, as level 1 to level 3; without one, the instruments of the "
    "score, or all that the network knows: strings and woodwinds of an orchestra",
    lesson="notebooks/22_hierarchies_and_queries.ipynb",
    reference="Manilow, Wichern and Le Roux, ISMIR 2020",
    assumes="The instrument of the query plays in the mixture",
    fits=frozenset({"known"}),
    libraries=NETWORK_LIBRARIES,
    pace=0.21,
)

HTDEMUCS = Method(
    name="htdemucs",
    title="Hybrid Transformer Demucs, a network on the waveform and the STFT, trained by others on pop songs",
    function=".neural.pretrained:htdemucs",
    options=declare(
        overlap=Option(0.25, Number(0, 0.9)),
        weights=Option(None, Own("NAME.safetensors or NAME.th of demucs, or a folder with one such file")),
    ),
    gives="vocals, drums, bass and the rest",
    lesson="notebooks/16_learn_a_mask.ipynb",
    reference="Rouard, Massa and Défossez, ICASSP 2023",
    assumes="The mixture is a song of vocals, drums, bass and other instruments, as on a record",
    fits=frozenset({"known"}),
    libraries=("demucs", "huggingface_hub", "torch", "safetensors"),
    downloads="its weights from the repository adefossez/HTDemucs of the Hugging Face hub, where the package demucs "
    "publishes them; the package is under the MIT licence",
    pace=3.2,
)

OPEN_UNMIX = Method(
    name="open-unmix",
    title="Open-Unmix (umxhq), a recurrent network for each source and a Wiener filter, trained by others on pop songs",
    function=".neural.pretrained:open_unmix",
    options=declare(
        chunk_s=30.0,
        overlap_s=4.0,
        iterations=Option(1, FROM_ZERO),
        weights=Option(None, Own("a folder with separator.json, and TARGET.json and TARGET.pth for each source")),
    ),
    gives="vocals, drums, bass and the rest",
    lesson="notebooks/16_learn_a_mask.ipynb",
    reference="Stöter, Uhlich, Liutkus and Mitsufuji, JOSS 2019",
    assumes="The mixture is a song of vocals, drums, bass and other instruments, at the level of a record",
    fits=frozenset({"known"}),
    libraries=("openunmix", "torch", "torchaudio", "safetensors"),
    downloads="its weights, 142 MB in four files, from zenodo.org/records/3370489, where the package openunmix "
    "publishes them; the package is under the MIT licence",
    pace=0.79,
)

METHODS = (
    MASK_INFERENCE,
    XUMX,
    XUMX_INFORMED,
    XUMX_SCORE_ONLY,
    REFINED_NMF,
    SCORE_CNN,
    SCORE_CNN_TIMBRE,
    DSIS,
    CERBERUS,
    QUERY_BY_EXAMPLE,
    HTDEMUCS,
    OPEN_UNMIX,
)
