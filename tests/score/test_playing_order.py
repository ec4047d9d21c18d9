"""Laws of the playing order and of ties, on generated pages, and against the order of an independent reader."""

import dataclasses
import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies

from mss_lab.refusals import RefusedValue
from mss_lab.score import playing_order as orders
from mss_lab.score.playing_order import Jump, Played, Signs, merged, playing_order
from mss_lab.score.ties import TOUCHING_QUARTERS, WrittenNote, joined
from tests.score import musicxml_oracle

PLAIN = Signs()
QUICK = settings(max_examples=150, deadline=None)


def order_of(signs):
    return [played.measure for played in playing_order(signs)[0]]


def changed(signs, place, **fields):
    signs = list(signs)
    signs[place] = dataclasses.replace(signs[place], **fields)
    return signs


# A strain is given by: how many measures before its endings, whether it has a start sign, how many rounds, and its
# endings, each with its length; they are numbered or not.
STRAINS = strategies.lists(
    strategies.tuples(
        strategies.integers(1, 3), strategies.booleans(), strategies.integers(1, 4),
        strategies.lists(strategies.integers(1, 2), max_size=3).filter(lambda lengths: len(lengths) != 1),
        strategies.booleans(),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def page(strains):
    """The signs of a page, and its measures as they must be played, written out by hand."""
    signs, played, is_open = [], [], False
    for body, has_start, rounds, endings, is_numbered in strains:
        start = len(signs)
        # A strain that is not repeated must end where the next begins, or it would be repeated along with it.
        has_start = has_start or is_open
        signs += [dataclasses.replace(PLAIN, repeat_start=has_start), *[PLAIN] * (body - 1)]
        common = list(range(start, len(signs)))
        if not endings:
            signs[-1] = dataclasses.replace(signs[-1], repeat_rounds=rounds if rounds > 1 else 0)
            played += common * rounds
            is_open = rounds == 1
            continue
        is_open = False
        for number, length in enumerate(endings, start=1):
            first = len(signs)
            signs += [PLAIN] * length
            signs = changed(signs, first, ending=(number,) if is_numbered else ())
            signs = changed(signs, len(signs) - 1, ending_stops=True, repeat_rounds=2 if number < len(endings) else 0)
            played += common + list(range(first, len(signs)))
    return signs, played


@given(strains=STRAINS)
@QUICK
def test_every_strain_is_played_as_often_as_it_says(strains):
    signs, played = page(strains)
    order, warnings = playing_order(signs)
    assert [one.measure for one in order] == played and warnings == []
    # Rounds are counted from 1, anew for every strain; nobody leaves a measure out.
    assert order[0] == Played(0, 1) and {one.measure for one in order} == set(range(len(signs)))
    for one, other in itertools.pairwise(order):
        assert other.round == (one.round + 1 if other.measure < one.measure + 1 and other.measure <= one.measure
                               else other.round)  # fmt: skip


def as_bars(signs):
    return [
        musicxml_oracle.Bar(
            end=1, forward="left" if sign.repeat_start else False, times=sign.repeat_rounds,
            volta=None if sign.ending is None else " ".join(map(str, sign.ending)), volta_stops=sign.ending_stops,
            jump="" if sign.jump is None else "da capo" if sign.jump.to_segno is None else "dal segno",
            fine=sign.is_fine, segno=bool(sign.segnos), trio=sign.begins_trio,
        )
        for sign in signs
    ]  # fmt: skip


@given(strains=STRAINS, data=strategies.data())
@QUICK
def test_an_independent_player_goes_the_same_way(strains, data):
    signs, _ = page(strains)
    places = strategies.integers(0, len(signs) - 1)
    if data.draw(strategies.booleans()):
        signs = changed(signs, data.draw(places), is_fine=True)
    to_segno = data.draw(strategies.sampled_from([None, ""]))
    if data.draw(strategies.booleans()):
        signs = changed(signs, len(signs) - 1, jump=Jump(to_segno))
        # A segno at the start of a strain, where it always stands in practice.
        starts = [i for i, sign in enumerate(signs) if i == 0 or sign.repeat_start]
        signs = changed(signs, data.draw(strategies.sampled_from(starts)), segnos=frozenset({""}))
    assert order_of(signs) == musicxml_oracle.unrolled(as_bars(signs))


@given(strains=STRAINS, data=strategies.data())
@QUICK
def test_da_capo_al_fine_ends_at_the_fine_without_repeats(strains, data):
    signs, played = page(strains)
    fine = data.draw(strategies.integers(0, len(signs) - 1))
    signs = changed(changed(signs, len(signs) - 1, jump=Jump(until="fine")), fine, is_fine=True)
    order = order_of(signs)
    assert order[: len(played)] == played
    again = order[len(played) :]
    assert again[0] == 0 or signs[0].ending is not None
    assert again == sorted(set(again)), "after the jump nothing is repeated"
    # What stands in an earlier ending is left out; a fine there is passed by.
    assert again[-1] in (fine, len(signs) - 1)


@given(strains=STRAINS)
@QUICK
def test_what_one_part_says_holds_for_all(strains):
    signs, _ = page(strains)
    silent = [PLAIN] * (len(signs) - 1)
    assert merged([signs]) == merged([signs, signs]) == merged([silent, signs]) == merged([signs, silent]) == signs
    odd = [sign if place % 2 else PLAIN for place, sign in enumerate(signs)]
    even = [PLAIN if place % 2 else sign for place, sign in enumerate(signs)]
    assert merged([odd, even]) == signs
    assert merged([]) == [] and playing_order([]) == ([], [])


@pytest.mark.parametrize("rounds", [1, 2, 3, 7])
def test_a_repeat_sign_says_how_often(rounds):
    signs = [PLAIN, Signs(repeat_rounds=rounds), PLAIN]
    assert order_of(signs) == [0, 1] * rounds + [2]
    assert [one.round for one in playing_order(signs)[0]][: 2 * rounds : 2] == list(range(1, rounds + 1))


def test_jumps_hold_in_the_rounds_that_they_name():
    # Dal segno in the first round, before the repeat.
    signs = [Signs(segnos=frozenset({""})), Signs(repeat_rounds=2, jump=Jump("", rounds=frozenset({1}))), PLAIN]
    assert order_of(signs) == [0, 1, 0, 1, 2]
    # A second label decides between two signs; without it, the last one passed is meant.
    two = [Signs(segnos=frozenset({"x"})), Signs(segnos=frozenset({"y"})), Signs(jump=Jump("x")), Signs(is_fine=True)]
    assert order_of(two) == [0, 1, 2, 0, 1, 2, 3]
    assert order_of(changed(two, 2, jump=Jump("z"))) == [0, 1, 2, 1, 2, 3]


def test_what_has_no_end_or_no_goal_is_refused():
    with pytest.raises(RefusedValue, match=r"measure 2 says 'D\.S\.', but no measure has a segno"):
        playing_order([PLAIN, Signs(jump=Jump("", text="D.S."))])
    with pytest.raises(RefusedValue, match="measure b says"):
        playing_order([PLAIN, Signs(jump=Jump("", text="D.S."))], ["a", "b"])
    with pytest.raises(RefusedValue, match=f"more than {orders.MOST_MEASURES} measures"):
        playing_order([Signs(repeat_rounds=10**9)])
    many = [Signs(segnos=frozenset({""}), jump=Jump(None))] * (orders.MOST_JUMPS + 1)
    with pytest.raises(RefusedValue, match=f"more than {orders.MOST_JUMPS} jumps"):
        playing_order(many)


# Ties

PITCHES = strategies.sampled_from([60, 60.5, 64])
QUARTERS = strategies.integers(0, 8).map(lambda n: Fraction(n, 2))
NOTES = strategies.lists(
    strategies.builds(
        lambda midi, start, length, starts, stops, voice: WrittenNote(
            midi, start, start + length, starts, stops, voice
        ),
        PITCHES, QUARTERS, QUARTERS.map(lambda n: n + Fraction(1, 2)), strategies.booleans(), strategies.booleans(),
        strategies.sampled_from(["1", "2"]),
    ),
    max_size=14,
)  # fmt: skip


@given(notes=NOTES)
@QUICK
def test_ties_join_touching_notes_of_one_pitch_and_lose_none(notes):
    chains = joined(notes)
    assert sorted(index for chain in chains for index in chain) == list(range(len(notes)))
    starts = [notes[chain[0]].start for chain in chains]
    assert starts == sorted(starts)
    for chain in chains:
        for before, after in itertools.pairwise(notes[index] for index in chain):
            assert before.midi == after.midi and before.tie_starts and after.tie_stops
            assert abs(before.stop - after.start) < TOUCHING_QUARTERS
    # No tie is left open that could have been joined.
    for chain, other in itertools.permutations(chains, 2):
        last, first = notes[chain[-1]], notes[other[0]]
        touches = last.midi == first.midi and abs(last.stop - first.start) < TOUCHING_QUARTERS
        assert not (touches and last.tie_starts and first.tie_stops and last.start < first.start)


@given(notes=NOTES)
@QUICK
def test_without_marks_nothing_is_tied(notes):
    for field in ("tie_starts", "tie_stops"):
        assert all(len(chain) == 1 for chain in joined([note._replace(**{field: False}) for note in notes]))


@given(lengths=strategies.lists(QUARTERS.map(lambda n: n + Fraction(1, 2)), min_size=1, max_size=9),
       order=strategies.randoms(use_true_random=False))  # fmt: skip
@QUICK
def test_a_note_in_pieces_is_one_note(lengths, order):
    starts = [*itertools.accumulate(lengths, initial=Fraction(0))]
    pieces = [
        WrittenNote(60, start, start + length, place < len(lengths) - 1, place > 0)
        for place, (start, length) in enumerate(zip(starts, lengths, strict=False))
    ]
    order.shuffle(pieces)
    (chain,) = joined(pieces)
    assert [pieces[index].start for index in chain] == starts[:-1]
