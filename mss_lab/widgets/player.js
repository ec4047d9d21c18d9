// The player's page. Python (player.py) sends `content` (a description), `pictures` (8-bit strips), and the sounds; the
// sounds, the audio graph, the transport and the view are shared files.

import { button, clamp, make, press, range } from "./shared/dom.js";
import { drawAxis, drawStrip, drawWave, fit, lookup } from "./shared/drawing.js";
import { HIGHEST_DB, LOWEST_DB, isHeard, renderBuffer, renderOffline } from "./shared/graph.js";
import { watchKernel } from "./shared/kernel.js";
import { KEYS, onKey } from "./shared/player_keys.js";
import { decibels, makeRow } from "./shared/player_rows.js";
import { soundsOf } from "./shared/sounds.js";
import { STARTED, Transport } from "./shared/transport.js";
import { Minimap, TimeView } from "./shared/view.js";
import { save, wavOf } from "./shared/wav.js";

const LEAST_LOOP_S = 0.05;
const SLOW = 0.5;

function readPiece(model) {
  const content = model.get("content");
  let stem = 0;
  const versions = content.versions.map(({ name, gainDb, stems }) => ({
    name,
    gainDb,
    // The number of each stem among the stems of all versions.
    index: Object.fromEntries(stems.map((stemName) => [stemName, stem++])),
  }));
  const durationS = content.samples / content.sampleRate;
  return { ...content, versions, durationS, stems: stem, sounds: soundsOf(model), pixels: model.get("pictures") };
}

// The reader's settings. Solo, mute, levels and cut regions belong to names, so they stay when the sounds change.
function firstState(piece) {
  return {
    version: 0,
    solo: [],
    mute: [...piece.muted],
    levelsDb: {},
    cuts: {}, // name -> [[start, end], ...] in seconds
    masterDb: 0,
    levelMatched: true,
    loopOn: false,
    loop: null, // [start, end] in seconds
    speed: 1,
  };
}

const seconds = (value) => value.toFixed(1);

