// Anchors of an alignment: moments of a score (`scoreS`, their first time) that stand at times in the recording (`atS`).
// They are in order of time and never change; the map between two of them is linear. See mss_lab/score/anchors.py.

import { clamp } from "./dom.js";
import { changedNote } from "./notes.js";

// Two anchors come no closer, so that no note loses its length.
export const LEAST_GAP_S = 0.02;

// The times around an anchor that do not move with it, and how far it can go. The start and the end of the time axis
// stay, except for an anchor that stands there.
export function anchorReach(anchors, index, extentS) {
  const { atS } = anchors[index];
  const fromS = anchors[index - 1]?.atS ?? 0;
  const toS = anchors[index + 1]?.atS ?? extentS;
  return { fromS, toS, leastS: Math.min(atS, fromS + LEAST_GAP_S), mostS: Math.max(atS, toS - LEAST_GAP_S) };
}

// What becomes of the notes around an anchor that moves: a map from notes to others.
export function warpedNotes(list, anchors, index, nextS, extentS) {
  const { atS } = anchors[index];
  const { fromS, toS, leastS, mostS } = anchorReach(anchors, index, extentS);
  const byS = clamp(nextS, leastS, mostS) - atS;
  const warp = (s) => {
    if (s <= fromS && fromS < atS) return s;
    if (s >= toS && toS > atS) return s;
    return s + byS * (s < atS ? (s - fromS) / (atS - fromS) : s > atS ? (toS - s) / (toS - atS) : 1);
  };
  const warped = (note) => changedNote(note, { onS: warp(note.onS), offS: warp(note.offS) });
  return new Map(list.between(fromS, toS).map((note) => [note, warped(note)]));
}

export function movedAnchors(anchors, index, nextS, extentS) {
  const { leastS, mostS } = anchorReach(anchors, index, extentS);
  return anchors.map((anchor, n) => (n === index ? { ...anchor, atS: clamp(nextS, leastS, mostS) } : anchor));
}

// The moment of the score that stands at a time, by the line between the anchors around it.
export function scoreTime(anchors, atS, extentS) {
  const isAt = (anchor, s) => anchor && (anchor.scoreS === s || anchor.atS === s);
  const knots = [...anchors];
  if (!isAt(anchors[0], 0)) knots.unshift({ scoreS: 0, atS: 0 });
  if (!isAt(anchors.at(-1), extentS)) knots.push({ scoreS: extentS, atS: extentS });
  const after = clamp(knots.findIndex((knot) => knot.atS >= atS), 1, knots.length - 1);
  const [a, b] = [knots[after - 1], knots[after]];
  return a.scoreS + ((atS - a.atS) / (b.atS - a.atS)) * (b.scoreS - a.scoreS);
}

// A new anchor at a time, where nothing moves yet: the anchors with it, and its index; or the index of one that is there.
export function addedAnchor(anchors, atS, extentS) {
  const near = anchors.findIndex((anchor) => Math.abs(anchor.atS - atS) < LEAST_GAP_S);
  if (near >= 0) return { anchors, index: near, isNew: false };
  const index = anchors.filter((anchor) => anchor.atS < atS).length;
  const added = { scoreS: scoreTime(anchors, atS, extentS), atS };
  return { anchors: [...anchors.slice(0, index), added, ...anchors.slice(index)], index, isNew: true };
}
