// What a piano roll says of notes.

const HARDLY = "hardly supported by the recording";

export const count = (notes) => `${notes.length} note${notes.length === 1 ? "" : "s"}`;

export class RollWords {
  constructor(facts) {
    this.facts = facts;
    this.sources = [];
  }

  isDoubtful(note) {
    return note.support < this.facts.leastSupport;
  }

  pitchName(midi) {
    const whole = Math.round(midi);
    return `${this.facts.names[((whole % 12) + 12) % 12]}${Math.floor(whole / 12) - 1}`;
  }

  describe(note) {
    const times = `${note.onS.toFixed(2)} to ${note.offS.toFixed(2)} s`;
    const doubt = this.isDoubtful(note) ? `, ${HARDLY}` : "";
    return `${this.sources[note.player]} ${this.pitchName(note.midi)}, ${times}${doubt}`;
  }

  // One note by its description, several by their number.
  whose(notes) {
    return notes.length === 1 ? this.describe(notes[0]) : count(notes);
  }

  // Of several notes, their number and the first.
  several(notes) {
    return notes.length === 1 ? this.describe(notes[0]) : `${count(notes)}, the first: ${this.describe(notes[0])}`;
  }

  opening(notes) {
    if (!notes.length) return "No notes yet. Double-click, or press N, for a first one";
    const late = this.facts.strip ? notes.filter((note) => note.onS >= this.facts.durationS) : [];
    const beyond = late.length ? `, ${late.length} after the end of the recording` : "";
    const doubtful = notes.filter((note) => this.isDoubtful(note)).length;
    const hardly = doubtful ? `, ${doubtful} ${HARDLY} (dashed)` : "";
    return `${count(notes)}${beyond}${hardly}`;
  }

  // What was said of a note, if it did not say yet that the note is doubtful: that, too.
  withDoubt(said, note) {
    return note && this.isDoubtful(note) && !said.includes(HARDLY) ? `${said}; ${HARDLY}` : null;
  }

  // How far notes have been moved, or null if they are as before.
  ways(before, after) {
    const [s, midi] = [after.onS - before.onS, after.midi - before.midi];
    const ways = [];
    if (midi) ways.push(`${Math.abs(midi)} semitone${Math.abs(midi) === 1 ? "" : "s"} ${midi > 0 ? "up" : "down"}`);
    if (Math.abs(s) > 1e-9) ways.push(`${Math.abs(s).toFixed(2)} s ${s > 0 ? "later" : "earlier"}`);
    return ways.join(" and ") || null;
  }
}
