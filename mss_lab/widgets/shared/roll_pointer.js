// The mouse and touch on the notes of a piano roll: select, move, stretch, draw, and a rubber band.

import { clamp, press } from "./dom.js";
import { placer } from "./roll.js";
import { NEW_NOTE_S } from "./roll_actions.js";
import { HIGHEST_MIDI, LEAST_NOTE_S, shifted, stretched } from "./roll_edits.js";

// How near to its end a note is taken at this end, how far a click may move, and how exactly a note must be hit.
const EDGE_PX = 7;
const CLICK_PX = 3;
const SLACK_PX = 2;

// The drag in progress is `roll.drag`, so that other inputs wait for its end. Its `notes` are those that it moves, and
// `moving` returns what it would make of them.
export class RollPointer {
  constructor(roll, field) {
    [this.roll, this.field, this.drawing] = [roll, field, false];
    const on = (name, action) => field.addEventListener(name, action);
    on("pointerdown", (event) => this.pressed(event));
    on("pointermove", (event) => this.moved(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => roll.cancel());
    on("dblclick", (event) => this.doubleClicked(event));
    on("wheel", (event) => this.wheel(event));
  }

  at(event) {
    const box = this.field.getBoundingClientRect();
    const place = placer(this.roll.view, box.width, box.height);
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, s: place.s(x), midi: place.midi(y), secondsOf: (px) => (px / box.width) * this.roll.view.spanS };
  }

  // The note below the pointer, and which part of it.
  hit({ s, midi, secondsOf }) {
    const note = this.roll.list.at(s, midi, secondsOf(SLACK_PX));
    if (!note) return null;
    const edgeS = secondsOf(EDGE_PX);
    if (note.offS - note.onS < 3 * edgeS) return { note, part: "whole" };
    const part = s - note.onS < edgeS ? "start" : note.offS - s < edgeS ? "end" : "whole";
    return { note, part };
  }

  pressed(event) {
    const { roll } = this;
    if (event.button !== 0 || roll.drag) return;
    const at = this.at(event);
    const hit = this.drawing ? null : this.hit(at);
    const drag = { pointer: event.pointerId, from: at, to: at, kind: "band", begun: false, notes: [] };
    roll.drag = drag;
    if (hit) this.pressNote(drag, hit, event.shiftKey);
    else if (this.drawing) drag.kind = "new";
    else drag.before = event.shiftKey ? [...roll.chosen] : [];
    this.field.setPointerCapture(event.pointerId);
    this.field.focus({ preventScroll: true });
    event.preventDefault();
  }

  pressNote(drag, { note, part }, add) {
    const { roll } = this;
    drag.kind = part === "whole" ? "move" : part;
    if (add) {
      const others = [...roll.chosen].filter((one) => one !== note);
      roll.choose(roll.chosen.has(note) ? others : [...others, note]);
    } else if (!roll.chosen.has(note)) roll.choose([note]);
    else drag.alone = note;
    drag.notes = [...roll.chosen];
    // Nothing moves if the press has deselected the last note.
    if (!drag.notes.length) return;
    drag.words = () => roll.words.several([...drag.moving().values()]);
    drag.moving = () => {
      const byS = drag.to.s - drag.from.s;
      if (drag.kind === "move") return shifted(drag.notes, byS, Math.round(drag.to.midi - drag.from.midi));
      return stretched(drag.notes, drag.kind, byS);
    };
  }

  moved(event) {
    const { drag } = this.roll;
    if (!drag) return this.point(event);
    if (event.pointerId !== drag.pointer || drag.anchor !== undefined) return;
    drag.to = this.at(event);
    const far = Math.hypot(drag.to.x - drag.from.x, drag.to.y - drag.from.y);
    if (!drag.begun && far < CLICK_PX) return;
    if (!drag.begun && drag.notes.length) this.roll.plan("notes");
    drag.begun = true;
    this.roll.plan("light");
  }

  // The pointer's shape says what a press would do.
  point(event) {
    const hit = this.drawing ? null : this.hit(this.at(event));
    const shape = this.drawing ? "crosshair" : !hit ? "default" : hit.part === "whole" ? "grab" : "ew-resize";
    if (this.field.style.cursor !== shape) this.field.style.cursor = shape;
  }

  released(event) {
    const { roll } = this;
    const { drag } = roll;
    if (event.pointerId !== drag?.pointer || drag.anchor !== undefined) return;
    const replacements = drag.begun ? drag.moving?.() : null;
    roll.cancel();
    if (replacements) {
      if (drag.kind === "move") roll.actions.finishMove(replacements);
      else roll.actions.finishStretch(replacements, drag.kind);
    } else if (drag.kind === "new") this.drawn(drag);
    else if (drag.kind === "band") roll.choose(drag.begun ? this.inBand(drag) : drag.before);
    else if (drag.alone) roll.choose([drag.alone]);
  }

  drawn({ from, to, begun }) {
    const [onS, offS] = begun ? [Math.min(from.s, to.s), Math.max(from.s, to.s)] : [from.s, from.s + NEW_NOTE_S];
    this.roll.actions.add(clamp(Math.round(from.midi), 0, HIGHEST_MIDI), Math.max(0, onS), Math.max(offS, onS + LEAST_NOTE_S));
  }

  inBand({ from, to, before }) {
    const [low, high] = [Math.min(from.midi, to.midi) - 0.5, Math.max(from.midi, to.midi) + 0.5];
    const within = this.roll.list.between(Math.min(from.s, to.s), Math.max(from.s, to.s));
    const inside = within.filter((note) => note.midi > low && note.midi < high);
    return [...before.filter((note) => !inside.includes(note)), ...inside];
  }

  doubleClicked(event) {
    const at = this.at(event);
    if (!this.drawing && !this.hit(at)) this.drawn({ from: at, begun: false });
  }

  wheel(event) {
    const { view } = this.roll;
    if (event.ctrlKey) this.roll.zoom(1.002 ** event.deltaY, this.at(event).s);
    // Up and down alone scrolls the page.
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      view.look({ startS: view.startS + ((event.deltaX || event.deltaY) / this.field.clientWidth) * view.spanS });
    } else return;
    event.preventDefault();
  }

  setDrawing(on, button) {
    this.drawing = on;
    press(button, on);
    this.field.style.cursor = on ? "crosshair" : "default";
  }
}