class Page {
  constructor(model, el) {
    this.model = model;
    this.piece = readPiece(model);
    this.state = firstState(this.piece);
    this.view = new TimeView(this.piece.durationS, () => this.redraw());
    this.transport = new Transport(this.piece, this.state, (words) => this.refresh(words));
    this.root = make("div", {
      class: "mss-card mss-player",
      role: "region",
      tabindex: "0",
      // JupyterLab's own shortcuts must not use our keys.
      "data-lm-suppress-shortcuts": "true",
      onkeydown: (event) => onKey(this, event),
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
    this.minimap = new Minimap(this.view);
    const map = make("div", { class: "mss-row mss-map-row" }, make("div", { class: "mss-desk" }), this.minimap.element);
    this.root.replaceChildren(this.header(), this.versionBar(), this.table(), map, this.footer(), this.keys);
    this.draw();
  }

  // After a mouse click the player has the focus again; after a key press the focus stays on the button.
  button(label, text, title, action, attributes = {}) {
    const click = (event) => {
      action(event);
      if (event.detail > 0) this.root.focus({ preventScroll: true });
    };
    return button(label, text, title, click, attributes);
  }

  header() {
    const { piece } = this;
    this.playButton = this.button("Play", "", "Play or pause (Space)", () => this.toggle(), { class: "mss-play" });
    this.loopButton = this.button("Loop", "Loop", "Loop on or off (L); drag over a strip to choose a region", () =>
      this.toggleLoop(),
    );
    this.slowButton = this.button("Half speed", "½×", "Half speed, at the same pitch (H)", () => this.toggleSpeed());
    this.saveButton = this.button("Save what is heard", "Save", "What is heard now as a WAV file: the region, or all", () =>
      this.saveHeard(),
    );
    this.clock = make("span", { class: "mss-clock", "aria-hidden": "true" });
    this.masterText = make("output", {}, decibels(this.state.masterDb));
    this.master = range("Master level", LOWEST_DB, HIGHEST_DB, 1, this.state.masterDb, decibels, (masterDb) => {
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
    return make("div", { class: "mss-bar" }, this.playButton, this.clock, this.loopButton, this.slowButton, ...title, this.zoomButtons(), master, this.saveButton, help);
  }

  zoomButtons() {
    const group = make("span", { class: "mss-zoom", role: "group", "aria-label": "Zoom" });
    const here = () => (this.state.loop ? (this.state.loop[0] + this.state.loop[1]) / 2 : this.transport.position());
    group.append(
      this.button("Zoom out", "−", "Show more (−)", () => this.view.out(here())),
      this.button("Zoom in", "+", "Look closer (+); Ctrl and the wheel zoom, too", () => this.view.in(here())),
      this.button("Whole piece", "All", "Show the whole piece (0)", () => this.view.all()),
    );
    return group;
  }

  versionBar() {
    const { piece } = this;
    [this.versionButtons, this.matchButton] = [[], null];
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
    // The sounds of a blind comparison come at one level.
    if (piece.blind) return bar;
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
    this.rows = piece.rows.map((name, index) => makeRow(this, name, index));
    this.playhead = make("div", { class: "mss-playhead" });
    this.region = make("div", { class: "mss-region" });
    this.overlay = make("div", { class: "mss-overlay", "aria-hidden": "true" }, this.region, this.playhead);
    this.scrub = range("Position", 0, piece.durationS, 0.01, 0, (value) => this.saidPosition(value), (value) =>
      this.seek(value),
    );
    this.scrub.classList.add("mss-scrub");
    this.axis = make("canvas", { class: "mss-axis", "aria-hidden": "true" });
    const foot = make("div", { class: "mss-row mss-foot" }, this.legend(), make("div", { class: "mss-track" }, this.scrub, this.axis));
    return make("div", { class: "mss-table" }, ...this.rows.map((row) => row.element), foot, this.overlay);
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
    const { piece, view } = this;
    const version = piece.versions[this.state.version];
    const seen = !piece.blind && (!piece.byEar || this.state.version === 0);
    for (const row of this.rows) {
      const stem = version.index[row.name];
      row.element.classList.toggle("mss-absent", stem === undefined);
      row.wave.setAttribute("aria-label", seen ? `Waveform of ${row.name}` : `${row.name} is not drawn, only heard`);
      row.wave.title = seen ? "" : "Not drawn: judge it by ear";
      if (stem !== undefined && seen) {
        drawWave(row.wave, piece, stem, view, row.colour);
        if (row.strip) drawStrip(row.strip, piece, stem, view, this.colours);
      } else {
        fit(row.wave);
        if (row.strip) fit(row.strip);
      }
    }
    drawAxis(this.axis, view);
    this.minimap.place();
    if (!view.whole && !piece.blind) this.drawMap(seen ? version : piece.versions[0]);
    [this.scrub.min, this.scrub.max] = [view.fromS, view.toS];
    this.scrub.step = Math.min(0.01, view.widthS / 1000);
    this.drawnVersion = this.state.version;
  }

  drawMap(version) {
    const all = { fromS: 0, widthS: this.piece.durationS };
    const [stem] = Object.values(version.index);
    drawWave(this.minimap.canvas, this.piece, stem, all, this.rows[0].colour);
  }

  redraw() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => {
      this.planned = 0;
      // Without a width there is nothing to draw on, such as while a theme is exchanged; the observer calls again.
      if (!this.root.isConnected || !this.root.clientWidth) return;
      this.draw();
      this.refresh();
    });
  }

  // -- what goes on

  listen() {
    this.onStarted = (event) => {
      if (event.detail === this.transport || !this.transport.playing) return;
      this.transport.pause();
      this.refresh("Paused: another player started");
    };
    document.addEventListener(STARTED, this.onStarted);
    this.unwatch = watchKernel(this.model, this.root);
    this.onContent = () => this.replace();
    this.model.on("change:content", this.onContent);
    this.onPictures = () => {
      [this.piece.pixels, this.piece.images] = [this.model.get("pictures"), null];
      this.redraw();
    };
    this.model.on("change:pictures", this.onPictures);
    const redraw = () => this.redraw();
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
    if (before.durationS !== piece.durationS) this.view.reset(piece.durationS);
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

  toggleSpeed() {
    const speed = this.state.speed === 1 ? SLOW : 1;
    this.set({ speed }, speed === 1 ? "Full speed" : "Half speed, at the same pitch", true);
  }

  // Mute a stem within the region; where a part of the region is muted already, hear it again.
  toggleCut(name) {
    const region = this.state.loop;
    if (!region) {
      this.refresh("Choose a region first: drag over a strip, or press I and O");
      return;
    }
    const before = this.state.cuts[name] ?? [];
    const others = before.filter(([start, end]) => end <= region[0] || start >= region[1]);
    const on = others.length === before.length;
    const cuts = { ...this.state.cuts, [name]: on ? [...before, [...region]] : others };
    const where = `${seconds(region[0])} to ${seconds(region[1])} s`;
    this.set({ cuts }, on ? `${name} muted from ${where}` : `${name} heard again from ${where}`, true);
  }

  // The region if the loop is on, else the whole piece; as it is heard, with all levels and at the chosen speed.
  async saveHeard() {
    const [startS, endS] = this.state.loopOn && this.state.loop ? this.state.loop : [0, this.piece.durationS];
    this.refresh("Saving");
    const state = { ...this.state, loopOn: false };
    const buffer = await renderBuffer(this.piece, state, { startS, durationS: (endS - startS) / state.speed });
    const name = (this.piece.title || "sound").replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "") || "sound";
    save(wavOf(buffer), `${name}.wav`);
    this.refresh(`Saved ${name}.wav`);
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
      return this.view.time((event.clientX - box.left) / box.width);
    };
    track.addEventListener("wheel", (event) => this.view.wheel(event, track), { passive: false });
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

  jump(byS) {
    const target = clamp(this.transport.position() + byS, 0, this.piece.durationS);
    this.seek(target, `At ${seconds(target)} s`);
  }

  // -- showing

  saidPosition(value) {
    return `${seconds(value)} of ${seconds(this.piece.durationS)} seconds`;
  }

  // Put an element over a region of time; what lies outside of the view is cut off by the overlay.
  over(element, [startS, endS]) {
    element.style.left = `${100 * this.view.share(startS)}%`;
    element.style.width = `${(100 * (endS - startS)) / this.view.widthS}%`;
  }

  showRegion(loop, on) {
    this.region.hidden = !loop;
    if (!loop) return;
    this.over(this.region, loop);
    this.region.classList.toggle("mss-off", !on);
  }

  showCuts(row) {
    const cuts = this.state.cuts[row.name] ?? [];
    row.regions.replaceChildren(
      ...cuts.map((region) => {
        const element = make("i", {});
        this.over(element, region);
        return element;
      }),
    );
    const [start, end] = this.state.loop ?? [Infinity, -Infinity];
    press(row.cut, cuts.some((region) => region[1] > start && region[0] < end));
  }

  refresh(words = null) {
    const { state, piece } = this;
    const { playing } = this.transport;
    this.playButton.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.playButton.classList.toggle("mss-on", playing);
    this.root.dataset.playing = String(playing);
    press(this.loopButton, state.loopOn);
    press(this.slowButton, state.speed !== 1);
    this.versionButtons.forEach((button, index) => press(button, index === state.version));
    if (this.matchButton) press(this.matchButton, state.levelMatched);
    for (const row of this.rows) {
      press(row.solo, state.solo.includes(row.name));
      press(row.mute, state.mute.includes(row.name));
      row.element.classList.toggle("mss-silent", !isHeard(state, row.name));
      this.showCuts(row);
    }
    this.showRegion(state.loop, state.loopOn);
    if (words !== null) this.status.textContent = words;
    this.showTime();
  }

  showTime() {
    const position = this.transport.heardPosition();
    const { durationS } = this.piece;
    if (this.transport.playing) this.view.follow(position);
    this.playhead.style.left = `${100 * this.view.share(position)}%`;
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
      set: (changes) => this.set(changes, null, ["loop", "loopOn", "speed", "cuts"].some((name) => name in changes)),
      play: () => (this.transport.playing ? Promise.resolve() : this.toggle()),
      pause: () => (this.transport.playing ? this.toggle() : Promise.resolve()),
      seek: (toS) => this.seek(toS),
      position: () => this.transport.position(),
      playing: () => this.transport.playing,
      // Which of Python's sounds the loudspeaker has.
      heardRevision: () => this.transport.run?.revision ?? null,
      // The share of a long piece that has arrived.
      loaded: () => this.piece.sounds.share,
      view: () => [this.view.fromS, this.view.toS],
      contextState: () => this.transport.context?.state ?? "none",
      renderOffline: (changes = {}, options = {}) => renderOffline(this.piece, { ...this.state, ...changes }, options),
    };
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.unwatch();
    document.removeEventListener(STARTED, this.onStarted);
    this.model.off("change:content", this.onContent);
    this.model.off("change:pictures", this.onPictures);
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
