"""Plots: what was drawn is where it belongs, on axes with units, also where there is next to nothing to draw."""

import dataclasses
import math
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from numpy.testing import assert_allclose

from mss_lab import checks, hierarchy, plots, signals, transforms
from mss_lab.plots import blank, cells
from mss_lab.score.align import Alignment
from mss_lab.score.notes import Note, Score
from mss_lab.spatial import duet, panning
from mss_lab.widgets.picture import Picture

RATE_HZ = 16_000
HOP = 512
SCORE = Score((Note("a", 60, 0.0, 0.5), Note("b", 67.5, 0.25, 1.0), Note("a", 64, 0.5, 0.75)), ("b", "a"))

# Whatever matplotlib or NumPy warns of while drawing is an error here.
pytestmark = pytest.mark.no_warnings


@pytest.fixture
def ax():
    return Figure().subplots()


def draw(figure):
    """Render for real: much goes wrong only then."""
    FigureCanvasAgg(figure).draw()


def stft(waveform, window_samples=2048):
    return transforms.stft(waveform, window_samples=window_samples, hop_samples=window_samples // 4)


def mesh_values(mesh):
    """Edges in time and frequency, and values (rows, columns), of a drawn mesh."""
    corners = mesh.get_coordinates()
    return corners[0, :, 0], corners[:, 0, 1], np.ma.filled(mesh.get_array(), np.nan)


def test_a_waveform_is_drawn_against_seconds(ax, rng, frozen):
    signal = frozen(rng.standard_normal((2, 800)))
    line = plots.waveform(signal, RATE_HZ, ax, label="left", start_s=2.0)
    draw(ax.figure)
    assert line in ax.lines
    assert_allclose(line.get_xdata(), 2 + np.arange(800) / RATE_HZ)
    assert_allclose(line.get_ydata(), signal[0])
    assert ax.get_xlim() == pytest.approx((2.0, 2 + 799 / RATE_HZ))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time (s)", "amplitude")
    assert line.get_label() == "left"


@pytest.mark.parametrize("start_s", [0.0, 2.0])
def test_a_waveform_of_one_sample(ax, start_s):
    plots.waveform(np.array([[0.5]]), RATE_HZ, ax, start_s=start_s)
    draw(ax.figure)
    assert ax.get_xlim() == pytest.approx((start_s, start_s + 1 / RATE_HZ))


@pytest.mark.parametrize("tone_hz", [70.0, 220.0, 1000.0, 5000.0, 7900.0])
@pytest.mark.parametrize("window_samples", [512, 2048, 4096])
def test_the_energy_of_a_tone_is_drawn_at_its_frequency(ax, tone_hz, window_samples):
    spectrum = stft(signals.tone(tone_hz, 1.0, RATE_HZ), window_samples)
    mesh = plots.spectrogram(spectrum, RATE_HZ, window_samples // 4, ax)
    _, edges_hz, values = mesh_values(mesh)
    middle = values[:, values.shape[1] // 2]
    loudest = np.flatnonzero(middle == middle.max())
    spacing_hz = RATE_HZ / window_samples
    # No row that is drawn loudest lies further from the tone than half a bin (and the height of the row itself).
    assert edges_hz[loudest[0]] <= tone_hz + spacing_hz / 2
    assert edges_hz[loudest[-1] + 1] >= tone_hz - spacing_hz / 2
    assert edges_hz[loudest[0]] >= tone_hz / 1.02 - spacing_hz
    assert edges_hz[loudest[-1] + 1] <= tone_hz * 1.02 + spacing_hz


@pytest.mark.parametrize("first", [7, 500])
def test_every_bin_is_drawn_where_it_belongs(ax, first):
    # Frame n holds nothing but bin first + n; the lowest whole bin on an axis from 50 Hz on is 7, the highest 1023.
    spectrum = np.zeros((1, 1025, 524))
    spectrum[0, first + np.arange(524), np.arange(524)] = 1
    _, edges_hz, values = mesh_values(plots.spectrogram(spectrum, RATE_HZ, HOP, ax))
    for frame in range(524):
        rows = np.flatnonzero(values[:, frame] == 0)
        assert len(rows)
        # Within half a bin of its frequency, or in the row that holds it.
        hz, half_hz = (first + frame) * RATE_HZ / 2048, RATE_HZ / 4096
        assert edges_hz[rows[0]] <= hz + half_hz
        assert edges_hz[rows[-1] + 1] >= hz - half_hz
        assert edges_hz[rows[-1]] <= hz + half_hz
        assert edges_hz[rows[0] + 1] >= hz - half_hz


@pytest.mark.parametrize("duration_s", [1.0, 60.0])
def test_the_energy_of_a_click_is_drawn_at_its_time(ax, duration_s):
    # A minute has more frames than columns are drawn, and no click may be lost between them.
    at_s = duration_s * 0.7
    mesh = plots.spectrogram(stft(signals.clicks([at_s], duration_s, RATE_HZ)), RATE_HZ, HOP, ax)
    edges_s, _, values = mesh_values(mesh)
    loudest = np.flatnonzero(values[100] == values[100].max())
    assert edges_s[loudest[0]] - 0.02 <= at_s <= edges_s[loudest[-1] + 1] + 0.02
    assert values.shape[1] <= cells.MOST_COLUMNS
    assert edges_s[0] == pytest.approx(-HOP / 2 / RATE_HZ)
    assert edges_s[-1] == pytest.approx(
        (transforms.frame_count(round(duration_s * RATE_HZ), 2048, HOP) - 0.5) * HOP / RATE_HZ
    )


def test_thinning_loses_no_frame(ax):
    # 2001 frames are drawn in columns of three, and each column is as loud as its loudest frame.
    spectrum = np.zeros((1, 65, 2001))
    spectrum[0, 20, [3, 10, 17, 2000]] = 1
    edges_s, _, values = mesh_values(plots.spectrogram(spectrum, RATE_HZ, HOP, ax))
    loud = np.flatnonzero(values.max(axis=0) == 0)
    assert_allclose(edges_s[loud], (np.array([3, 9, 15, 1998]) - 0.5) * HOP / RATE_HZ)


def test_a_spectrogram_has_units_and_levels_in_db(ax, frozen):
    spectrum = frozen(100 * stft(signals.tone(1000.0, 0.5, RATE_HZ)))
    mesh = plots.spectrogram(spectrum, RATE_HZ, HOP, ax, range_db=60, title="a tone")
    draw(ax.figure)
    loudest_db = 20 * np.log10(np.abs(spectrum).max())
    assert mesh in ax.collections
    assert mesh.get_clim() == pytest.approx((loudest_db - 60, loudest_db))
    assert np.max(mesh_values(mesh)[2]) == pytest.approx(loudest_db)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("time (s)", "frequency (Hz)", "a tone")
    assert ax.get_yscale() == "log"
    assert ax.get_ylim() == pytest.approx((50, RATE_HZ / 2))
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert "1 000" in labels
    assert dict(zip(labels, ax.get_yticks(), strict=True))["1 000"] == 1000


def test_only_the_first_channel_is_drawn(ax):
    tone = signals.tone(1000.0, 0.3, RATE_HZ)
    stereo = plots.spectrogram(stft(np.concatenate([tone, 0 * tone])), RATE_HZ, HOP, ax)
    mono = plots.spectrogram(stft(tone), RATE_HZ, HOP, ax)
    assert_allclose(mesh_values(stereo)[2], mesh_values(mono)[2])


@pytest.mark.parametrize("loudest_db", [None, -20.0, -np.inf])
@pytest.mark.parametrize("shape", [(1, 1025, 5), (1, 1025, 1), (2, 1, 1), (1, 5, 1)])
def test_silence_is_drawn_in_the_darkest_colour(ax, loudest_db, shape):
    mesh = plots.spectrogram(np.zeros(shape), RATE_HZ, HOP, ax, loudest_db=loudest_db)
    draw(ax.figure)
    assert np.isfinite(mesh_values(mesh)[2]).all()
    darkest = mesh.get_cmap()(0.0)
    assert_allclose(mesh.to_rgba(mesh.get_array()), np.broadcast_to(darkest, (cells.MOST_ROWS, shape[2], 4)))
    assert np.isfinite(mesh.get_clim()).all()


def pixels_of(figure, dpi):
    figure.dpi = dpi
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba()).astype(int)


@pytest.mark.parametrize("dpi", [60, 100])
@pytest.mark.parametrize(
    "view",
    [
        {},
        {"xlim": (0.4, 0.5), "ylim": (200, 3000)},
        {"xlim": (-1, 3), "ylim": (20, 20_000)},
        {"xlim": (1, 0)},
        {"yscale": "linear", "ylim": (5000, 0)},
        {"xlim": (7, 8)},
    ],
)
def test_a_spectrogram_is_drawn_as_cell_by_cell(ax, rng, view, dpi):
    # matplotlib's own way of drawing the same cells is the oracle.
    mesh = plots.spectrogram(rng.random((1, 513, 60)), RATE_HZ, HOP // 2, ax)
    mesh.set(cmap="viridis")
    ax.set(**view)
    quick = pixels_of(ax.figure, dpi)
    mesh.remove()
    blank = pixels_of(ax.figure, dpi)
    corners = mesh.get_coordinates()
    view = ax.get_xlim(), ax.get_ylim()
    slow = ax.pcolormesh(corners[0, :, 0], corners[:, 0, 1], mesh.get_array(), cmap="viridis", clim=mesh.get_clim())
    ax.set(xlim=view[0], ylim=view[1])
    wanted = pixels_of(ax.figure, dpi)
    slow.remove()
    # Colours are rounded differently, and an edge that lies on the middle of a pixel may fall either way.
    assert np.mean(np.abs(quick - wanted).max(axis=-1) > 2) < 0.005
    shown = view[0] != (7, 8)
    assert (np.mean(np.abs(quick - blank).max(axis=-1) > 2) > 0.1) == shown


def test_where_there_are_no_pixels_a_spectrogram_is_drawn_by_matplotlib(ax, rng, tmp_path):
    mesh = plots.spectrogram(rng.random((1, 33, 4)), RATE_HZ, HOP, ax)
    mesh.set_rasterized(False)
    ax.figure.savefig(tmp_path / "picture.svg")
    assert (tmp_path / "picture.svg").read_text().count("<path") > 1000
    mesh.set_rasterized(True)
    ax.figure.savefig(tmp_path / "picture.svg")
    assert "<image" in (tmp_path / "picture.svg").read_text()


def test_a_spectrogram_may_be_cut_to_a_shape(ax, rng):
    mesh = plots.spectrogram(rng.random((1, 33, 4)), RATE_HZ, HOP, ax)
    whole = pixels_of(ax.figure, 60)
    mesh.set_clip_path(Circle((0.5, 0.5), 0.25, transform=ax.transAxes))
    cut = pixels_of(ax.figure, 60)
    height, width = whole.shape[:2]
    assert (cut[height // 2, width // 2] == whole[height // 2, width // 2]).all()
    left = round(ax.bbox.x0) + 4
    assert (cut[height // 2, left, :3] == 255).all()
    assert (whole[height // 2, left, :3] != 255).any()


def test_a_hidden_spectrogram_is_not_drawn(ax, rng):
    mesh = plots.spectrogram(rng.random((1, 33, 4)), RATE_HZ, HOP, ax)
    mesh.set_visible(False)
    hidden = pixels_of(ax.figure, 60)
    mesh.remove()
    assert (hidden == pixels_of(ax.figure, 60)).all()


def test_a_window_of_odd_length_can_be_told(ax):
    # 1025 bins come from a window of 2048 or 2049; told which, the tone is where it belongs.
    spectrum = transforms.stft(signals.tone(1000.0, 0.5, RATE_HZ), window_samples=33, hop_samples=8)
    placed = []
    for options in ({}, {"window_samples": 33}):
        _, edges_hz, values = mesh_values(plots.spectrogram(spectrum, RATE_HZ, 8, ax, **options))
        column = values[:, values.shape[1] // 2]
        placed.append(edges_hz[np.flatnonzero(column == column.max())[0]])
    assert placed[1] == pytest.approx(placed[0] * 32 / 33, rel=0.03)


@pytest.mark.parametrize("shape", [(1, 1025, 5), (1, 65, 2001), (1, 5, 1)])
def test_an_open_mask_is_1_everywhere(ax, shape):
    assert_allclose(plots.mask(np.ones(shape), RATE_HZ, HOP, ax).get_array(), 1)


def test_a_mask_is_drawn_from_0_to_1_as_a_mean(ax, frozen):
    values = np.zeros((1, 1025, 2000))
    values[0, 32, ::2] = 1
    mesh = plots.mask(frozen(values), RATE_HZ, HOP, ax, title="half the time")
    draw(ax.figure)
    edges_s, edges_hz, drawn = mesh_values(mesh)
    row = np.searchsorted(edges_hz, 32 * RATE_HZ / 2048) - 1
    # 2000 frames are thinned to columns of three or two, each of which shows its own share of ones.
    assert drawn.shape[1] <= cells.MOST_COLUMNS
    assert np.sum(drawn[row] * np.diff(edges_s)) == pytest.approx(1000 * HOP / RATE_HZ, rel=1e-6)
    assert mesh.get_clim() == (0, 1)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("time (s)", "frequency (Hz)", "half the time")


def test_a_mask_of_truth_values_is_drawn_like_one_of_numbers(ax, rng):
    values = rng.random((1, 65, 2000)) > 0.5
    truths, numbers = (plots.mask(mask, RATE_HZ, HOP, ax) for mask in (values, values.astype(float)))
    assert_allclose(mesh_values(truths)[2], mesh_values(numbers)[2])


def test_a_score_is_drawn_as_bars(ax):
    assert plots.score(SCORE, ax, title="a duet") is ax
    draw(ax.figure)
    bars = {
        (round(b.get_x(), 6), round(b.get_y() + b.get_height() / 2, 6), round(b.get_width(), 6)) for b in ax.patches
    }
    assert bars == {(0.0, 60.0, 0.5), (0.25, 67.5, 0.75), (0.5, 64.0, 0.25)}
    colours = [bar.get_facecolor() for bar in ax.patches]
    assert colours == [to_rgba(plots.COLOURS[0])] + [to_rgba(plots.COLOURS[1])] * 2
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["b", "a"]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("time (s)", "MIDI pitch", "a duet")
    assert ax.get_xlim() == (0, 1)


def test_notes_of_one_pitch_at_the_same_time_are_all_visible(ax):
    notes = [("a", 0, 1), ("b", 0.5, 1.5), ("b", 1.5, 2), ("c", 0.8, 1.6)]
    plots.score(Score(tuple(Note(source, 60, onset, offset) for source, onset, offset in notes)), ax)
    heights = {(bar.get_x(), round(bar.get_width(), 6)): round(bar.get_height(), 6) for bar in ax.patches}
    assert heights == {(0, 1): 0.8, (0.5, 1): 0.4, (1.5, 0.5): 0.8, (0.8, 0.8): 0.2}


@pytest.mark.parametrize("score", [Score(()), Score((), ("a",)), Score(SCORE.notes, ("b", "a", "silent"))])
def test_scores_with_nothing_to_draw(ax, score):
    plots.score(score, ax)
    assert [text.get_text() for text in ax.texts] == ([] if score.notes else ["no note"])
    # Not refused, since a reader's excerpt may have no notes.
    plots.picture(ax.figure, "the notes")


def test_levels_are_the_mean_spectrum_in_db(ax, rng, frozen):
    spectrum = frozen(stft(rng.standard_normal((2, 9000))))
    line = plots.levels(spectrum, RATE_HZ, 2048, ax, label="noise")
    draw(ax.figure)
    assert line in ax.lines
    assert_allclose(line.get_xdata(), np.arange(1025) * RATE_HZ / 2048)
    expected = [10 * np.log10(sum(abs(x) ** 2 for x in row) / len(row)) for row in spectrum[0]]
    assert_allclose(line.get_ydata(), expected)
    assert (ax.get_xlabel(), ax.get_ylabel(), line.get_label()) == ("frequency (Hz)", "level (dB)", "noise")


def test_levels_of_silence_lie_at_the_floor(ax):
    line = plots.levels(np.zeros((1, 9, 1)), RATE_HZ, 16, ax, floor_db=-80)
    draw(ax.figure)
    assert_allclose(line.get_ydata(), -80)


DRUMS = Score((*SCORE.notes, Note("drums", 35, 0.0, 0.1)), ("b", "a", "drums"), frozenset({"drums"}))


@pytest.mark.parametrize("tuning_hz", [440.0, 415.0])
def test_fundamentals_lie_where_the_energy_of_their_notes_is(ax, tuning_hz):
    note = Note("a", 69, 0.4, 0.8)
    tone = np.zeros((1, RATE_HZ))
    tone[:, round(0.4 * RATE_HZ) : round(0.8 * RATE_HZ)] = signals.tone(tuning_hz, 0.4, RATE_HZ)
    mesh = plots.spectrogram(stft(tone), RATE_HZ, HOP, ax)
    lines = plots.fundamentals(Score((note,)), ax, tuning_hz=tuning_hz)
    draw(ax.figure)
    ((first, last),) = lines.get_segments()
    assert first[1] == last[1] == pytest.approx(tuning_hz)
    edges_s, edges_hz, values = mesh_values(mesh)
    row = values[np.searchsorted(edges_hz, first[1]) - 1]
    # Half as loud as in its middle, the tone begins and ends where the line does, but for one frame.
    heard_s = edges_s[np.flatnonzero(row > row.max() - 6)[[0, -1]] + [0, 1]]
    assert_allclose(heard_s, [first[0], last[0]], atol=2 * HOP / RATE_HZ)


def test_fundamentals_leave_out_drums_and_leave_the_axes_alone(ax):
    plots.spectrogram(stft(signals.tone(1000.0, 0.5, RATE_HZ)), RATE_HZ, HOP, ax)
    limits = ax.get_xlim(), ax.get_ylim()
    lines = plots.fundamentals(DRUMS, ax, colour="white", label="notes")
    draw(ax.figure)
    assert (ax.get_xlim(), ax.get_ylim()) == limits
    expected = {(n.onset_s, n.offset_s, round(440 * 2 ** ((n.midi - 69) / 12), 6)) for n in SCORE.notes}
    assert {(a[0], b[0], round(a[1], 6)) for a, b in lines.get_segments()} == expected
    assert lines.get_label() == "notes"


@pytest.mark.parametrize("score", [Score(()), Score((Note("drums", 35, 0, 1),), unpitched=frozenset({"drums"}))])
def test_no_fundamentals(ax, score):
    assert not plots.fundamentals(score, ax).get_segments()
    draw(ax.figure)


ALIGNMENT = Alignment(
    np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.3, 1.2]), np.array([0.9, 0.1]), cost=0.2, tuning_hz=430.0
)


def test_a_time_map_is_a_curve_over_bands_of_confidence(ax):
    found = dataclasses.replace(ALIGNMENT, score_times_s=np.array([10.0, 11.0, 14.0]))
    line, bands = plots.time_map(found, ax, title="found")
    draw(ax.figure)
    assert_allclose(line.get_xdata(), found.recording_times_s)
    assert_allclose(line.get_ydata(), found.score_times_s)
    edges_s, heights, values = mesh_values(bands)
    assert_allclose(edges_s, found.recording_times_s)
    assert_allclose(heights, [0, 1])
    assert_allclose(values, [[0.9, 0.1]])
    assert bands.get_clim() == (0, 1)
    # Bands reach from the bottom of the picture to its top, whatever the score's times are.
    box = ax.get_window_extent()
    corners = bands.get_transform().transform([[0, 0], [0, 1]])
    assert_allclose(corners[:, 1], [box.y0, box.y1])
    # Darker where it is at a loss.
    light, dark = bands.get_facecolors()[:, :3].sum(axis=1)
    assert light > dark
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time in the recording (s)", "time in the score (s)")
    assert (ax.get_title(), ax.get_xlim(), ax.get_ylim()) == ("found", (0.2, 1.2), (10.0, 14.0))


def test_a_time_map_of_two_points(ax):
    plots.time_map(Alignment(np.array([0.0, 1.0]), np.array([3.0, 4.0]), np.array([0.0]), cost=1.0), ax)
    draw(ax.figure)


@pytest.mark.parametrize("score", [SCORE, DRUMS])
def test_an_alignment_shows_notes_before_and_after(score, frozen, rng):
    spectrum = frozen(stft(rng.standard_normal((2, 2 * RATE_HZ))))
    figure = plots.alignment(spectrum, RATE_HZ, HOP, score, ALIGNMENT)
    draw(figure)
    before, after, curve = figure.axes[:3]
    assert [ax.get_title() for ax in (before, after, curve)] == ["notes as written", "notes warped", "time map"]
    drawn = [{round(line[0][0], 6) for line in ax.collections[1].get_segments()} for ax in (before, after)]
    assert drawn[0] == {0.0, 0.25, 0.5}
    assert drawn[1] == {0.2, 0.25, 0.3}
    # At the recording's own tuning, and within the picture.
    heights_hz = {round(line[0][1], 3) for line in after.collections[1].get_segments()}
    assert heights_hz == {round(430 * 2 ** ((note.midi - 69) / 12), 3) for note in SCORE.notes}
    assert (
        before.get_ylim() == after.get_ylim() == pytest.approx((0.8 * min(heights_hz), 4 * max(heights_hz)), rel=1e-4)
    )
    assert before.get_xlim() == after.get_xlim() == curve.get_xlim()
    assert curve.get_xlim() == pytest.approx((0, 2.0), abs=2 * HOP / RATE_HZ)
    assert before.collections[0].get_clim() == after.collections[0].get_clim()
    assert {"level (dB)", "confidence"} <= {ax.get_ylabel() for ax in figure.axes}


def test_an_alignment_of_drums_alone_and_silence_can_be_drawn():
    drums = Score((Note("drums", 35, 0.0, 0.5),), unpitched=frozenset({"drums"}))
    draw(plots.alignment(np.zeros((1, 1025, 3)), RATE_HZ, HOP, drums, ALIGNMENT))


def test_side_by_side_has_one_scale_of_colours():
    tone = signals.tone(1000.0, 0.3, RATE_HZ)
    stfts = {"loud": stft(tone), "quiet": stft(0.01 * tone), "silent": stft(0 * tone)}
    figure = plots.side_by_side(stfts, RATE_HZ, HOP, range_db=50)
    draw(figure)
    shown = [ax for ax in figure.axes if ax.get_title()]
    assert [ax.get_title() for ax in shown] == list(stfts)
    loudest_db = 20 * np.log10(np.abs(stfts["loud"]).max())
    for ax in shown:
        assert ax.collections[0].get_clim() == pytest.approx((loudest_db - 50, loudest_db))
    (bar,) = [ax for ax in figure.axes if ax.get_ylabel() == "level (dB)"]
    assert bar.get_ylim() == pytest.approx((loudest_db - 50, loudest_db))
    # The fourth place is empty; outer axes carry the units.
    assert [ax.get_visible() for ax in figure.axes[:4]] == [True, True, True, False]
    assert figure.axes[0].get_ylabel() == "frequency (Hz)"
    assert figure.axes[2].get_xlabel() == "time (s)"


@pytest.mark.parametrize("count, columns", [(1, 2), (2, 1), (3, 3), (5, 2)])
def test_side_by_side_takes_any_number(count, columns):
    figure = plots.side_by_side({str(i): np.zeros((1, 9, 1)) for i in range(count)}, RATE_HZ, 4, columns=columns)
    draw(figure)
    assert sum(bool(ax.get_title()) for ax in figure.axes) == count


def test_side_by_side_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one transform, got none"):
        plots.side_by_side({}, RATE_HZ, HOP)


def test_bars_are_as_long_as_their_values_and_say_them(ax):
    values = {"masks": {"violin": 5.04, "bassoon": -1.26}, "oracle": {"bassoon": 12.0}}
    containers = plots.bars(values, ax)
    draw(ax.figure)
    assert [container.get_label() for container in containers] == ["masks", "oracle"]
    assert [bar.get_height() for bar in containers[0]] == [5.04, -1.26]
    assert np.isnan(containers[1][0].get_height())
    assert containers[1][1].get_height() == 12.0
    assert [text.get_text() for text in ax.texts] == ["5.0", "-1.3", "", "12.0"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["violin", "bassoon"]
    for index, container in enumerate(containers):
        for group, bar in enumerate(container):
            assert abs(bar.get_x() + bar.get_width() / 2 - group) < 0.5
            assert bar.get_facecolor() == to_rgba(plots.COLOURS[index])
    assert ax.get_ylabel() == "SDR (dB)"


def test_blocks_stand_from_left_to_right_with_an_arrow_for_each_row(ax):
    columns = plots.blocks(["in", ["a", "b", "c"], "mean", ["d", "e", "f"]], ax)
    draw(ax.figure)
    assert [len(boxes) for boxes in columns] == [1, 3, 1, 3]
    assert [text.get_text() for text in ax.texts if text.get_text()] == ["in", "a", "b", "c", "mean", "d", "e", "f"]
    tops = [box.get_y() + box.get_height() for box in columns[1]]
    assert tops == sorted(tops, reverse=True)
    arrows = [text for text in ax.texts if not text.get_text()]
    assert len(arrows) == 3 + 3 + 3
    for arrow in arrows:
        (start, height), (end, _) = arrow.xyann, arrow.xy
        # From the right edge of a box to the left edge of a box in the next column, at one height inside both.
        left = [box for box in columns[int(start)] if box.get_y() < height < box.get_y() + box.get_height()]
        right = [box for box in columns[int(end)] if box.get_y() < height < box.get_y() + box.get_height()]
        assert left[0].get_x() + left[0].get_width() == pytest.approx(start) and right[0].get_x() == end
    colours = [box.get_facecolor()[:3] for box in columns[1]]
    assert colours == [to_rgba(colour)[:3] for colour in plots.COLOURS[:3]]


def test_a_skip_leads_above_the_boxes(ax):
    columns = plots.blocks(["in", ["a", "b"], "out"], ax, skips=[(0, 2)])
    draw(ax.figure)
    (line,) = ax.lines
    assert line.get_xdata()[0] == columns[0][0].get_x() + columns[0][0].get_width() / 2
    assert line.get_xdata()[-1] == columns[2][0].get_x() + columns[2][0].get_width() / 2
    assert 1 < max(line.get_ydata()) < ax.get_ylim()[1]


def test_a_tree_has_its_leaves_at_the_bottom_and_each_node_above_the_middle_of_its_leaves(ax):
    tree = hierarchy.from_nested(
        {"winds": {"reeds": {"oboe": {}, "clarinet": {}}}, "strings": {"bowed": {"cello": {}}}}
    )
    texts = plots.tree(tree, ax)
    at = {node: text.get_position() for node, text in texts.items()}
    assert [at[leaf] for leaf in ("oboe", "clarinet", "cello")] == [(0, 1), (1, 1), (2, 1)]
    assert at["reeds"] == (0.5, 2) and at["winds"] == (0.5, 3)
    assert at["bowed"] == (2, 2) and at["strings"] == (2, 3)


def test_blocks_that_cannot_be_joined_row_by_row_are_refused(ax):
    with pytest.raises(ValueError, match="got 3 and 2; put a single box between them"):
        plots.blocks([["a", "b", "c"], ["d", "e"]], ax)


def test_values_below_negative_bars_lie_inside_the_axes(ax):
    ax.figure.set_size_inches(7, 2)
    plots.bars({"x": {"soft": -4.0, "loud": 5.0}}, ax)
    draw(ax.figure)
    inside = ax.get_window_extent()
    assert all(inside.y0 < text.get_window_extent().y0 and text.get_window_extent().y1 < inside.y1 for text in ax.texts)


def test_bars_that_cannot_be_drawn_are_written(ax):
    plots.bars({"x": {"perfect": np.inf, "hopeless": -np.inf, "silent": np.nan}}, ax, ylabel="SI-SDR (dB)")
    draw(ax.figure)
    assert [text.get_text() for text in ax.texts] == ["inf", "-inf", ""]
    assert ax.get_ylabel() == "SI-SDR (dB)"


def test_dots_stand_at_their_values_and_a_bar_at_the_mean(ax):
    plots.dots({"mask": [1.0, 3.0], "nothing": [-4.0]}, ax, xlabel="SI-SDR (dB)")
    values, mean = ax.lines[:2]
    assert list(values.get_xdata()) == [1.0, 3.0] and list(mean.get_xdata()) == [2.0, 2.0]
    assert all(abs(height) < 0.4 for height in values.get_ydata())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["mask", "nothing"]
    assert ax.get_ylim()[0] > ax.get_ylim()[1] and ax.get_xlabel() == "SI-SDR (dB)"


def test_a_row_without_dots_is_refused(ax):
    with pytest.raises(ValueError, match="got none for empty"):
        plots.dots({"one": [1.0], "empty": []}, ax)


def test_no_bars_at_all(ax):
    assert plots.bars({}, ax) == []
    draw(ax.figure)


def test_colours_are_all_different():
    assert len(set(plots.COLOURS)) == len(plots.COLOURS) >= 6


def test_a_picture_is_a_png_with_words_for_who_cannot_see_it():
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    picture = plots.picture(figure, 'A line that rises, "from" 0 <to> 1 & no further.', dpi=50)
    assert picture.png.startswith(b"\x89PNG")
    assert int.from_bytes(picture.png[16:20], "big") == 100
    assert int.from_bytes(picture.png[20:24], "big") == 50
    shown = picture._repr_mimebundle_()
    assert shown["text/plain"] == 'A line that rises, "from" 0 <to> 1 & no further.'
    assert 'alt="A line that rises, &quot;from&quot; 0 &lt;to&gt; 1 &amp; no further."' in shown["text/html"]
    assert shown["text/html"].startswith('<img src="data:image/png;base64,iVBORw0KGgo')


@pytest.mark.parametrize("text", ["", "  \n"])
def test_a_picture_without_words_is_refused(text):
    with pytest.raises(ValueError, match="say in one sentence what the picture shows"):
        plots.picture(Figure(), text)


def test_a_picture_closes_figures_of_pyplot_and_touches_no_other():
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    kept, shown, other = pyplot.figure(), pyplot.figure(), Figure()
    latest = pyplot.figure()
    try:
        for figure in (shown, other):
            figure.subplots().plot([1, 2])
            plots.picture(figure, "a line")
        assert pyplot.get_fignums() == [kept.number, latest.number]
        assert pyplot.gcf() is latest
    finally:
        pyplot.close("all")


@pytest.mark.parametrize("empty", [Figure, lambda: Figure().subplots(1, 2)[0].figure])
def test_a_picture_of_nothing_is_refused(empty):
    with pytest.raises(ValueError, match="figure must show something"):
        plots.picture(empty(), "nothing to be seen here")


def scales_of(figure):
    return [ax for ax in figure.axes if ax.get_ylabel() == "mask"]


@pytest.mark.parametrize(
    "show", [lambda figure: plots.picture(figure, "two masks"), lambda figure: Picture().show(figure)]
)
def test_the_masks_of_a_picture_have_one_scale(show):
    figure = Figure(layout="constrained")
    meshes = [plots.mask(np.eye(9)[None], RATE_HZ, HOP, ax) for ax in figure.subplots(1, 2)]
    show(figure)
    (scale,) = scales_of(figure)
    assert scale.get_ylim() == (0, 1) and meshes[0].colorbar.ax is scale


def test_a_mask_that_has_a_scale_gets_no_other_and_a_spectrogram_none():
    figure = Figure(layout="constrained")
    left, right = figure.subplots(1, 2)
    figure.colorbar(plots.mask(np.eye(9)[None], RATE_HZ, HOP, left), ax=left, label="mask")
    plots.spectrogram(np.eye(9)[None], RATE_HZ, HOP, right)
    plots.picture(figure, "a mask and a spectrogram")
    assert len(scales_of(figure)) == 1 and len(figure.axes) == 3


def drawn(figure):
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def beyond_the_limits(ax):
    ax.plot([1, 2])
    ax.set(xlim=(5, 6))


@pytest.mark.parametrize(
    "draw_it",
    [
        lambda ax: None,
        lambda ax: ax.grid(),
        lambda ax: ax.imshow(np.ones((3, 3))),
        lambda ax: ax.plot([0, 1], [np.nan, np.nan]),
        lambda ax: ax.hlines([], [], []),
        lambda ax: plots.spectrogram(np.zeros((1, 9, 5)), RATE_HZ, HOP, ax, title="blank"),
        beyond_the_limits,
    ],
)
def test_blank_axes_are_named(draw_it):
    figure = Figure(layout="constrained")
    for ax, title in zip(figure.subplots(1, 2), ("shown", "blank"), strict=True):
        ax.set_title(title)
    figure.axes[0].plot([1, 2])
    draw_it(figure.axes[1])
    assert blank.names_of_blank_axes(figure, drawn(figure)) == ["blank"]


@pytest.mark.parametrize(
    "draw_it",
    [
        lambda ax: ax.plot([1, 2]),
        lambda ax: ax.plot([1.0], [1.0], "o"),
        lambda ax: ax.bar(["a"], [1]),
        lambda ax: ax.text(0.5, 0.5, "words"),
        lambda ax: ax.imshow(np.eye(3)),
        lambda ax: ax.fill_between([0, 1], -1, 1, color="red") and ax.set(xlim=(0, 1), ylim=(-1, 1)),
        lambda ax: plots.mask(np.eye(9)[None], RATE_HZ, HOP, ax),
        lambda ax: ax.figure.colorbar(ax.imshow(np.eye(3))),
        lambda ax: ax.axis("off"),
        lambda ax: ax.set_visible(False),
    ],
)
def test_axes_that_show_something_or_are_hidden_are_not_blank(draw_it):
    figure = Figure(layout="constrained")
    draw_it(figure.subplots())
    assert blank.names_of_blank_axes(figure, drawn(figure)) == []


def test_values_are_put_into_words():
    assert plots.in_words({"violin": 5.149, "cello": -0.01}) == "violin 5.1, cello 0.0"
    assert plots.in_words({0.25: math.nan, 1: 2}, decimals=0) == "at 0.25 none, at 1 2"
    assert plots.in_words({"ICA": {"a": 1.0, "b": 2.0}, "DUET": {"a": 3.0}}) == "ICA: a 1.0, b 2.0; DUET: a 3.0"


@pytest.mark.parametrize("draw_it", [plots.spectrogram, plots.mask])
def test_a_transform_without_channels_is_refused(ax, draw_it):
    with pytest.raises(checks.ShapeError, match="channels, freq, frames"):
        draw_it(np.zeros((9, 5)), RATE_HZ, HOP, ax)


def test_importing_plots_does_not_load_matplotlib():
    code = "import sys, mss_lab.plots; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def ridge(ax, index):
    """The line of one component as it was drawn: across, and above its foot, from 0 to 1."""
    line = ax.lines[index]
    return line.get_xdata(), (line.get_ydata() - np.floor(line.get_ydata().min())) / 0.9


def test_components_are_drawn_from_the_top_with_their_names_and_units(rng, frozen):
    templates, activations = frozen(rng.random((1025, 3))), frozen(rng.random((3, 40)))
    figure = plots.components(templates, activations, RATE_HZ, HOP, names=("a", "b", "c"), highest_hz=4000)
    draw(figure)
    left, right = figure.axes
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["a", "b", "c"]
    assert list(left.get_yticks()) == [2, 1, 0]
    for ax in (left, right):
        assert [np.floor(line.get_ydata().min()) for line in ax.lines] == [2, 1, 0]
    assert left.get_xlabel() == "frequency (Hz)" and right.get_xlabel() == "time (s)"
    across, _ = ridge(right, 0)
    assert_allclose(across, np.arange(40) * HOP / RATE_HZ)
    assert left.get_xlim() == (50, 4000)


def test_templates_are_drawn_to_their_own_peak_and_activations_on_one_scale():
    templates, activations = np.zeros((1025, 2)), np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 4.0]])
    templates[64, 0], templates[128, 1] = 2.0, 0.25
    figure = plots.components(templates, activations, RATE_HZ, HOP)
    left, right = figure.axes
    for index, peak_hz in enumerate((500, 1000)):
        frequencies_hz, level = ridge(left, index)
        assert frequencies_hz[np.argmax(level)] == peak_hz and level.max() == pytest.approx(1)
    # Twice the template's level at a quarter of the activation: half of what the other one plays.
    assert ridge(right, 0)[1].max() == pytest.approx(1) and ridge(right, 1)[1].max() == pytest.approx(0.5)
    assert [tick.get_text() for tick in left.get_yticklabels()] == ["1", "2"]


@pytest.mark.parametrize("shape", [((1025, 2), (2, 30)), ((1025, 1), (1, 1))])
def test_silent_components_are_drawn(shape):
    draw(plots.components(np.zeros(shape[0]), np.zeros(shape[1]), RATE_HZ, HOP))


def test_components_that_do_not_fit_are_refused():
    with pytest.raises(checks.ShapeError, match=r"one for each of the 2 templates, got 3"):
        plots.components(np.ones((1025, 2)), np.ones((3, 9)), RATE_HZ, HOP)
    with pytest.raises(checks.ShapeError, match=r"got 2 and 1"):
        plots.components(np.ones((1025, 2)), np.ones((2, 9)), RATE_HZ, HOP, names=("a",))


@pytest.mark.parametrize("level", [1e-6, 1.0])
def test_a_melody_lies_on_the_pitches_it_was_found_in(ax, level):
    pitches_hz = 100 * 2.0 ** (np.arange(37) / 12)
    sources = np.full((37, 8), 1e-7 * level)
    sources[12] = level
    mesh = plots.melody(sources, pitches_hz, RATE_HZ, HOP, ax, lines={"found": np.r_[np.full(6, 200.0), 0, 0]})
    draw(ax.figure)
    values = mesh.get_array().reshape(37, 8)
    assert_allclose(values[12], 0, atol=1e-6)
    assert_allclose(np.delete(values, 12, axis=0), -50)
    # The row of 200 Hz holds 200 Hz, and frame 0 is centred on 0 s.
    edges_hz, times_s = mesh.get_coordinates()[:, 0, 1], mesh.get_coordinates()[0, :, 0]
    assert edges_hz[12] < 200 < edges_hz[13]
    assert_allclose(times_s[:2], [-0.5 * HOP / RATE_HZ, 0.5 * HOP / RATE_HZ])
    (line,) = ax.lines
    assert_allclose(line.get_ydata()[:6], 200)
    assert np.isnan(line.get_ydata()[6:]).all()
    assert ax.get_ylabel() == "fundamental (Hz)" and ax.get_yscale() == "log"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["found"]


def test_a_melody_of_silence_is_drawn(ax):
    mesh = plots.melody(np.zeros((3, 1)), np.array([100.0, 150.0, 225.0]), RATE_HZ, HOP, ax)
    draw(ax.figure)
    assert_allclose(mesh.get_array(), -50)


def test_a_panorama_has_its_peaks_where_the_sources_are(ax):
    histograms = {}
    for pan in (0.3, 1.2):
        waveform = signals.pan(signals.tone(500.0, 0.5, RATE_HZ), pan)
        histograms[f"{pan}"] = panning.histogram(stft(waveform))
    lines = plots.panorama(histograms, ax, pans_rad={"source": 0.3})
    draw(ax.figure)
    for line, pan in zip(lines, (0.3, 1.2), strict=True):
        angles, level_db = line.get_data()
        assert abs(angles[level_db.argmax()] - np.degrees(pan)) < 0.5
        assert level_db.max() == 0
    assert ax.lines[-1].get_xdata()[0] == pytest.approx(np.degrees(0.3))
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["0.3", "1.2"]
    assert [text.get_text() for text in ax.texts] == ["source"]
    assert "degrees" in ax.get_xlabel() and "dB" in ax.get_ylabel()


def test_a_panorama_of_silence_is_drawn(ax):
    plots.panorama({"nothing": (panning.centres_of(8), np.zeros(8))}, ax)
    draw(ax.figure)


def test_levels_and_delays_lie_where_the_source_does(ax):
    mono = signals.tone(500.0, 0.5, RATE_HZ)
    late = signals.tone(500.0, 0.5, RATE_HZ, phase_rad=-2 * np.pi * 500 * 1.5 / RATE_HZ)
    found = duet.histogram(stft(np.concatenate([mono, late])), RATE_HZ)
    place = (np.pi / 4, 1.5 / RATE_HZ)
    mesh = plots.levels_and_delays(found, ax, places={"late": place, "beyond": (0.0, 0.0)})
    draw(ax.figure)
    values = mesh.get_array().reshape(51, 51)
    row, column = np.unravel_index(values.argmax(), values.shape)
    assert values.max() == 0 and values.min() == -40
    assert found.attenuations[row] == pytest.approx(0, abs=1e-9)
    assert 1000 * found.delays_s[column] == pytest.approx(1000 * place[1], abs=0.004)
    (ring,) = ax.lines
    assert ring.get_xydata()[0] == pytest.approx([1000 * place[1], 0], abs=1e-9)
    assert [text.get_text() for text in ax.texts] == ["late"]
    assert "ms" in ax.get_xlabel()


def test_levels_and_delays_of_silence_are_drawn(ax):
    plots.levels_and_delays(duet.histogram(np.zeros((2, 9, 4), complex), RATE_HZ), ax)
    draw(ax.figure)


def test_tracks_are_lines_in_order_of_time(ax):
    times_s, frequencies_hz = np.array([0.2, 0.0, 0.1, 0.0, 0.1]), np.array([30.0, 10.0, 20.0, 7.0, 99.0])
    lines = plots.tracks(times_s, frequencies_hz, np.array([0, 0, 0, 1, -1]), ax, colours=("#000000", "#ffffff"))
    first, second = lines.get_segments()
    assert first.tolist() == [[0.0, 10.0], [0.1, 20.0], [0.2, 30.0]]
    assert second.tolist() == [[0.0, 7.0]]
    assert lines.get_colors()[:, 0].tolist() == [0, 1]
    assert len(plots.tracks(np.zeros(0), np.zeros(0), np.zeros(0, int), ax).get_segments()) == 0


def test_a_heat_map_shows_every_figure_in_its_cell(ax):
    table = {"one": {"a": 12.34, "b": math.nan}, "two": {"a": -0.01, "c": 3.0}}
    image = plots.heat_map(table, ax, outlined=[("two", "c")], decimals=1)
    draw(ax.figure)
    values = image.get_array()
    assert values.shape == (2, 3)
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts == {(0, 0): "12.3", (0, 1): "0.0", (2, 1): "3.0"}
    (frame,) = ax.patches
    assert (round(frame.get_x() + frame.get_width() / 2), round(frame.get_y() + frame.get_height() / 2)) == (2, 1)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["one", "two"]
    with pytest.raises(ValueError, match="at least one line and one column"):
        plots.heat_map({}, ax)


def test_a_heat_map_with_a_brightest_value_tells_the_others_apart(ax):
    table = {"one": {"two tunes, one place": 46.0, "two held vowels": 10.0, "a_long_name_in_one_word": 0.0}}
    image = plots.heat_map(table, ax, brightest=20)
    assert image.norm(image.get_array()).tolist() == [[46 / 20, 0.5, 0]]
    assert image.colorbar.extend == "max"
    draw(ax.figure)
    titles = [label.get_text() for label in ax.get_xticklabels()]
    assert titles == ["two tunes,\none place", "two held\nvowels", "a_long_name_in_one_word"]
    assert plots.heat_map(table, ax).norm(46.0) == 1


def curve_rows(start=8.0):
    rows = [{"step": 10 * k, "loss": start / k, "seconds": 0.5 * k, "learning_rate": 1e-3} for k in range(1, 5)]
    rows[1]["validation"], rows[3]["validation"] = 5.0, 6.0
    return rows


def test_a_training_curve_has_every_row_and_validation_where_it_was_made(ax):
    drawn = plots.training_curve(curve_rows(), ax, title="A run")
    draw(ax.figure)
    assert drawn is ax
    training, validation = ax.lines
    assert_allclose(training.get_xydata(), [(10, 8), (20, 4), (30, 8 / 3), (40, 2)])
    assert_allclose(validation.get_xydata(), [(20, 5), (40, 6)])
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title(), ax.get_yscale()) == ("step", "loss", "A run", "log")
    assert [line.get_label() for line in ax.lines] == ["training", "validation"]
    assert to_rgba(training.get_color()) != to_rgba(validation.get_color())


def test_training_curves_of_several_runs_have_a_colour_each_and_run_over_seconds():
    axes = plots.training_curve({"masks": curve_rows(), "magnitudes": curve_rows(6.0)}, over="seconds")
    draw(axes.figure)
    labels = ["masks training", "masks validation", "magnitudes training", "magnitudes validation"]
    assert [line.get_label() for line in axes.lines] == labels
    colours = [line.get_color() for line in axes.lines]
    assert colours[0] == colours[1] != colours[2] == colours[3]
    assert_allclose(axes.lines[2].get_xdata(), [0.5, 1, 1.5, 2])
    assert "(s)" in axes.get_xlabel()
    plain = {name: [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 0.2}] for name in ("masks", "magnitudes")}
    axes = plots.training_curve(plain)
    draw(axes.figure)
    assert [line.get_label() for line in axes.lines] == ["masks", "magnitudes"]
    assert {"0.2", "0.5", "1", "2"} <= {label.get_text() for label in axes.get_yticklabels()}


def test_a_training_curve_that_falls_little_has_values_to_read(ax):
    draw(plots.training_curve([{"step": 1, "loss": 14.0}, {"step": 2, "loss": 8.5}], ax).figure)
    lowest, highest = ax.get_ylim()
    assert sum(lowest <= tick <= highest for tick in ax.get_yticks()) >= 3


@pytest.mark.parametrize("rows", [[], curve_rows()[:1], [{"step": 1, "loss": 0.0, "seconds": 0.1}]])
def test_a_training_curve_that_has_hardly_begun_is_drawn(rows, ax):
    draw(plots.training_curve(rows, ax).figure)
    assert len(ax.lines) == bool(rows) and len(ax.texts) == (not rows)
    assert all(line.get_marker() == "o" for line in ax.lines)  # a line through one point would not be seen


def test_a_training_curve_over_what_no_row_has_is_refused(ax):
    with pytest.raises(ValueError, match="over must be one of"):
        plots.training_curve(curve_rows(), ax, over="hours")
