// Notes over a spectrogram, edited by mouse, touch and keyboard. Python (piano_roll.py) sends the notes and the picture;
// the page sends back `value` after each edit, `anchors` and `selected`. While notes are dragged, only they are drawn again, on a
// layer of their own. The files shared/roll_*.js have their parts.

import { clamp, make } from "./shared/dom.js";
import { History } from "./shared/history.js";
import { watchKernel } from "./shared/kernel.js";
import { NoteList, packNotes, unpackNotes } from "./shared/notes.js";
import { placer } from "./shared/roll.js";
import { RollActions } from "./shared/roll_actions.js";
import { RollAnchors } from "./shared/roll_anchors.js";
import { ROLL_HELP, rollAction } from "./shared/roll_keys.js";
import { RollFile } from "./shared/roll_file.js";
import { RollLayers } from "./shared/roll_layers.js";
import { RollPlayers } from "./shared/roll_players.js";
import { RollPointer } from "./shared/roll_pointer.js";
import { RollTools } from "./shared/roll_tools.js";
import { RollView } from "./shared/roll_view.js";
import { RollWords, count } from "./shared/roll_words.js";

const ZOOM = 1.5;
const ROW_PX = 10;
const HEIGHTS_PX = [300, 520];

class PianoRoll {
  constructor(model, el) {
    this.model = model;
    this.facts = model.get("facts");
    this.words = new RollWords(this.facts);
    this.layers = new RollLayers(this.facts, model.get("picture"), this.words);
    [this.list, this.history] = [new NoteList([]), new History()];
    [this.chosen, this.current, this.player] = [new Set(), null, 0];
    [this.drag, this.stale] = [null, new Set()];
    this.actions = new RollActions(this);
    this.anchors = new RollAnchors(this);
    this.file = new RollFile(this);
    this.view = new RollView(() => this.plan("behind", "notes"));
    this.build(el);
    this.listeners = Object.entries({
      "change:value": () => this.takeValue(),
      "change:support": () => this.support(),
      "change:selected": () => this.selectFromPython(),
      "change:anchors": () => this.anchorsFromPython(),
      "change:description": () => this.name(),
    });
    for (const [name, action] of this.listeners) model.on(name, action);
    this.takeValue();
    this.anchorsFromPython();
    this.name();
    this.resized = new ResizeObserver(() => this.plan("behind", "notes"));
    this.resized.observe(this.field);
    this.root.mssRoll = this.forTests();
  }

  build(el) {
    this.title = make("span", { class: "mss-title" });
    this.status = make("div", { class: "mss-said", role: "status", "aria-live": "polite" });
    this.players = new RollPlayers((n) => this.layers.ink(n), (n) => this.actions.give(n));
    this.tools = new RollTools(this);
    this.field = make(
      "div",
      { class: "mss-field", role: "application", "aria-roledescription": "piano roll", tabindex: 0 },
      this.layers.behind,
      this.layers.notes,
      this.layers.light,
    );
    const help = ROLL_HELP.flatMap(([keys, effect]) => [make("dt", {}, keys), make("dd", {}, effect)]);
    this.root = make(
      "div",
      // JupyterLab's own shortcuts must not use our keys.
      { class: "mss-card mss-roll", role: "group", "data-lm-suppress-shortcuts": "true" },
      make("div", { class: "mss-head" }, this.title, this.tools.element),
      this.players.element,
      make(
        "div",
        { class: "mss-frame" },
        this.anchors.element,
        this.layers.pitches,
        this.field,
        this.layers.times,
        this.view.scroll,
      ),
      this.status,
      make("details", {}, make("summary", {}, "Mouse and keys"), make("dl", {}, ...help)),
    );
    this.pointer = new RollPointer(this, this.field);
    this.root.addEventListener("keydown", (event) => this.key(event));
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Piano roll");
    this.label();
  }

  // The field says which note is current, since notes on a canvas are no elements that could be read out.
  label() {
    const where = this.current ? `; ${this.words.describe(this.current)}` : "";
    const name = this.model.get("description") || "Notes";
    this.field.setAttribute("aria-label", `${name}: ${count(this.list.notes)}${where}`);
  }

  // -- what Python sends

  takeValue() {
    const value = this.model.get("value");
    // While a reader drags, a value from Python does not move the notes.
    if (value === this.sent || this.drag) return;
    const isFirst = !this.view.isOpen;
    if (!isFirst) this.history.remember(this.state, "replaced by the program");
    [this.sources, this.words.sources] = [value.sources, value.sources];
    this.list = new NoteList(unpackNotes(value.notes));
    this.player = Math.min(this.player, this.sources.length - 1);
    if (isFirst) this.open();
    this.setExtent();
    this.choose([], false);
    this.support();
    this.players.show(this.sources, this.player);
    this.view.look({});
    this.view.showPitch(this.list.notes);
    this.say(isFirst ? this.words.opening(this.list.notes) : "The program has replaced the notes");
  }

