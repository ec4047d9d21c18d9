// The buttons of a piano roll.

import { make } from "./dom.js";

export class RollTools {
  constructor(roll) {
    const button = (words, title, onclick) => make("button", { type: "button", title, onclick }, words);
    this.draw = button("Draw", "Draw new notes with the mouse", () => roll.setDrawing(!roll.pointer.drawing));
    this.undo = button("Undo", "Ctrl+Z", () => roll.undo());
    this.redo = button("Redo", "Ctrl+Shift+Z", () => roll.redo());
    this.element = make(
      "div",
      { class: "mss-bar", role: "group", "aria-label": "Edit" },
      this.draw,
      button("Delete", "Delete the selected notes", () => roll.actions.remove()),
      button("Anchor", "T: an anchor at the start of the selected note", () => roll.anchors.addByKey()),
      this.undo,
      this.redo,
      button("Zoom in", "+", () => roll.zoomIn()),
      button("Zoom out", "−", () => roll.zoomOut()),
      button("Show all", "0", () => roll.showAll()),
      button("Save MIDI", "The notes as a MIDI file", () => roll.file.save()),
    );
  }

  allow({ past, future }) {
    [this.undo.disabled, this.redo.disabled] = [!past.length, !future.length];
  }
}
