// States that a reader can go back to, and forward again.

const MOST_STATES = 100;

export class History {
  constructor() {
    this.past = [];
    this.future = [];
  }

  // A new change: `state` is what was before it.
  remember(state) {
    this.past.push(state);
    if (this.past.length > MOST_STATES) this.past.shift();
    this.future = [];
  }

  // The state before or after `current`, or null if there is none.
  undo(current) {
    return this.step(this.past, this.future, current);
  }

  redo(current) {
    return this.step(this.future, this.past, current);
  }

  step(from, to, current) {
    if (!from.length) return null;
    to.push(current);
    return from.pop();
  }
}
