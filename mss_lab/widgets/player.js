// The player's front end: the audio graph, the transport that runs it, and the page that shows and controls it.
// Python (player.py) sends `content` (a description), `samples` (16-bit integers) and `pictures` (8-bit strips).

// Long enough to avoid a click, short enough to sound immediate.
const FADE_S = 0.01;
// Sources are scheduled a little in advance, so that all start on the same sample.
const AHEAD_S = 0.03;
const LEAST_LOOP_S = 0.05;
const LOWEST_DB = -48;
const HIGHEST_DB = 12;
const STARTED = "mss-lab-player-started";

const toGain = (db) => (db <= LOWEST_DB ? 0 : 10 ** (db / 20));
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

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

// ---- the audio graph -----------------------------------------------------------------------------------------------

export function isHeard(state, name) {
  return state.solo.length ? state.solo.includes(name) : !state.mute.includes(name);
}

function loopOf(piece, state) {
  if (!state.loopOn) return null;
  return state.loop ?? [0, piece.durationS];
}

// Source -> stem gain -> version gain -> master gain -> context. The same function is used for playing and for the
// offline rendering that tests measure. Returns `start` (all stems on one moment), `apply` (new state), `stop`.
export function buildGraph(context, piece, state) {
  const params = [];
  const add = (target, into) => {
    const node = context.createGain();
    node.gain.value = target(state);
    node.connect(into);
    params.push({ param: node.gain, target, last: node.gain.value });
    return node;
  };
  const run = context.createGain();
  run.connect(context.destination);
  const master = add((s) => toGain(piece.headroomDb) * toGain(s.masterDb), run);
  const sources = [];
  piece.versions.forEach((version, index) => {
    const versionGain = add((s) => {
      if (s.version !== index) return 0;
      return s.levelMatched ? toGain(version.gainDb) : 1;
    }, master);
    for (const [name, buffer] of Object.entries(version.buffers)) {
      const source = context.createBufferSource();
      source.buffer = buffer;
      const loop = loopOf(piece, state);
      if (loop) [source.loop, source.loopStart, source.loopEnd] = [true, ...loop];
      source.connect(add((s) => (isHeard(s, name) ? toGain(s.levelsDb[name] ?? 0) : 0), versionGain));
      sources.push(source);
    }
  });
  return {
    sources,
    start(when, positionS, fadeIn) {
      if (fadeIn) {
        run.gain.setValueAtTime(0, when);
        run.gain.linearRampToValueAtTime(1, when + FADE_S);
      }
      for (const source of sources) source.start(when, positionS);
    },
    // Linear ramps on both sides: two versions of one mixture are similar, so their sum keeps its level.
    apply(next, when) {
      for (const item of params) {
        const value = item.target(next);
        if (value === item.last) continue;
        item.param.cancelScheduledValues(when);
        item.param.setValueAtTime(item.last, when);
        item.param.linearRampToValueAtTime(value, when + FADE_S);
        item.last = value;
      }
    },
    stop(when) {
      run.gain.cancelScheduledValues(when);
      run.gain.setValueAtTime(1, when);
      run.gain.linearRampToValueAtTime(0, when + FADE_S);
      for (const source of sources) source.stop(when + FADE_S);
    },
  };
}

// What the player would sound like from `startS`: one Float32Array per channel. `changes` are later states,
// [{ atS, state }], timed from the start of the rendering.
export async function renderOffline(piece, state, { startS = 0, durationS = null, changes = [] } = {}) {
  const length = Math.max(1, Math.round((durationS ?? piece.durationS - startS) * piece.sampleRate));
  const context = new OfflineAudioContext(piece.channels, length, piece.sampleRate);
  const graph = buildGraph(context, piece, state);
  graph.start(0, startS, startS > 0);
  for (const change of changes) graph.apply({ ...state, ...change.state }, change.atS);
  const rendered = await context.startRendering();
  return Array.from({ length: piece.channels }, (_, channel) => rendered.getChannelData(channel));
}

// ---- the transport: play, pause, seek on one clock -----------------------------------------------------------------

class Transport {
  constructor(piece, state, changed) {
    Object.assign(this, { piece, state, changed, context: null, run: null, restS: 0 });
  }

  get playing() {
    return this.run !== null;
  }

  position(at = this.context?.currentTime ?? 0) {
    if (!this.run) return this.restS;
    let position = this.run.fromS + Math.max(0, at - this.run.when);
    const loop = loopOf(this.piece, this.state);
    if (loop && position > loop[1]) position = loop[0] + ((position - loop[0]) % (loop[1] - loop[0]));
    return Math.min(position, this.piece.durationS);
  }

  // The sound that is audible now left the graph a moment ago.
  heardPosition() {
    if (!this.run) return this.restS;
    return this.position(this.context.currentTime - (this.context.outputLatency || 0));
  }

  async play() {
    if (this.run) return;
    if (!this.context) {
      try {
        this.context = new AudioContext({ sampleRate: this.piece.sampleRate, latencyHint: "interactive" });
      } catch {
        this.context = new AudioContext();
      }
    }
    document.dispatchEvent(new CustomEvent(STARTED, { detail: this }));
    this.startRun(this.restS >= this.piece.durationS ? 0 : this.restS);
    await this.context.resume();
  }