  // The first view, and a height at which the numbers on notes can be read.
  open() {
    this.view.open(this.list.notes, this.extentS());
    const semitones = this.view.highMidi - this.view.lowMidi;
    this.root.style.setProperty("--mss-height", `${clamp(ROW_PX * semitones, ...HEIGHTS_PX)}px`);
  }

  // The axis of time has the whole recording, and the whole score.
  extentS() {
    return Math.max(this.facts.durationS, this.list.endS);
  }

  setExtent() {
    this.view.extentS = this.extentS();
  }

  support() {
    const bytes = this.model.get("support");
    // An older answer than the newest edit: another one is on its way.
    if (bytes.byteLength !== 4 * this.list.notes.length) return;
    this.list.notes.forEach((note, n) => {
      note.support = bytes.getFloat32(4 * n, true);
    });
    // What was said of the newest edit did not know of this yet.
    const said = this.words.withDoubt(this.status.textContent, this.current);
    if (said && !this.drag) this.say(said);
    this.label();
    this.plan("notes");
  }

  selectFromPython() {
    const selected = this.model.get("selected");
    if (selected === this.sentSelected || this.drag) return;
    this.choose(selected.map((n) => this.list.notes[n]).filter(Boolean), false);
  }

  anchorsFromPython() {
    const pairs = this.model.get("anchors");
    if (pairs === this.sentAnchors || this.drag) return;
    this.anchors.all = pairs.map(([scoreS, atS]) => ({ scoreS, atS }));
    this.plan("notes");
  }

  // -- words

  say(words) {
    this.status.textContent = words;
    this.label();
  }

  setPlayer(player) {
    this.player = player;
    this.players.mark(player);
  }

  // -- selection

  choose(notes, announce = true) {
    this.chosen = new Set(notes);
    this.current = notes.at(-1) ?? null;
    if (this.current) this.setPlayer(this.current.player);
    this.plan("notes", "selected");
    if (!announce) return;
    if (!notes.length) this.say("No note is selected");
    else if (notes.length > 1) this.say(`${count(notes)} selected`);
    else this.say(`${this.words.describe(this.current)}; note ${this.list.notes.indexOf(this.current) + 1} of ${this.list.notes.length}`);
  }

  walk(direction, extend) {
    const { notes } = this.list;
    if (!notes.length) return this.say("There is no note");
    let next = notes.find((note) => note.offS > this.view.startS) ?? notes[0];
    if (direction === "first") next = notes[0];
    else if (direction === "last") next = notes.at(-1);
    else if (this.current) next = this.list.next(this.current, direction);
    this.choose(extend ? [...[...this.chosen].filter((note) => note !== next), next] : [next]);
    this.view.reveal([next]);
  }

  // -- edits

  // Replace notes by others (by null: delete), add new ones, and say it; `words` begin the sentence.
  edit(words, replacements, added = []) {
    this.history.remember(this.state, words);
    this.list = this.list.changed(replacements, added);
    this.setExtent();
    const chosen = [...[...replacements.values()].filter(Boolean), ...added];
    this.choose(chosen, false);
    this.plan("notes", "value");
    this.view.reveal(chosen);
    this.say(words);
  }

  // Other times for some notes, and other anchors; the same notes stay selected.
  warp(words, replacements, anchors) {
    this.history.remember(this.state, words);
    this.list = this.list.changed(replacements);
    this.anchors.all = anchors;
    this.setExtent();
    this.choose([...this.chosen].map((note) => replacements.get(note) ?? note), false);
    this.plan("notes", "anchors", ...(replacements.size ? ["value"] : []));
    this.say(words);
  }

  get state() {
    return { list: this.list, anchors: this.anchors.all };
  }

  undo() {
    this.goTo(this.history.undo(this.state), "Undone", "There is nothing to undo");
  }

  redo() {
    this.goTo(this.history.redo(this.state), "Done again", "There is nothing to do again");
  }

  goTo(step, said, otherwise) {
    if (!step) return this.say(otherwise);
    const { list, anchors } = step.state;
    const before = new Set(this.list.notes);
    if (list !== this.list) this.plan("value");
    [this.list, this.anchors.all] = [list, anchors];
    this.setExtent();
    const changed = list.notes.filter((note) => !before.has(note));
    this.choose(changed, false);
    this.plan("notes", "anchors");
    this.view.reveal(changed);
    return this.say(`${said}: ${step.words}`);
  }

