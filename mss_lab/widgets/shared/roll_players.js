// The players of a piano roll, as buttons that give notes to them, with the colour of each.

import { make, press } from "./dom.js";

export class RollPlayers {
  constructor(inkOf, give) {
    [this.inkOf, this.give] = [inkOf, give];
    this.element = make("div", { class: "mss-bar", role: "group", "aria-label": "Give the selected notes to" });
  }

  show(sources, player) {
    this.element.replaceChildren(
      make("span", { class: "mss-unit" }, "Player"),
      ...sources.map((source, n) => {
        const { fill, text } = this.inkOf(n);
        const swatch = make("b", { style: `background: ${fill}; color: ${text}` }, n + 1);
        return make("button", { type: "button", onclick: () => this.give(n) }, swatch, ` ${source}`);
      }),
    );
    this.mark(player);
  }

  mark(player) {
    this.element.querySelectorAll("button").forEach((button, n) => press(button, n === player));
  }
}
