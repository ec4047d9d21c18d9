// What a reader does to the selected notes of a piano roll; each is one edit, which can be undone.

import { replaced, shifted, stretched } from "./roll_edits.js";

export const NEW_NOTE_S = 0.5;

export class RollActions {
  constructor(roll) {
    this.roll = roll;
  }

  // The selected notes, or null, and the advice to select one.
  selected() {
    if (this.roll.chosen.size) return [...this.roll.chosen];
    this.roll.say("Select a note first");
    return null;
  }

  give(player) {
    const { roll } = this;
    if (player >= roll.sources.length) return roll.say(`There is no player ${player + 1}`);
    roll.setPlayer(player);
    const notes = [...roll.chosen].filter((note) => note.player !== player);
    if (!notes.length) return roll.say(`New notes are for player ${player + 1}, ${roll.sources[player]}`);
    const replacements = replaced([...roll.chosen], () => ({ player }));
    return roll.edit(`${roll.words.whose(notes)}: given to ${roll.sources[player]}`, replacements);
  }

  move(byS, byMidi) {
    const notes = this.selected();
    if (notes) this.finishMove(shifted(notes, byS, byMidi));
  }

  finishMove(replacements) {
    const { roll } = this;
    const [[before, after]] = replacements;
    const ways = roll.words.ways(before, after);
    if (ways) roll.edit(`${roll.words.whose([...replacements.values()])}: moved ${ways}`, replacements);
    else roll.say("The notes are as before");
  }

  stretch(edge, byS) {
    const notes = this.selected();
    if (notes) this.finishStretch(stretched(notes, edge, byS), edge);
  }

  finishStretch(replacements, edge) {
    this.roll.edit(`${this.roll.words.whose([...replacements.values()])}: ${edge} moved`, replacements);
  }

  add(midi, onS, offS) {
    const { roll } = this;
    const note = { player: roll.player, midi, onS, offS, velocity: 80, support: NaN };
    roll.edit(`${roll.words.describe(note)}: new`, new Map(), [note]);
  }

  addByKey() {
    const { current: after, view } = this.roll;
    const onS = after ? after.offS : view.startS + view.spanS / 2;
    const midi = after ? after.midi : Math.round((view.lowMidi + view.highMidi) / 2);
    this.add(midi, onS, onS + (after ? after.offS - after.onS : NEW_NOTE_S));
  }

  remove() {
    const notes = this.selected();
    if (notes) this.roll.edit(`${this.roll.words.whose(notes)}: deleted`, new Map(notes.map((note) => [note, null])));
  }
}