  // -- what is shown

  // Around a time, by default the current note or the middle of what is shown.
  zoom(factor, aroundS = null) {
    const middleS = this.view.startS + this.view.spanS / 2;
    const inView = this.current && this.view.has(this.current.onS);
    this.view.zoom(factor, aroundS ?? (inView ? this.current.onS : middleS));
    this.say(this.view.words);
  }

  zoomIn() {
    this.zoom(1 / ZOOM);
  }

  zoomOut() {
    this.zoom(ZOOM);
  }

  showAll() {
    this.view.showAll(this.list.notes);
    this.say(`All ${this.view.extentS.toFixed(1)} s are shown`);
  }

  // Without what is being dragged; the same at its end.
  cancel() {
    this.drag = null;
    this.plan("notes", "light");
  }

  setDrawing(on) {
    this.pointer.setDrawing(on, this.tools.draw);
    this.say(on ? `Drag to draw notes for ${this.sources[this.player]}` : "Drag to select and move notes");
  }

  // -- keys

  key(event) {
    if (event.key === "Tab" || event.target === this.view.scroll) return;
    const onButton = event.target.closest("button, summary");
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const handle = event.target.closest(".mss-anchor");
    const action = handle ? this.anchors.action(event, Number(handle.dataset.index)) : rollAction(this, event);
    if (!action) return;
    event.preventDefault();
    // A repeated key must not edit what is being dragged.
    if (this.drag) {
      if (event.key === "Escape") this.cancel();
      return;
    }
    action();
  }

  // -- once in a frame: draw what is stale, and send what has changed

  plan(...parts) {
    for (const part of parts) this.stale.add(part);
    this.planned ||= requestAnimationFrame(() => {
      this.planned = 0;
      const stale = this.stale;
      this.stale = new Set();
      if (stale.has("behind")) this.layers.drawGround(this.view);
      if (stale.has("notes")) this.drawAll();
      if (stale.has("light")) this.drawLight();
      if (["value", "anchors", "selected", "midi"].some((part) => stale.has(part))) this.send(stale);
    });
  }

  drawAll() {
    const anchors = this.anchors.all.filter((_, index) => index !== this.drag?.anchor || !this.drag.begun);
    this.layers.drawNotes(this.view, this.list, this.chosen, this.drag, anchors);
    this.anchors.place();
    this.tools.allow(this.history);
  }

  drawLight() {
    const { drag } = this;
    const moving = drag?.begun ? drag.moving?.() : null;
    this.layers.drawLight(this.view, drag, moving, this.chosen);
    if (!moving) return;
    this.anchors.place();
    this.status.textContent = drag.words();
  }

  // While Python is busy, the notebook's front end keeps only the newest value. The number makes each value another one
  // for the notebook, which does not compare bytes.
  send(stale) {
    if (stale.has("value")) {
      const revision = this.model.get("value").revision + 1;
      this.sent = { sources: this.sources, notes: packNotes(this.list.notes), revision };
      this.model.set("value", this.sent);
    }
    if (stale.has("anchors")) {
      this.sentAnchors = this.anchors.all.map(({ scoreS, atS }) => [scoreS, atS]);
      this.model.set("anchors", this.sentAnchors);
    }
    if (stale.has("midi")) this.model.set("midi_request", this.file.request);
    const selected = [];
    this.list.notes.forEach((note, n) => this.chosen.has(note) && selected.push(n));
    this.sentSelected = selected;
    this.model.set("selected", selected);
    this.model.save_changes();
  }

  // For tests: what is shown, and where on the page a note lies (0 its start, 1 its end).
  forTests() {
    return {
      notes: () => this.list.notes.map((note) => ({ ...note })),
      view: () => this.view.shown,
      anchors: () => this.anchors.all,
      selected: () => [...this.chosen].map((note) => this.list.notes.indexOf(note)),
      atRest: () => !this.planned,
      point: (index, share = 0.5) => {
        const { onS, offS, midi } = this.list.notes[index];
        return this.pagePoint(onS + share * (offS - onS), midi);
      },
      place: (s, midi) => this.pagePoint(s, midi),
    };
  }

  pagePoint(s, midi) {
    const box = this.field.getBoundingClientRect();
    const place = placer(this.view, box.width, box.height);
    return [box.left + place.x(s), box.top + place.y(midi)];
  }

  close() {
    cancelAnimationFrame(this.planned);
    this.unwatch();
    this.file.close();
    this.resized.disconnect();
    for (const [name, action] of this.listeners) this.model.off(name, action);
  }
}

export default {
  render({ model, el }) {
    const roll = new PianoRoll(model, el);
    return () => roll.close();
  },
};
