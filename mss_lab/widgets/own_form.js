// The form of the panel "Separate your own". Python (own_form.py) sends `content`, `stage` and `limits`; the page sends
// files in pieces, `choices`, and the buttons that are pressed.

import { button, make } from "./shared/dom.js";
import { watchKernel } from "./shared/kernel.js";
import { decodedWav, record } from "./shared/microphone.js";
import { receiveFiles, sendFile } from "./shared/upload.js";
import { save } from "./shared/wav.js";

const ALIGNMENTS = [
  ["none", "Off: its times are those of the recording"],
  ["auto", "Auto: move its notes to where they sound"],
];
let forms = 0;

const seconds = (value) => `${value.toFixed(0)} s`;
const ending = (name) => (/\.[^.]*$/.exec(name) ?? [""])[0].toLowerCase();
const size = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toPrecision(3)} GB` : `${(bytes / 1e6).toPrecision(3)} MB`);

class OwnForm {
  constructor(model, el) {
    this.model = model;
    this.view = `${Date.now()}-${forms++}`;
    this.limits = model.get("limits");
    this.sending = {};
    this.build(el);
    this.onContent = () => this.showContent();
    this.onChoices = () => this.showChoices();
    this.onStage = () => this.showStage();
    model.on("change:content", this.onContent);
    model.on("change:choices", this.onChoices);
    model.on("change:stage", this.onStage);
    this.unwatch = watchKernel(model, this.root);
    this.unreceive = receiveFiles(model, this.view, (name, blob) => save(blob, name));
    this.showContent();
    this.showStage();
  }

  // -- building

  build(el) {
    this.root = make(
      "div",
      {
        class: "mss-card mss-own",
        role: "group",
        "aria-label": this.limits.title,
        // JupyterLab's own shortcuts must not use our keys.
        "data-lm-suppress-shortcuts": "true",
      },
      make("div", { class: "mss-title" }, this.limits.title),
      this.recordingPart(),
      this.scorePart(),
      this.methodPart(),
      this.excerptPart(),
      this.actions(),
    );
    // Nothing typed here may reach the notebook, where a letter can delete a cell.
    this.root.addEventListener("keydown", (event) => {
      if (!event.ctrlKey && !event.metaKey && event.key !== "Escape") event.stopPropagation();
    });
    el.append(this.root);
  }

  part(label, ...children) {
    return make("div", { class: "mss-part", role: "group", "aria-label": label }, make("b", {}, label), ...children);
  }

  // A line that says what there is of a file, a bar while it is sent, and what is wrong with it.
  fileLine(role) {
    const there = make("div", { class: "mss-there" });
    const bar = make("progress", { max: 1, value: 0, "aria-label": `${role} is sent`, hidden: "" });
    const note = make("div", { class: "mss-note", role: "alert" });
    this.files ??= {};
    this.files[role] = { there, bar, note };
    return [there, bar, note];
  }

  recordingPart() {
    const most = `${this.limits.audioEndings.map((each) => each.slice(1).toUpperCase()).join(", ")}, up to ${size(this.limits.mostBytes)}`;
    this.audioInput = make("input", { type: "file", "aria-label": "Recording, an audio file", accept: "audio/*,video/*,.flac,.ogg" });
    this.audioInput.addEventListener("change", () => this.chosen("recording", this.audioInput));
    this.recordButton = button("Record", "Record", "Record from the microphone", () => this.toggleRecording());
    this.clock = make("span", { class: "mss-elapsed", "aria-hidden": "true" });
    const line = make("div", { class: "mss-fields" }, this.audioInput, make("span", {}, "or"), this.recordButton, this.clock);
    const hint = make("div", { class: "mss-hint" }, `${most}. It stays on the computer on which Python runs.`);
    return this.part("Recording", line, hint, ...this.fileLine("recording"));
  }

  scorePart() {
    this.scoreInput = make("input", {
      type: "file",
      "aria-label": "Score: MIDI, MusicXML or CSV",
      accept: this.limits.scoreEndings.join(","),
    });
    this.scoreInput.addEventListener("change", () => this.chosen("score", this.scoreInput));
    this.removeButton = button("Remove the score", "Remove", "Separate without a score", () => {
      this.scoreInput.value = "";
      this.files.score.note.textContent = "";
      this.model.send({ kind: "remove-score" });
    });
    this.align = this.select("Alignment of the score", ALIGNMENTS, (align) => this.choose({ align }));
    const line = make("div", { class: "mss-fields" }, this.scoreInput, this.removeButton);
    this.alignLine = make("label", { class: "mss-fields" }, "Alignment", this.align);
    return this.part("Score, if you have it", line, ...this.fileLine("score"), this.alignLine);
  }

  methodPart() {
    this.method = make("select", { "aria-label": "Method", class: "mss-method" });
    this.method.addEventListener("change", () => {
      this.model.send({ kind: "chosen" });
      this.choose({ method: this.method.value, options: {} });
    });
    this.facts = make("div", { class: "mss-facts", "aria-live": "polite" });
    this.options = make("div", { class: "mss-options" });
    this.fold = make("details", {}, make("summary", {}, "Options"), this.options);
    return this.part("Method", this.method, this.facts, this.fold);
  }

  excerptPart() {
    this.from = this.number("From, in seconds", { min: 0, step: "any" }, (value) => this.choose({ start_s: value ?? 0 }));
    this.to = this.number("To, in seconds; empty for the end", { min: 0, step: "any", placeholder: "end" }, (value) =>
      this.choose({ end_s: value }),
    );
    const line = make("div", { class: "mss-fields" }, "From", this.from, "to", this.to, "seconds");
    return this.part("Excerpt", line);
  }

  actions() {
    this.go = button("Separate", "Separate", "Separate the recording with this method", () =>
      this.model.send({ kind: "separate", choices: this.model.get("choices") }),
    );
    this.go.classList.add("mss-go");
    this.stop = button("Stop", "Stop", "Throw the result of this run away", () => this.model.send({ kind: "stop" }));
    this.keep = button("Save stems", "Save stems", "A zip file with a FLAC file for each stem", () =>
      this.model.send({ kind: "save", view: this.view }),
    );
    this.stage = make("span", { role: "status" });
    this.elapsed = make("span", { class: "mss-elapsed", "aria-hidden": "true" });
    return make("div", { class: "mss-fields mss-actions" }, this.go, this.stop, this.keep, this.stage, this.elapsed);
  }

  select(label, choices, action) {
    const element = make("select", { "aria-label": label }, ...choices.map(([value, text]) => make("option", { value }, text)));
    element.addEventListener("change", () => action(element.value));
    return element;
  }

  // `action` receives a number, or null for an empty field.
  number(label, attributes, action) {
    const element = make("input", { type: "number", "aria-label": label, ...attributes });
    element.addEventListener("change", () => action(Number.isNaN(element.valueAsNumber) ? null : element.valueAsNumber));
    return element;
  }

  // -- files

  async chosen(role, input) {
    const [file] = input.files;
    if (!file) return;
    const { note } = this.files[role];
    note.textContent = "";
    if (file.size > this.limits.mostBytes) {
      input.value = "";
      note.textContent = `${file.name} has ${size(file.size)}, and ${this.limits.mostWords}`;
      return;
    }
    await this.send(role, role === "recording" ? await this.readable(file) : file);
    // So that the same file can be chosen again.
    input.value = "";
  }

  // Python reads some formats; of the others a browser can decode many, such as M4A and WebM.
  async readable(file) {
    const { audioEndings } = this.limits;
    if (audioEndings.includes(ending(file.name)) || !/^(audio|video)\//.test(file.type)) return file;
    try {
      const wav = await decodedWav(file, `${file.name}.wav`);
      return wav.size <= this.limits.mostBytes ? wav : file;
    } catch {
      return file;
    }
  }

  async send(role, file) {
    const { bar, note } = this.files[role];
    this.sending[role]?.abort();
    const control = new AbortController();
    this.sending[role] = control;
    bar.hidden = false;
    bar.value = 0;
    const words = await sendFile(this.model, role, file, (share) => (bar.value = share), control.signal);
    if (this.sending[role] !== control) return;
    bar.hidden = true;
    note.textContent = words;
  }

  async toggleRecording() {
    const { note } = this.files.recording;
    if (this.recorder) {
      this.recorder.stop();
      return;
    }
    note.textContent = "";
    try {
      this.recorder = await record(this.limits.mostRecordedS, (file, words) => this.recorded(file, words));
    } catch (error) {
      note.textContent = error.message;
      return;
    }
    if (this.closed) this.recorder.stop();
    this.nameRecording("Stop recording");
    const began = performance.now();
    this.clock.textContent = seconds(0);
    this.ticking = setInterval(() => (this.clock.textContent = seconds((performance.now() - began) / 1000)), 200);
  }

  recorded(file, words) {
    clearInterval(this.ticking);
    this.recorder = null;
    this.nameRecording("Record");
    this.clock.textContent = "";
    if (this.closed) return;
    this.files.recording.note.textContent = words;
    if (file) this.send("recording", file);
  }

  nameRecording(name) {
    this.recordButton.textContent = name;
    this.recordButton.setAttribute("aria-label", name);
  }

  // -- choices

  choose(changes) {
    this.model.set("choices", { ...this.model.get("choices"), ...changes });
    this.model.save_changes();
  }

  showChoices() {
    const { method, align, start_s: startS, end_s: endS } = this.model.get("choices");
    this.method.value = method;
    this.align.value = align;
    this.from.value = startS;
    this.to.value = endS ?? "";
    this.showMethod();
  }

  showMethod() {
    const { method, options } = this.model.get("choices");
    const chosen = this.model.get("content").methods.find(({ name }) => name === method);
    if (!chosen) return;
    const lines = [`${chosen.title}.`, ...chosen.facts];
    if (chosen.reason) lines.unshift(`Not for this recording: ${method} ${chosen.reason}.`);
    const text = lines.join("\n");
    if (this.facts.innerText !== text) this.facts.replaceChildren(...lines.map((line) => make("div", {}, line)));
    this.fold.hidden = chosen.options.length === 0;
    if (this.shownOptions === method) {
      if (!Object.keys(options).length) this.optionInputs.forEach((reset) => reset());
      return;
    }
    this.shownOptions = method;
    this.optionInputs = [];
    this.options.replaceChildren(...chosen.options.map((option) => this.option(option, options)));
  }

  option(option, values) {
    const { name, kind } = option;
    const set = (value) => {
      const { [name]: _, ...others } = this.model.get("choices").options;
      this.choose({ options: value === null ? others : { ...others, [name]: value } });
    };
    let input;
    if (kind === "number") {
      const attributes = { min: option.low, max: option.high, step: option.whole ? 1 : "any" };
      input = this.number(name, { ...attributes, placeholder: "by itself" }, set);
    } else if (kind === "switch") {
      input = make("input", { type: "checkbox", "aria-label": name });
      input.addEventListener("change", () => set(input.checked));
    } else input = this.select(name, option.choices.map((word) => [word, word]), set);
    const show = (value) => {
      if (kind === "switch") input.checked = value;
      else input.value = typeof value === "number" ? Number(value.toPrecision(4)) : (value ?? "");
    };
    show(values[name] ?? option.default);
    this.optionInputs.push(() => show(option.default));
    return make("label", { class: "mss-fields" }, name, input, make("span", { class: "mss-hint" }, option.words));
  }

  // -- showing

  showContent() {
    const { recording, score, methods, canSave } = this.model.get("content");
    this.files.recording.there.textContent = recording;
    this.files.score.there.textContent = score;
    this.removeButton.hidden = !score;
    this.alignLine.hidden = !score;
    this.hasRecording = Boolean(recording);
    this.keep.hidden = !canSave;
    const entry = ({ name, reason }) =>
      make("option", { value: name, disabled: reason ? "" : null }, reason ? `${name}: ${reason}` : name);
    const groups = [
      ["Ready", methods.filter(({ reason }) => !reason)],
      ["Not for this recording", methods.filter(({ reason }) => reason)],
    ];
    this.method.replaceChildren(
      ...groups
        .filter(([, members]) => members.length)
        .map(([label, members]) => make("optgroup", { label }, ...members.map(entry))),
    );
    this.showChoices();
    this.showButtons();
  }

  showStage() {
    const stage = this.model.get("stage");
    this.stage.textContent = stage;
    clearInterval(this.counting);
    if (stage) {
      this.began ??= performance.now();
      const tick = () => (this.elapsed.textContent = seconds((performance.now() - this.began) / 1000));
      tick();
      this.counting = setInterval(tick, 500);
    } else {
      this.began = null;
      this.elapsed.textContent = "";
    }
    this.showButtons();
  }

  showButtons() {
    const busy = Boolean(this.model.get("stage"));
    this.go.disabled = busy || !this.hasRecording;
    this.stop.hidden = !busy;
  }

  close() {
    this.closed = true;
    clearInterval(this.ticking);
    clearInterval(this.counting);
    this.recorder?.stop();
    Object.values(this.sending).forEach((control) => control.abort());
    this.unwatch();
    this.unreceive();
    this.model.off("change:content", this.onContent);
    this.model.off("change:choices", this.onChoices);
    this.model.off("change:stage", this.onStage);
  }
}

export default {
  render({ model, el }) {
    const form = new OwnForm(model, el);
    return () => form.close();
  },
};
