// States that a reader can go back to, and forward again, each with the words that say what followed it.

const MOST_STATES = 200;

export class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  // A new change: `state` is what was before it.
  remember(state, words = "") {
    this.past.push({ state, words });
    if (this.past.length > MOST_STATES) this.past.shift();
    this.future = [];
  }

  // The state before or after `current`, { state, words }, or null if there is none.
  undo(current) {
    return this.step(this.past, this.future, current);
  }

  redo(current) {
    return this.step(this.future, this.past, current);
  }

  step(from, to, current) {
    if (!from.length) return null;
    const found = from.pop();
    to.push({ state: current, words: found.words });
    return found;
  }
}
