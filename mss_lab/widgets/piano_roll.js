// Notes over a spectrogram, edited by mouse, touch and keyboard. Python (piano_roll.py) sends the notes and the picture;
// the page sends back `value` after each edit, and `selected`. While notes are dragged, only they are drawn again, on a
// layer of their own.

import { clamp, make, press } from "./shared/dom.js";
import { drawAxis } from "./shared/drawing.js";
import { History } from "./shared/history.js";
import { watchKernel } from "./shared/kernel.js";
import { NoteList, changedNote, packNotes, unpackNotes } from "./shared/notes.js";
import { drawBehind, drawNotes, drawPitches, inkOn, layer, placer, shadedPicture } from "./shared/roll.js";

const SHOWN_S = 30;
const LEAST_SPAN_S = 0.5;
const LEAST_NOTE_S = 0.02;
const NEW_NOTE_S = 0.5;
const STEP_S = 0.05;
const FINE_STEP_S = 0.01;
const ZOOM = 1.5;
const LEAST_SEMITONES = 24;
const MARGIN_SEMITONES = 5;
const HIGHEST_MIDI = 127;
const ROW_PX = 10;
const HEIGHTS_PX = [300, 520];
// How near to its end a note is taken at this end, how far a click may move, and how exactly a note must be hit.
const EDGE_PX = 7;
const CLICK_PX = 3;
const SLACK_PX = 2;

