// The player's page. Python (player.py) sends `content` (a description), `samples` (16-bit integers) and `pictures`
// (8-bit strips); the audio graph and the transport are shared files.

import { clamp, make, press } from "./shared/dom.js";
import { drawAxis, drawStrip, drawWave, fit, lookup } from "./shared/drawing.js";
import { HIGHEST_DB, LOWEST_DB, isHeard, renderOffline } from "./shared/graph.js";
import { STARTED, Transport } from "./shared/transport.js";

const LEAST_LOOP_S = 0.05;

// ---- the piece: what Python sent, decoded ------------------------------------------------------------------------

function readPiece(model) {
  const content = model.get("content");
  const { samples, channels, sampleRate, scales } = content;
  const view = model.get("samples");
  const integers = new Int16Array(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
  let stem = 0;
  const versions = content.versions.map((version) => {
    const buffers = {};
    const index = {};
    for (const name of version.stems) {
      const buffer = new AudioBuffer({ length: samples, numberOfChannels: channels, sampleRate });
      for (let channel = 0; channel < channels; channel++) {
        const from = (stem * channels + channel) * samples;
        const target = buffer.getChannelData(channel);
        const scale = scales[stem];
        for (let i = 0; i < samples; i++) target[i] = integers[from + i] * scale;
      }
      buffers[name] = buffer;
      index[name] = stem++;
    }
    return { name: version.name, gainDb: version.gainDb, buffers, index };
  });
  return { ...content, versions, durationS: samples / sampleRate, pixels: model.get("pictures") };
}

// The reader's settings. Solo, mute and levels belong to names, so they stay when the sounds change.
function firstState(piece) {
  return {
    version: 0,
    solo: [],
    mute: [...piece.muted],
    levelsDb: {},
    masterDb: 0,
    levelMatched: true,
    loopOn: false,
    loop: null, // [start, end] in seconds
  };
}

const seconds = (value) => value.toFixed(1);
const decibels = (value) => (value <= LOWEST_DB ? "off" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value)} dB`);

const KEYS = [
  ["Space", "play or pause"],
  ["← →", "1 second back or on (with Shift 5)"],
  ["Home", "back to the start"],
  ["1 to 9", "solo a stem"],
  ["Shift + 1 to 9", "mute a stem"],
  ["V", "next version"],
  ["I, O", "loop starts here, ends here"],
  ["L", "loop on or off"],
  ["Shift + L", "forget the region"],
];

class Page {
  constructor(model, el) {
    this.model = model;
    this.piece = readPiece(model);
    this.state = firstState(this.piece);
    this.transport = new Transport(this.piece, this.state, (words) => this.refresh(words));
    this.root = make("div", {
      class: "mss-card mss-player",
      role: "region",
      tabindex: "0",
      // JupyterLab's own shortcuts must not use our keys.
      "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => this.key(event),
    });
    el.append(this.root);
    this.build();
    this.expose();
    this.listen();
    this.refresh();
    this.frame = requestAnimationFrame(() => this.tick());
  }

  // -- building

  build() {
    const { piece } = this;
    this.colours = lookup(piece.palette);
    this.root.setAttribute("aria-label", `Player: ${piece.title || piece.rows.join(", ")}`);
    this.root.dataset.revision = piece.revision;
    this.status = make("div", { class: "mss-status", role: "status", "aria-live": "polite" });
    this.keys = make("dl", { class: "mss-keys", hidden: "" });
    for (const [key, meaning] of KEYS) this.keys.append(make("div", {}, make("dt", {}, key), make("dd", {}, meaning)));
    this.root.replaceChildren(this.header(), this.versionBar(), this.table(), this.footer(), this.keys);
    this.draw();
  }

  button(label, text, title, action, attributes = {}) {
    return make(
      "button",
      {
        type: "button",
        "aria-label": label,
        title,
        // After a mouse click the player has the focus again; after a key press the focus stays on the button.
        onclick: (event) => {
          action(event);
          if (event.detail > 0) this.root.focus({ preventScroll: true });
        },
        ...attributes,
      },
      text,
    );
  }

  range(label, low, high, step, value, say, action) {
    const input = make("input", { type: "range", min: low, max: high, step, "aria-label": label });
    input.value = value;
    input.setAttribute("aria-valuetext", say(value));
    input.addEventListener("input", () => {
      action(Number(input.value));
      input.setAttribute("aria-valuetext", say(Number(input.value)));
    });
    return input;
  }

  header() {
    const { piece } = this;
    this.playButton = this.button("Play", "", "Play or pause (Space)", () => this.toggle(), { class: "mss-play" });
    this.loopButton = this.button("Loop", "Loop", "Loop on or off (L); drag over a strip to choose a region", () =>
      this.toggleLoop(),
    );
    this.clock = make("span", { class: "mss-clock", "aria-hidden": "true" });
    this.masterText = make("output", {}, decibels(this.state.masterDb));
    this.master = this.range("Master level", LOWEST_DB, HIGHEST_DB, 1, this.state.masterDb, decibels, (masterDb) => {
      this.masterText.value = decibels(masterDb);
      this.set({ masterDb });
    });
    const help = this.button("Keys", "?", "What the keys do", () => {
      this.keys.hidden = !this.keys.hidden;
      help.setAttribute("aria-expanded", String(!this.keys.hidden));
    });
    help.setAttribute("aria-expanded", String(!this.keys.hidden));
    const title = piece.title ? [make("span", { class: "mss-title" }, piece.title)] : [];
    const master = make("label", { class: "mss-master" }, make("span", {}, "Master"), this.master, this.masterText);
    return make("div", { class: "mss-bar" }, this.playButton, this.clock, this.loopButton, ...title, master, help);
  }

  versionBar() {
    const { piece } = this;
    this.versionButtons = [];
    if (piece.versions.length < 2) return "";
    const bar = make("div", { class: "mss-bar mss-versions", role: "group", "aria-label": "Version" });
    piece.versions.forEach((version, index) => {
      const button = this.button(`Version ${version.name}`, version.name, "Hear this version (V: next)", () =>
        this.set({ version: index }, `Version ${version.name}`),
      );
      this.versionButtons.push(button);
      bar.append(button);
    });
    const named = piece.versions.map((version) => `${version.name} ${version.gainDb.toFixed(1)} dB`).join(", ");
    const gains = piece.byEar ? "" : `: ${named}`;
    this.matchButton = this.button(
      "Level-matched",
      "Level-matched",
      `Every version is made as loud as the first${gains}`,
      () => {
        const levelMatched = !this.state.levelMatched;
        this.set({ levelMatched }, levelMatched ? "Versions level-matched" : "Versions at their own level");
      },
    );
    bar.append(make("span", { class: "mss-gap" }), this.matchButton);
    return bar;
  }

  table() {
    const { piece } = this;
    this.rows = piece.rows.map((name, index) => this.row(name, index));
    this.playhead = make("div", { class: "mss-playhead" });
    this.region = make("div", { class: "mss-region" });
    this.overlay = make("div", { class: "mss-overlay", "aria-hidden": "true" }, this.region, this.playhead);
    this.scrub = this.range("Position", 0, piece.durationS, 0.01, 0, (value) => this.saidPosition(value), (value) =>
      this.seek(value),
    );
    this.scrub.classList.add("mss-scrub");
    this.axis = make("canvas", { class: "mss-axis", "aria-hidden": "true" });
    const foot = make("div", { class: "mss-row mss-foot" }, this.legend(), make("div", { class: "mss-track" }, this.scrub, this.axis));
    return make("div", { class: "mss-table" }, ...this.rows.map((row) => row.element), foot, this.overlay);
  }

  row(name, index) {
    const colour = this.piece.colours[index % this.piece.colours.length];
    const digit = index < 9 ? ` (${index + 1})` : "";
    const shifted = index < 9 ? ` (Shift + ${index + 1})` : "";
    const solo = this.button(`Solo ${name}`, "S", `Solo${digit}`, () => this.toggleName("solo", name), { class: "mss-solo" });
    const mute = this.button(`Mute ${name}`, "M", `Mute${shifted}`, () => this.toggleName("mute", name), { class: "mss-mute" });
    const text = make("output", {}, decibels(this.state.levelsDb[name] ?? 0));
    const level = this.range(`Level of ${name}`, LOWEST_DB, HIGHEST_DB, 1, this.state.levelsDb[name] ?? 0, decibels, (db) => {
      text.value = decibels(db);
      this.set({ levelsDb: { ...this.state.levelsDb, [name]: db } });
    });
    level.title = "Level; double click for 0 dB";
    level.addEventListener("dblclick", () => {
      level.value = 0;
      level.dispatchEvent(new Event("input"));
    });
    const wave = make("canvas", { class: "mss-wave", role: "img", "aria-label": `Waveform of ${name}` });
    const canvases = [wave];
    let strip = null;
    if (this.piece.strip) {
      strip = make("canvas", { class: "mss-spectrogram", role: "img", "aria-label": `Spectrogram of ${name}` });
      canvases.push(strip);
    }
    const track = make("div", { class: "mss-track" }, ...canvases);
    this.drag(track);
    const label = make("span", { class: "mss-name", title: name }, make("i", { style: `background:${colour}` }), name);
    const element = make(
      "div",
      { class: "mss-row", role: "group", "aria-label": name },
      make(
        "div",
        { class: "mss-desk" },
        make("div", { class: "mss-line" }, label, solo, mute),
        make("div", { class: "mss-line" }, level, text),
      ),
      track,
    );
    return { name, colour, element, solo, mute, wave, strip, level };
  }

  legend() {
    if (!this.piece.strip) return make("div", { class: "mss-desk mss-legend" });
    const bar = make("i", { style: `background: linear-gradient(90deg, ${this.piece.palette.join(", ")})` });
    const words = `Frequency in Hz, logarithmic; level in dB below the loudest point of all strips`;
    return make("div", { class: "mss-desk mss-legend", title: words }, make("span", {}, `−${this.piece.strip.rangeDb}`), bar, make("span", {}, "0 dB"));
  }

  footer() {
    return this.status;
  }

  draw() {
    const { piece } = this;
    const version = piece.versions[this.state.version];
    const seen = !piece.byEar || this.state.version === 0;
    for (const row of this.rows) {
      const present = row.name in version.buffers;
      row.element.classList.toggle("mss-absent", !present);
      row.wave.setAttribute("aria-label", seen ? `Waveform of ${row.name}` : `${row.name} is not drawn, only heard`);
      row.wave.title = seen ? "" : "Not drawn: judge it by ear";
      if (present && seen) {
        drawWave(row.wave, version.buffers[row.name], piece.peak, row.colour);
        if (row.strip) drawStrip(row.strip, piece, version.index[row.name], this.colours);
      } else {
        fit(row.wave);
        if (row.strip) fit(row.strip);
      }
    }
    drawAxis(this.axis, piece.durationS);
    this.drawnVersion = this.state.version;
  }

  // -- what goes on

  listen() {
    this.onStarted = (event) => {
      if (event.detail === this.transport || !this.transport.playing) return;
      this.transport.pause();
      this.refresh("Paused: another player started");
    };
    document.addEventListener(STARTED, this.onStarted);
    this.onContent = () => this.replace();
    this.model.on("change:content", this.onContent);
    let planned = false;
    const redraw = () => {
      if (planned) return;
      planned = true;
      requestAnimationFrame(() => {
        planned = false;
        if (this.root.isConnected) this.draw();
      });
    };
    this.resized = new ResizeObserver(redraw);
    this.resized.observe(this.root);
    this.themed = new MutationObserver(redraw);
    this.themed.observe(document.body, { attributes: true, attributeFilter: ["data-jp-theme-name", "class"] });
  }

  replace() {
    const before = this.piece;
    this.piece = readPiece(this.model);
    const { piece } = this;
    const version = Math.min(this.state.version, piece.versions.length - 1);
    this.state = { ...this.state, version };
    // A solo on a removed stem would silence the others for no visible reason.
    this.state.solo = this.state.solo.filter((name) => piece.rows.includes(name));
    if (this.state.loop && this.state.loop[1] > piece.durationS) this.state.loop = null;
    this.transport.replace(piece, this.state);
    const shape = ({ rows, versions, durationS, title, strip }) =>
      JSON.stringify([rows, versions.map((v) => [v.name, v.gainDb]), durationS, title, strip]);
    if (shape(before) === shape(piece)) {
      this.draw();
      this.root.dataset.revision = piece.revision;
    } else this.build();
    this.refresh();
  }

  set(changes, words = null, restart = false) {
    this.state = { ...this.state, ...changes };
    this.transport.update(this.state, restart);
    if (this.drawnVersion !== this.state.version) this.draw();
    this.refresh(words);
  }

  toggle() {
    if (this.transport.playing) {
      this.transport.pause();
      this.refresh(`Paused at ${seconds(this.transport.restS)} s`);
      return Promise.resolve();
    }
    const started = this.transport.play();
    this.refresh("Playing");
    return started;
  }

  seek(toS, words = null) {
    this.transport.seek(toS);
    this.refresh(words);
  }

  toggleName(kind, name) {
    const names = this.state[kind];
    const on = !names.includes(name);
    const words = `${kind === "solo" ? "Solo" : "Mute"} ${name} ${on ? "on" : "off"}`;
    this.set({ [kind]: on ? [...names, name] : names.filter((other) => other !== name) }, words);
  }

  toggleLoop() {
    const loopOn = !this.state.loopOn;
    const [start, end] = this.state.loop ?? [0, this.piece.durationS];
    this.set({ loopOn }, loopOn ? `Loop ${seconds(start)} to ${seconds(end)} s` : "Loop off", true);
  }

  setLoop(a, b) {
    const { durationS } = this.piece;
    const start = clamp(Math.min(a, b), 0, Math.max(0, durationS - LEAST_LOOP_S));
    const end = clamp(Math.max(a, b), start + Math.min(LEAST_LOOP_S, durationS), durationS);
    this.set({ loop: [start, end], loopOn: true }, `Loop ${seconds(start)} to ${seconds(end)} s`, true);
    const position = this.transport.position();
    if (!this.transport.playing && (position < start || position >= end)) this.seek(start);
  }

  // -- pointer and keys

  drag(track) {
    let from = null;
    let moved = false;
    const at = (event) => {
      const box = track.getBoundingClientRect();
      return clamp((event.clientX - box.left) / box.width, 0, 1) * this.piece.durationS;
    };
    track.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      track.setPointerCapture(event.pointerId);
      from = { x: event.clientX, s: at(event) };
      moved = false;
    });
    track.addEventListener("pointermove", (event) => {
      if (!from) return;
      moved ||= Math.abs(event.clientX - from.x) > 4;
      if (moved) this.showRegion([Math.min(from.s, at(event)), Math.max(from.s, at(event))], true);
    });
    track.addEventListener("pointerup", (event) => {
      if (!from) return;
      if (moved) this.setLoop(from.s, at(event));
      else this.seek(at(event), `At ${seconds(at(event))} s`);
      from = null;
      this.root.focus({ preventScroll: true });
    });
    track.addEventListener("pointercancel", () => {
      from = null;
      this.refresh();
    });
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    event.stopPropagation();
    const onRange = event.target.type === "range";
    const onButton = event.target.tagName === "BUTTON";
    const digit = /^(Digit|Numpad)([1-9])$/.exec(event.code);
    const here = this.transport.position();
    const letter = event.key.toLowerCase();
    if (event.key === " " && !onButton) this.toggle();
    else if (event.key === "ArrowLeft" && !onRange) this.jump(event.shiftKey ? -5 : -1);
    else if (event.key === "ArrowRight" && !onRange) this.jump(event.shiftKey ? 5 : 1);
    else if (event.key === "Home" && !onRange) this.seek(0, "At the start");
    else if (digit && this.rows[digit[2] - 1]) this.toggleName(event.shiftKey ? "mute" : "solo", this.rows[digit[2] - 1].name);
    else if (letter === "l" && event.shiftKey) this.set({ loop: null, loopOn: false }, "Region forgotten", true);
    else if (letter === "l") this.toggleLoop();
    else if (letter === "i" || event.key === "[") this.setLoop(here, Math.max(this.state.loop?.[1] ?? 0, 0) > here ? this.state.loop[1] : this.piece.durationS);
    else if (letter === "o" || event.key === "]") this.setLoop((this.state.loop?.[0] ?? 0) < here ? (this.state.loop?.[0] ?? 0) : 0, here);
    else if (letter === "v" && this.piece.versions.length > 1) {
      const version = (this.state.version + 1) % this.piece.versions.length;
      this.set({ version }, `Version ${this.piece.versions[version].name}`);
    } else return;
    event.preventDefault();
  }

  jump(byS) {
    const target = clamp(this.transport.position() + byS, 0, this.piece.durationS);
    this.seek(target, `At ${seconds(target)} s`);
  }

  // -- showing

  saidPosition(value) {
    return `${seconds(value)} of ${seconds(this.piece.durationS)} seconds`;
  }

  showRegion(loop, on) {
    this.region.hidden = !loop;
    if (!loop) return;
    const { durationS } = this.piece;
    this.region.style.left = `${(100 * loop[0]) / durationS}%`;
    this.region.style.width = `${(100 * (loop[1] - loop[0])) / durationS}%`;
    this.region.classList.toggle("mss-off", !on);
  }

  refresh(words = null) {
    const { state, piece } = this;
    const { playing } = this.transport;
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.playButton.classList.toggle("mss-on", playing);
    this.root.dataset.playing = String(playing);
    press(this.loopButton, state.loopOn);
    this.versionButtons.forEach((button, index) => press(button, index === state.version));
    if (this.versionButtons.length) press(this.matchButton, state.levelMatched);
    for (const row of this.rows) {
      press(row.solo, state.solo.includes(row.name));
      press(row.mute, state.mute.includes(row.name));
      row.element.classList.toggle("mss-silent", !isHeard(state, row.name));
    }
    this.showRegion(state.loop, state.loopOn);
    if (words !== null) this.status.textContent = words;
    this.showTime();
  }

  showTime() {
    const position = this.transport.heardPosition();
    const { durationS } = this.piece;
    this.playhead.style.left = `${(100 * position) / durationS}%`;
    this.root.dataset.position = position.toFixed(3);
    const text = `${seconds(position)} / ${seconds(durationS)} s`;
    if (this.clock.textContent === text) return;
    this.clock.textContent = text;
    this.scrub.value = position;
    this.scrub.setAttribute("aria-valuetext", this.saidPosition(position));
  }

  tick() {
    if (this.transport.playing) this.showTime();
    this.frame = requestAnimationFrame(() => this.tick());
  }

  // What tests and other panels may ask of a player on the page.
  expose() {
    this.root.mssPlayer = {
      state: () => structuredClone(this.state),
      set: (changes) => this.set(changes, null, "loop" in changes || "loopOn" in changes),
      play: () => (this.transport.playing ? Promise.resolve() : this.toggle()),
      pause: () => (this.transport.playing ? this.toggle() : Promise.resolve()),
      seek: (toS) => this.seek(toS),
      position: () => this.transport.position(),
      playing: () => this.transport.playing,
      // Which of Python's sounds the loudspeaker has.
      heardRevision: () => this.transport.run?.revision ?? null,
      contextState: () => this.transport.context?.state ?? "none",
      renderOffline: (changes = {}, options = {}) => renderOffline(this.piece, { ...this.state, ...changes }, options),
    };
  }

  close() {
    cancelAnimationFrame(this.frame);
    document.removeEventListener(STARTED, this.onStarted);
    this.model.off("change:content", this.onContent);
    this.resized.disconnect();
    this.themed.disconnect();
    this.transport.close();
  }
}

export default {
  render({ model, el }) {
    const page = new Page(model, el);
    return () => page.close();
  },
};
