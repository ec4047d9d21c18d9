// The notes of a score as a page holds them: in Python's order, searched by bisection.

// Numbers of a note in the bytes that are sent: player, pitch, onset, offset, velocity; see piano_roll.py.
const NOTE_NUMBERS = 5;

// Python's order: by onset, then by player, then by pitch.
const inOrder = (a, b) => a.onS - b.onS || a.player - b.player || a.midi - b.midi;

export function unpackNotes(bytes) {
  const numbers = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const notes = [];
  for (let at = 0; at < bytes.byteLength; at += 8 * NOTE_NUMBERS) {
    const [player, midi, onS, offS, velocity] = [0, 8, 16, 24, 32].map((k) => numbers.getFloat64(at + k, true));
    notes.push({ player, midi, onS, offS, velocity, support: NaN });
  }
  return notes;
}

export function packNotes(notes) {
  const numbers = new DataView(new ArrayBuffer(8 * NOTE_NUMBERS * notes.length));
  notes.forEach((note, n) => {
    [note.player, note.midi, note.onS, note.offS, note.velocity].forEach((number, k) =>
      numbers.setFloat64(8 * (NOTE_NUMBERS * n + k), number, true),
    );
  });
  return numbers;
}

// The first index from which `test` holds; it must hold from there on.
function bisect(count, test) {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (test(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Notes that never change; an edit makes another list.
export class NoteList {
  constructor(notes) {
    this.notes = [...notes].sort(inOrder);
    // The latest end of all notes up to each: it never falls, so it can be searched.
    this.latestS = new Float64Array(this.notes.length);
    let latestS = 0;
    this.notes.forEach((note, n) => {
      latestS = Math.max(latestS, note.offS);
      this.latestS[n] = latestS;
    });
  }

  get endS() {
    return this.latestS.at(-1) ?? 0;
  }

  // The notes that sound between two times.
  between(fromS, toS) {
    const first = bisect(this.notes.length, (n) => this.latestS[n] > fromS);
    const last = bisect(this.notes.length, (n) => this.notes[n].onS >= toS);
    const sounding = [];
    for (let n = first; n < last; n++) if (this.notes[n].offS > fromS) sounding.push(this.notes[n]);
    return sounding;
  }

  // The note at a time and pitch; of several, the one that is drawn last.
  at(timeS, midi, slackS = 0) {
    return this.between(timeS - slackS, timeS + slackS + 1e-9)
      .filter((note) => Math.abs(note.midi - midi) <= 0.5)
      .at(-1);
  }

  // The note that a step leads to: in time (1, -1), or the nearest one above or below at about the same time.
  next(note, direction) {
    const { notes } = this;
    const n = notes.indexOf(note);
    if (direction === "later") return notes[Math.min(n + 1, notes.length - 1)];
    if (direction === "earlier") return notes[Math.max(n - 1, 0)];
    const sign = direction === "higher" ? 1 : -1;
    const others = this.between(note.onS - 1, note.offS + 1).filter((other) => sign * (other.midi - note.midi) > 0);
    const middle = (one) => (one.onS + one.offS) / 2;
    const apart = (other) => Math.abs(other.midi - note.midi) + 12 * Math.abs(middle(other) - middle(note));
    return others.length ? others.reduce((best, other) => (apart(other) < apart(best) ? other : best)) : note;
  }

  // Each note of the map `replacements` becomes another one, or null and vanishes; `added` are new ones.
  changed(replacements, added = []) {
    const kept = this.notes.map((note) => (replacements.has(note) ? replacements.get(note) : note));
    return new NoteList([...kept.filter(Boolean), ...added]);
  }
}

// A note with other values; what the recording says of it is known only if time and pitch have not changed.
export function changedNote(note, changes) {
  const next = { ...note, ...changes };
  const moved = ["midi", "onS", "offS"].some((name) => next[name] !== note[name]);
  return moved ? { ...next, support: NaN } : next;
}