const HELP = [
  ["Click, arrow keys", "select a note; with Shift, several"],
  ["Drag over empty space, Ctrl+A", "select all notes in it, all notes"],
  ["Drag a note, Ctrl or Alt + arrow keys", "move in time (0.05 s; with Shift 0.01 s) or in pitch"],
  ["Drag an end, [ and ]", "make the end earlier or later; { and } the start"],
  ["1 to 9, the buttons of the players", "give the selected notes to this player"],
  ["Double click, Draw, N", "a new note"],
  ["Delete", "delete the selected notes"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["+, −, 0, Ctrl+wheel", "zoom in, out, show all"],
  ["Page up, page down, Shift+wheel", "scroll in time; Shift+page up, page down: in pitch"],
  ["Home, End, Escape", "first note, last note, select none"],
];

const HARDLY = "hardly supported by the recording";

const count = (notes) => `${notes.length} note${notes.length === 1 ? "" : "s"}`;

class PianoRoll {
  constructor(model, el) {
    this.model = model;
    this.facts = model.get("facts");
    this.names = this.facts.names;
    this.inks = this.facts.colours.map((fill) => ({ fill, text: inkOn(fill) }));
    const { strip } = this.facts;
    this.picture = strip && shadedPicture(model.get("picture"), strip);
    [this.list, this.history] = [new NoteList([]), new History()];
    [this.chosen, this.current, this.player] = [new Set(), null, 0];
    [this.drag, this.drawing, this.stale] = [null, false, new Set()];
    this.build(el);
    this.take = () => this.takeValue();
    this.takeSupport = () => this.support();
    this.takeSelected = () => this.selectFromPython();
    this.named = () => this.name();
    model.on("change:value", this.take);
    model.on("change:support", this.takeSupport);
    model.on("change:selected", this.takeSelected);
    model.on("change:description", this.named);
    this.takeValue();
    this.name();
    this.resized = new ResizeObserver(() => this.plan("behind", "notes"));
    this.resized.observe(this.field);
    this.root.mssRoll = this.forTests();
  }

  build(el) {
    this.title = make("span", { class: "mss-title" });
    this.status = make("div", { class: "mss-said", role: "status", "aria-live": "polite" });
    this.players = make("div", { class: "mss-bar", role: "group", "aria-label": "Give the selected notes to" });
    const button = (words, title, onclick) => make("button", { type: "button", title, onclick }, words);
    this.drawButton = button("Draw", "Draw new notes with the mouse", () => this.setDrawing(!this.drawing));
    this.undoButton = button("Undo", "Ctrl+Z", () => this.undo());
    this.redoButton = button("Redo", "Ctrl+Shift+Z", () => this.redo());
    const tools = make(
      "div",
      { class: "mss-bar", role: "group", "aria-label": "Edit" },
      this.drawButton,
      button("Delete", "Delete the selected notes", () => this.remove()),
      this.undoButton,
      this.redoButton,
      button("Zoom in", "+", () => this.zoom(1 / ZOOM)),
      button("Zoom out", "−", () => this.zoom(ZOOM)),
      button("Show all", "0", () => this.showAll()),
    );
    const canvas = (name) => make("canvas", { class: name, "aria-hidden": "true" });
    this.layers = { behind: canvas("mss-layer"), notes: canvas("mss-layer"), light: canvas("mss-layer") };
    this.pitches = canvas("mss-pitches");
    this.times = canvas("mss-times");
    this.field = make(
      "div",
      { class: "mss-field", role: "application", "aria-roledescription": "piano roll", tabindex: 0 },
      ...Object.values(this.layers),
    );
    this.scroll = make("input", { type: "range", class: "mss-scroll", min: 0, step: "any", "aria-label": "Scroll in time" });
    this.scroll.addEventListener("input", () => this.look({ startS: Number(this.scroll.value) }));
    const help = HELP.flatMap(([keys, effect]) => [make("dt", {}, keys), make("dd", {}, effect)]);
    this.root = make(
      "div",
      // JupyterLab's own shortcuts must not use our keys.
      { class: "mss-card mss-roll", role: "group", "data-lm-suppress-shortcuts": "true" },
      make("div", { class: "mss-head" }, this.title, tools),
      this.players,
      make("div", { class: "mss-frame" }, this.pitches, this.field, this.times, this.scroll),
      this.status,
      make("details", {}, make("summary", {}, "Mouse and keys"), make("dl", {}, ...help)),
    );
    this.listen();
    el.append(this.root);
    this.unwatch = watchKernel(this.model, this.root);
  }

  listen() {
    const on = (name, action) => this.field.addEventListener(name, action);
    on("pointerdown", (event) => this.pressed(event));
    on("pointermove", (event) => this.moved(event));
    on("pointerup", (event) => this.released(event));
    on("pointercancel", () => this.cancel());
    on("dblclick", (event) => this.doubleClicked(event));
    on("wheel", (event) => this.wheel(event));
    this.root.addEventListener("keydown", (event) => this.key(event));
  }

  name() {
    const label = this.model.get("description");
    this.title.textContent = label;
    this.root.setAttribute("aria-label", label || "Piano roll");
    this.label();
  }

  // The field says which note is current, since notes on a canvas are no elements that could be read out.
  label() {
    const where = this.current ? `; ${this.describe(this.current)}` : "";
    const name = this.model.get("description") || "Notes";
    this.field.setAttribute("aria-label", `${name}: ${count(this.list.notes)}${where}`);
  }

  // -- what Python sends

  takeValue() {
    const value = this.model.get("value");
    // While a reader drags, a value from Python does not move the notes.
    if (value === this.sent || this.drag) return;
    const isFirst = !this.view;
    if (!isFirst) this.history.remember(this.list, "replaced by the program");
    this.sources = value.sources;
    this.list = new NoteList(unpackNotes(value.notes));
    this.player = Math.min(this.player, this.sources.length - 1);
    this.extentS = Math.max(this.facts.durationS, this.list.endS);
    if (isFirst) this.open();
    this.choose([], false);
    this.support();
    this.showPlayers();
    this.look({});
    this.showPitch(this.list.notes);
    this.say(isFirst ? this.opening() : "The program has replaced the notes");
  }

  // The first view, and a height at which the numbers on notes can be read.
  open() {
    this.view = { startS: 0, spanS: Math.min(SHOWN_S, this.extentS), ...this.around(this.list.notes) };
    const semitones = this.view.highMidi - this.view.lowMidi;
    this.root.style.setProperty("--mss-height", `${clamp(ROW_PX * semitones, ...HEIGHTS_PX)}px`);
  }

  opening() {
    const { notes } = this.list;
    if (!notes.length) return "No notes yet. Double-click, or press N, for a first one";
    const late = this.picture ? notes.filter((note) => note.onS >= this.facts.durationS) : [];
    const beyond = late.length ? `, ${late.length} after the end of the recording` : "";
    const doubtful = notes.filter((note) => this.isDoubtful(note)).length;
    const hardly = doubtful ? `, ${doubtful} ${HARDLY} (dashed)` : "";
    return `${count(notes)}${beyond}${hardly}`;
  }

  support() {
    const bytes = this.model.get("support");
    // An older answer than the newest edit: another one is on its way.
    if (bytes.byteLength !== 4 * this.list.notes.length) return;
    this.list.notes.forEach((note, n) => {
      note.support = bytes.getFloat32(4 * n, true);
    });
    // What was said of the newest edit did not know of this yet.
    const said = this.status.textContent;
    const isNews = this.current && this.isDoubtful(this.current) && !said.includes(HARDLY) && !this.drag;
    if (isNews) this.say(`${said}; ${HARDLY}`);
    this.label();
    this.plan("notes");
  }

  selectFromPython() {
    const selected = this.model.get("selected");
    if (selected === this.sentSelected || this.drag) return;
    this.choose(selected.map((n) => this.list.notes[n]).filter(Boolean), false);
  }

  // -- words

  isDoubtful(note) {
    return note.support < this.facts.leastSupport;
  }

  pitchName(midi) {
    const whole = Math.round(midi);
    return `${this.names[((whole % 12) + 12) % 12]}${Math.floor(whole / 12) - 1}`;
  }

  describe(note) {
    const times = `${note.onS.toFixed(2)} to ${note.offS.toFixed(2)} s`;
    const doubt = this.isDoubtful(note) ? `, ${HARDLY}` : "";
    return `${this.sources[note.player]} ${this.pitchName(note.midi)}, ${times}${doubt}`;
  }

  say(words) {
    this.status.textContent = words;
    this.label();
  }

  showPlayers() {
    this.players.replaceChildren(
      make("span", { class: "mss-unit" }, "Player"),
      ...this.sources.map((source, n) => {
        const swatch = make("b", { style: `background: ${this.inks[n % this.inks.length].fill}` }, n + 1);
        swatch.style.color = this.inks[n % this.inks.length].text;
        return make("button", { type: "button", onclick: () => this.give(n) }, swatch, ` ${source}`);
      }),
    );
    this.markPlayer();
  }

  markPlayer() {
    this.players.querySelectorAll("button").forEach((button, n) => press(button, n === this.player));
  }

  // -- selection

  choose(notes, announce = true) {
    this.chosen = new Set(notes);
    this.current = notes.at(-1) ?? null;
    if (this.current) {
      this.player = this.current.player;
      this.markPlayer();
    }
    this.plan("notes", "selected");
    if (!announce) return;
    if (!notes.length) this.say("No note is selected");
    else if (notes.length > 1) this.say(`${count(notes)} selected`);
    else this.say(`${this.describe(this.current)}; note ${this.list.notes.indexOf(this.current) + 1} of ${this.list.notes.length}`);
  }

  walk(direction, extend) {
    const { notes } = this.list;
    if (!notes.length) return this.say("There is no note");
    let next = notes.find((note) => note.offS > this.view.startS) ?? notes[0];
    if (direction === "first") next = notes[0];
    else if (direction === "last") next = notes.at(-1);
    else if (this.current) next = this.list.next(this.current, direction);
    this.choose(extend ? [...[...this.chosen].filter((note) => note !== next), next] : [next]);
    this.reveal([next]);
  }

  // -- edits

  // Replace notes by others (by null: delete), add new ones, and say it; `words` begin the sentence.
  edit(words, replacements, added = []) {
    this.history.remember(this.list, words);
    this.list = this.list.changed(replacements, added);
    this.extentS = Math.max(this.facts.durationS, this.list.endS);
    const chosen = [...[...replacements.values()].filter(Boolean), ...added];
    this.choose(chosen, false);
    this.plan("notes", "value");
    this.reveal(chosen);
    this.say(words);
  }

  replaced(notes, change) {
    return new Map(notes.map((note) => [note, changedNote(note, change(note))]));
  }

  give(player) {
    if (player >= this.sources.length) return this.say(`There is no player ${player + 1}`);
    this.player = player;
    this.markPlayer();
    const notes = [...this.chosen].filter((note) => note.player !== player);
    if (!notes.length) return this.say(`New notes are for player ${player + 1}, ${this.sources[player]}`);
    const whose = notes.length === 1 ? this.describe(notes[0]) : count(notes);
    return this.edit(`${whose}: given to ${this.sources[player]}`, this.replaced([...this.chosen], () => ({ player })));
  }

  // As far as the axes of time and pitch allow for all notes together.
  shift(notes, byS, byMidi) {
    const least = -Math.min(...notes.map((note) => note.onS));
    const down = -Math.min(...notes.map((note) => note.midi));
    const up = HIGHEST_MIDI - Math.max(...notes.map((note) => note.midi));
    const [s, midi] = [Math.max(byS, least), clamp(byMidi, down, up)];
    return this.replaced(notes, (note) => ({ onS: note.onS + s, offS: note.offS + s, midi: note.midi + midi }));
  }

  move(byS, byMidi) {
    const notes = [...this.chosen];
    if (!notes.length) return this.say("Select a note first");
    return this.finishMove(this.shift(notes, byS, byMidi));
  }

  finishMove(replacements) {
    const [[before, after]] = replacements;
    const [s, midi] = [after.onS - before.onS, after.midi - before.midi];
    const ways = [];
    if (midi) ways.push(`${Math.abs(midi)} semitone${Math.abs(midi) === 1 ? "" : "s"} ${midi > 0 ? "up" : "down"}`);
    if (Math.abs(s) > 1e-9) ways.push(`${Math.abs(s).toFixed(2)} s ${s > 0 ? "later" : "earlier"}`);
    if (!ways.length) return this.say("The notes are as before");
    const whose = replacements.size === 1 ? this.describe(after) : count([...replacements]);
    return this.edit(`${whose}: moved ${ways.join(" and ")}`, replacements);
  }

  // Move the starts or the ends of notes; none becomes shorter than 20 ms.
  stretched(notes, edge, byS) {
    return this.replaced(notes, (note) =>
      edge === "start"
        ? { onS: clamp(note.onS + byS, 0, note.offS - Math.min(LEAST_NOTE_S, note.offS - note.onS)) }
        : { offS: Math.max(note.offS + byS, note.onS + Math.min(LEAST_NOTE_S, note.offS - note.onS)) },
    );
  }

  stretch(edge, byS) {
    const notes = [...this.chosen];
    if (!notes.length) return this.say("Select a note first");
    return this.finishStretch(this.stretched(notes, edge, byS), edge);
  }

  finishStretch(replacements, edge) {
    const [[, after]] = replacements;
    const whose = replacements.size === 1 ? this.describe(after) : count([...replacements]);
    this.edit(`${whose}: ${edge} moved`, replacements);
  }

  add(midi, onS, offS) {
    const note = { player: this.player, midi, onS, offS, velocity: 80, support: NaN };
    this.edit(`${this.describe(note)}: new`, new Map(), [note]);
  }

  addByKey() {
    const after = this.current;
    const onS = after ? after.offS : this.view.startS + this.view.spanS / 2;
    const midi = after ? after.midi : Math.round((this.view.lowMidi + this.view.highMidi) / 2);
    this.add(midi, onS, onS + (after ? after.offS - after.onS : NEW_NOTE_S));
  }

  remove() {
    const notes = [...this.chosen];
    if (!notes.length) return this.say("Select a note first");
    const words = notes.length === 1 ? this.describe(notes[0]) : count(notes);
    return this.edit(`${words}: deleted`, new Map(notes.map((note) => [note, null])));
  }

  undo() {
    this.goTo(this.history.undo(this.list), "Undone", "There is nothing to undo");
  }

  redo() {
    this.goTo(this.history.redo(this.list), "Done again", "There is nothing to do again");
  }

  goTo(step, said, otherwise) {
    if (!step) return this.say(otherwise);
    const { state: list, words } = step;
    const before = new Set(this.list.notes);
    this.list = list;
    this.extentS = Math.max(this.facts.durationS, list.endS);
    const changed = list.notes.filter((note) => !before.has(note));
    this.choose(changed, false);
    this.plan("notes", "value");
    this.reveal(changed);
    return this.say(`${said}: ${words}`);
  }

  // -- what is shown

  around(notes) {
    if (!notes.length) return { lowMidi: 47.5, highMidi: 84.5 };
    let [low, high] = [HIGHEST_MIDI, 0];
    for (const { midi } of notes) [low, high] = [Math.min(low, midi), Math.max(high, midi)];
    const margin = Math.max(MARGIN_SEMITONES, (LEAST_SEMITONES - (high - low)) / 2);
    return { lowMidi: Math.floor(low - margin) - 0.5, highMidi: Math.ceil(high + margin) + 0.5 };
  }

  look(changes) {
    const view = { ...this.view, ...changes };
    view.spanS = clamp(view.spanS, Math.min(LEAST_SPAN_S, this.extentS), this.extentS);
    view.startS = clamp(view.startS, 0, this.extentS - view.spanS);
    const span = view.highMidi - view.lowMidi;
    view.lowMidi = clamp(view.lowMidi, -MARGIN_SEMITONES - 0.5, HIGHEST_MIDI + MARGIN_SEMITONES + 0.5 - span);
    view.highMidi = view.lowMidi + span;
    this.view = view;
    const share = Math.round((100 * view.spanS) / this.extentS);
    this.scroll.max = this.extentS - view.spanS;
    this.scroll.value = view.startS;
    this.scroll.disabled = view.spanS >= this.extentS;
    this.scroll.setAttribute("aria-valuetext", `from ${view.startS.toFixed(1)} s, ${share} % of the recording`);
    this.plan("behind", "notes");
  }

  // Around a time, by default the current note or the middle of what is shown.
  zoom(factor, aroundS = null) {
    const { startS, spanS } = this.view;
    const inView = this.current && this.current.onS >= startS && this.current.onS < startS + spanS;
    const fixedS = aroundS ?? (inView ? this.current.onS : startS + spanS / 2);
    const nextS = clamp(spanS * factor, Math.min(LEAST_SPAN_S, this.extentS), this.extentS);
    this.look({ spanS: nextS, startS: fixedS - ((fixedS - startS) / spanS) * nextS });
    this.say(`${this.view.startS.toFixed(1)} to ${(this.view.startS + this.view.spanS).toFixed(1)} s are shown`);
  }

  showAll() {
    this.look({ startS: 0, spanS: this.extentS, ...this.around(this.list.notes) });
    this.say(`All ${this.extentS.toFixed(1)} s are shown`);
  }

  // Scroll until notes that were reached or changed by the keyboard are visible.
  reveal(notes) {
    if (!notes.length) return;
    const { startS, spanS } = this.view;
    const note = notes.at(-1);
    if (note.offS < startS || note.onS > startS + spanS) this.look({ startS: note.onS - spanS / 4 });
    this.showPitch([note]);
  }

  // Make room for pitches that are not shown.
  showPitch(notes) {
    let { lowMidi, highMidi } = this.view;
    for (const { midi } of notes) {
      [lowMidi, highMidi] = [Math.min(lowMidi, Math.floor(midi) - 1.5), Math.max(highMidi, Math.ceil(midi) + 1.5)];
    }
    if (lowMidi < this.view.lowMidi || highMidi > this.view.highMidi) this.look({ lowMidi, highMidi });
  }

  // -- pointer

  at(event) {
    const box = this.field.getBoundingClientRect();
    const place = placer(this.view, box.width, box.height);
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    return { x, y, s: place.s(x), midi: place.midi(y), secondsOf: (px) => (px / box.width) * this.view.spanS };
  }

  // The note below the pointer, and which part of it.
  hit({ s, midi, secondsOf }) {
    const note = this.list.at(s, midi, secondsOf(SLACK_PX));
    if (!note) return null;
    const edgeS = secondsOf(EDGE_PX);
    if (note.offS - note.onS < 3 * edgeS) return { note, part: "whole" };
    const part = s - note.onS < edgeS ? "start" : note.offS - s < edgeS ? "end" : "whole";
    return { note, part };
  }

  pressed(event) {
    if (event.button !== 0 || this.drag) return;
    const at = this.at(event);
    const hit = this.drawing ? null : this.hit(at);
    this.drag = { pointer: event.pointerId, from: at, to: at, kind: "band", begun: false, replacements: null };
    if (hit) this.pressNote(hit, event.shiftKey);
    else if (this.drawing) this.drag.kind = "new";
    else this.drag.before = event.shiftKey ? [...this.chosen] : [];
    this.field.setPointerCapture(event.pointerId);
    this.field.focus({ preventScroll: true });
    event.preventDefault();
  }

  pressNote({ note, part }, add) {
    this.drag.kind = part === "whole" ? "move" : part;
    if (add) {
      const others = [...this.chosen].filter((one) => one !== note);
      this.choose(this.chosen.has(note) ? others : [...others, note]);
    } else if (!this.chosen.has(note)) this.choose([note]);
    else this.drag.alone = note;
    this.drag.notes = [...this.chosen];
  }

  moved(event) {
    if (!this.drag) return this.point(event);
    const { drag } = this;
    if (event.pointerId !== drag.pointer) return;
    drag.to = this.at(event);
    const far = Math.hypot(drag.to.x - drag.from.x, drag.to.y - drag.from.y);
    if (!drag.begun && far < CLICK_PX) return;
    if (!drag.begun && drag.notes?.length) this.plan("notes");
    drag.begun = true;
    this.plan("light");
  }

  // The pointer's shape says what a press would do.
  point(event) {
    const hit = this.drawing ? null : this.hit(this.at(event));
    const shape = this.drawing ? "crosshair" : !hit ? "default" : hit.part === "whole" ? "grab" : "ew-resize";
    if (this.field.style.cursor !== shape) this.field.style.cursor = shape;
  }

  // What the drag would make of its notes.
  dragged() {
    const { kind, notes, from, to } = this.drag;
    const byS = to.s - from.s;
    if (kind === "move") return this.shift(notes, byS, Math.round(to.midi - from.midi));
    return this.stretched(notes, kind, byS);
  }

  released(event) {
    const { drag } = this;
    if (event.pointerId !== drag?.pointer) return;
    const replacements = drag.begun && drag.notes?.length ? this.dragged() : null;
    this.drag = null;
    this.plan("notes", "light");
    if (replacements) {
      if (drag.kind === "move") this.finishMove(replacements);
      else this.finishStretch(replacements, drag.kind);
    } else if (drag.kind === "new") this.drawn(drag);
    else if (drag.kind === "band") this.choose(drag.begun ? this.inBand(drag) : drag.before);
    else if (drag.alone) this.choose([drag.alone]);
  }

  cancel() {
    this.drag = null;
    this.plan("notes", "light");
  }

  drawn({ from, to, begun }) {
    const [onS, offS] = begun ? [Math.min(from.s, to.s), Math.max(from.s, to.s)] : [from.s, from.s + NEW_NOTE_S];
    this.add(clamp(Math.round(from.midi), 0, HIGHEST_MIDI), Math.max(0, onS), Math.max(offS, onS + LEAST_NOTE_S));
  }

  inBand({ from, to, before }) {
    const [low, high] = [Math.min(from.midi, to.midi) - 0.5, Math.max(from.midi, to.midi) + 0.5];
    const within = this.list.between(Math.min(from.s, to.s), Math.max(from.s, to.s));
    const inside = within.filter((note) => note.midi > low && note.midi < high);
    return [...before.filter((note) => !inside.includes(note)), ...inside];
  }

  doubleClicked(event) {
    const at = this.at(event);
    if (!this.drawing && !this.hit(at)) this.drawn({ from: at, begun: false });
  }

  wheel(event) {
    const { startS, spanS } = this.view;
    if (event.ctrlKey) this.zoom(1.002 ** event.deltaY, this.at(event).s);
    // Up and down alone scrolls the page.
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.look({ startS: startS + ((event.deltaX || event.deltaY) / this.field.clientWidth) * spanS });
    } else return;
    event.preventDefault();
  }

  setDrawing(on) {
    this.drawing = on;
    press(this.drawButton, on);
    this.field.style.cursor = on ? "crosshair" : "default";
    this.say(on ? `Drag to draw notes for ${this.sources[this.player]}` : "Drag to select and move notes");
  }

  // -- keys

  key(event) {
    if (event.key === "Tab" || event.target === this.scroll) return;
    const onButton = event.target.closest("button, summary");
    if (onButton && (event.key === " " || event.key === "Enter")) return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const action = this.actionOf(event);
    if (!action) return;
    event.preventDefault();
    // A repeated key must not edit what is being dragged.
    if (this.drag) {
      if (event.key === "Escape") this.cancel();
      return;
    }
    action();
  }

  actionOf(event) {
    const { key, shiftKey } = event;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
    const step = shiftKey ? FINE_STEP_S : STEP_S;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (arrow) return () => this.move(arrow[0] * step, arrow[1]);
      if (event.altKey) return null;
      return {
        z: () => (shiftKey ? this.redo() : this.undo()),
        y: () => this.redo(),
        a: () => this.choose(this.list.notes),
      }[key.toLowerCase()];
    }
    if (arrow) {
      const direction = arrow[0] ? (arrow[0] > 0 ? "later" : "earlier") : arrow[1] > 0 ? "higher" : "lower";
      return () => this.walk(direction, shiftKey);
    }
    if (/^[1-9]$/.test(key)) return () => this.give(Number(key) - 1);
    return this.otherKeys(key, shiftKey, step);
  }

  otherKeys(key, shiftKey, step) {
    const { startS, spanS, lowMidi, highMidi } = this.view;
    const page = (sign) => () =>
      shiftKey ? this.look({ lowMidi: lowMidi + 12 * sign, highMidi: highMidi + 12 * sign }) : this.look({ startS: startS - sign * spanS });
    return {
      Delete: () => this.remove(),
      Backspace: () => this.remove(),
      Home: () => this.walk("first", shiftKey),
      End: () => this.walk("last", shiftKey),
      PageUp: page(1),
      PageDown: page(-1),
      Escape: () => this.choose([]),
      Enter: () => this.current && this.choose([this.current]),
      n: () => this.addByKey(),
      Insert: () => this.addByKey(),
      "[": () => this.stretch("end", -step),
      "]": () => this.stretch("end", step),
      "{": () => this.stretch("start", -STEP_S),
      "}": () => this.stretch("start", STEP_S),
      "+": () => this.zoom(1 / ZOOM),
      "=": () => this.zoom(1 / ZOOM),
      "-": () => this.zoom(ZOOM),
      0: () => this.showAll(),
    }[key];
  }

  // -- once in a frame: draw what is stale, and send what has changed

  plan(...parts) {
    for (const part of parts) this.stale.add(part);
    this.planned ||= requestAnimationFrame(() => {
      this.planned = 0;
      const stale = this.stale;
      this.stale = new Set();
      if (stale.has("behind")) this.drawGround();
      if (stale.has("notes")) this.drawAll();
      if (stale.has("light")) this.drawLight();
      if (stale.has("value") || stale.has("selected")) this.send(stale.has("value"));
    });
  }

  drawGround() {
    drawBehind(this.layers.behind, this.view, { ...this.facts, picture: this.picture });
    drawPitches(this.pitches, this.view, this.names);
    drawAxis(this.times, { fromS: this.view.startS, toS: this.view.startS + this.view.spanS });
  }

  drawAll() {
    const { startS, spanS } = this.view;
    const away = new Set(this.drag?.begun ? this.drag.notes : []);
    const shown = this.list.between(startS, startS + spanS).filter((note) => !away.has(note));
    drawNotes(layer(this.layers.notes), this.view, shown, this.looks(this.chosen));
    [this.undoButton.disabled, this.redoButton.disabled] = [!this.history.past.length, !this.history.future.length];
  }

  drawLight() {
    const canvas = layer(this.layers.light);
    const { drag } = this;
    if (!drag?.begun) return;
    if (drag.notes?.length) {
      const moving = [...this.dragged().values()];
      drawNotes(canvas, this.view, moving, this.looks(new Set(moving)));
      const [first] = moving;
      this.status.textContent = moving.length === 1 ? this.describe(first) : `${count(moving)}, the first: ${this.describe(first)}`;
      return;
    }
    const { pen, ratio } = canvas;
    const box = [drag.from.x, drag.from.y, drag.to.x - drag.from.x, drag.to.y - drag.from.y].map((px) => px * ratio);
    if (drag.kind === "new") [box[1], box[3]] = [box[1] - 4 * ratio, 8 * ratio];
    pen.fillStyle = "rgb(255 255 255 / 20%)";
    pen.fillRect(...box);
    pen.strokeStyle = "#fff";
    pen.lineWidth = ratio;
    pen.strokeRect(...box);
  }

  looks(chosen) {
    return { inks: this.inks, isChosen: (note) => chosen.has(note), isDoubtful: (note) => this.isDoubtful(note) };
  }

  // While Python is busy, the notebook's front end keeps only the newest value. The number makes each value another one
  // for the notebook, which does not compare bytes.
  send(withNotes) {
    if (withNotes) {
      const revision = this.model.get("value").revision + 1;
      this.sent = { sources: this.sources, notes: packNotes(this.list.notes), revision };
      this.model.set("value", this.sent);
    }
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
      view: () => ({ ...this.view }),
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
    this.resized.disconnect();
    this.model.off("change:value", this.take);
    this.model.off("change:support", this.takeSupport);
    this.model.off("change:selected", this.takeSelected);
    this.model.off("change:description", this.named);
  }
}

export default {
  render({ model, el }) {
    const roll = new PianoRoll(model, el);
    return () => roll.close();
  },
};