  startRun(fromS) {
    const loop = loopOf(this.piece, this.state);
    if (loop && (fromS < loop[0] - 1e-6 || fromS >= loop[1])) fromS = loop[0];
    const when = this.context.currentTime + AHEAD_S;
    this.run?.graph.stop(when);
    const graph = buildGraph(this.context, this.piece, this.state);
    const run = { graph, when, fromS, revision: this.piece.revision };
    graph.start(when, fromS, fromS > 0);
    graph.sources[0].onended = () => {
      if (this.run !== run) return;
      this.run = null;
      this.restS = 0;
      this.idle();
      this.changed("Reached the end");
    };
    this.run = run;
  }

  pause() {
    if (!this.run) return;
    this.restS = this.heardPosition();
    this.run.graph.stop(this.context.currentTime);
    this.run = null;
    this.idle();
  }

  // A context that is not playing still uses power.
  idle() {
    setTimeout(() => !this.run && this.context?.state === "running" && this.context.suspend(), 200);
  }

  seek(toS) {
    const target = clamp(toS, 0, this.piece.durationS);
    if (this.run) this.startRun(Math.min(target, this.piece.durationS - 0.001));
    else this.restS = target;
  }

  // Gains move within the running graph; a loop or other sounds need new sources, started at the same position.
  update(state, restart) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.state = state;
    if (!this.run) return;
    if (restart) this.startRun(position);
    else this.run.graph.apply(state, this.context.currentTime);
  }

  replace(piece, state) {
    const position = this.run ? this.position(this.context.currentTime + AHEAD_S) : this.restS;
    this.piece = piece;
    this.state = state;
    this.restS = Math.min(this.restS, piece.durationS);
    if (this.run) this.startRun(position >= piece.durationS ? 0 : position);
  }

  close() {
    this.pause();
    this.context?.close();
  }
}

// ---- pictures ------------------------------------------------------------------------------------------------------

function lookup(palette) {
  const stops = palette.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, value) => {
    const at = (value / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    return stops[left].map((channel, i) => channel + (stops[left + 1][i] - channel) * (at - left));
  });
}

function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  return { pen, ratio, width: canvas.width, height: canvas.height };
}

function drawWave(canvas, buffer, peak, colour) {
  const { pen, ratio, width, height } = fit(canvas);
  pen.fillStyle = colour;
  const middle = height / 2;
  const scale = (0.48 * height) / (peak || 1);
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, c) => buffer.getChannelData(c));
  const step = buffer.length / width;
  for (let x = 0; x < width; x++) {
    let low = Infinity;
    let high = -Infinity;
    const end = Math.max(Math.floor(x * step) + 1, Math.floor((x + 1) * step));
    for (const samples of channels) {
      for (let i = Math.floor(x * step); i < end && i < samples.length; i++) {
        if (samples[i] < low) low = samples[i];
        if (samples[i] > high) high = samples[i];
      }
    }
    if (low > high) continue;
    const top = middle - high * scale;
    pen.fillRect(x, Math.min(top, middle - ratio / 2), 1, Math.max((high - low) * scale, ratio));
  }
}

function drawStrip(canvas, piece, stem, colours) {
  const { pen, ratio, width, height } = fit(canvas);
  const { rows, columns, columnS, firstS, lowHz, highHz, ticksHz } = piece.strip;
  const image = new ImageData(columns, rows);
  const from = stem * rows * columns;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [r, g, b] = colours[piece.pixels.getUint8(from + row * columns + column)];
      // Row 0 is the lowest frequency and belongs at the bottom.
      image.data.set([r, g, b, 255], 4 * ((rows - 1 - row) * columns + column));
    }
  }
  const small = document.createElement("canvas");
  [small.width, small.height] = [columns, rows];
  small.getContext("2d").putImageData(image, 0, 0);
  const perSecond = width / piece.durationS;
  pen.fillStyle = piece.palette[0];
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(small, firstS * perSecond, 0, columns * columnS * perSecond, height);
  pen.font = `${10 * ratio}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  for (const hz of ticksHz) {
    if (hz < lowHz || hz > highHz) continue;
    const y = height * (1 - Math.log(hz / lowHz) / Math.log(highHz / lowHz));
    pen.fillStyle = "rgb(255 255 255 / 55%)";
    pen.fillRect(0, y, 5 * ratio, ratio);
    const label = hz >= 1000 ? `${hz / 1000}k` : `${hz}`;
    pen.strokeStyle = "rgb(0 0 0 / 70%)";
    pen.lineWidth = 2.5 * ratio;
    pen.strokeText(label, 8 * ratio, y);
    pen.fillStyle = "rgb(255 255 255 / 92%)";
    pen.fillText(label, 8 * ratio, y);
  }
}

function drawAxis(canvas, durationS) {
  const { pen, ratio, width, height } = fit(canvas);
  const colour = getComputedStyle(canvas).color;
  pen.fillStyle = colour;
  pen.font = `${11 * ratio}px system-ui, sans-serif`;
  pen.textBaseline = "bottom";
  const about = durationS / Math.max(2, width / ratio / 80);
  const power = 10 ** Math.floor(Math.log10(about));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= about);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let i = 0; i * step <= durationS + 1e-9; i++) {
    const x = (i * step * width) / durationS;
    pen.fillRect(Math.min(x, width - ratio), 0, ratio, 4 * ratio);
    const text = `${(i * step).toFixed(digits)} s`;
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, clamp(x - half, 0, width - 2 * half), height);
  }
}

// ---- the page ------------------------------------------------------------------------------------------------------

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

const seconds = (value) => value.toFixed(1);
const decibels = (value) => (value <= LOWEST_DB ? "off" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value)} dB`);

function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

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
