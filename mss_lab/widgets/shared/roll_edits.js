// Edits of notes, without a page: each returns a map from notes to what replaces them.

import { clamp } from "./dom.js";
import { changedNote } from "./notes.js";

export const HIGHEST_MIDI = 127;
export const LEAST_NOTE_S = 0.02;

export function replaced(notes, change) {
  return new Map(notes.map((note) => [note, changedNote(note, change(note))]));
}

// As far as the axes of time and pitch allow for all notes together.
export function shifted(notes, byS, byMidi) {
  const least = -Math.min(...notes.map((note) => note.onS));
  const down = -Math.min(...notes.map((note) => note.midi));
  const up = HIGHEST_MIDI - Math.max(...notes.map((note) => note.midi));
  const [s, midi] = [Math.max(byS, least), clamp(byMidi, down, up)];
  return replaced(notes, (note) => ({ onS: note.onS + s, offS: note.offS + s, midi: note.midi + midi }));
}

// Move the starts or the ends of notes; none becomes shorter than 20 ms.
export function stretched(notes, edge, byS) {
  return replaced(notes, (note) =>
    edge === "start"
      ? { onS: clamp(note.onS + byS, 0, note.offS - Math.min(LEAST_NOTE_S, note.offS - note.onS)) }
      : { offS: Math.max(note.offS + byS, note.onS + Math.min(LEAST_NOTE_S, note.offS - note.onS)) },
  );
}
