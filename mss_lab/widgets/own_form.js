// The form of the panel "Separate your own". Python (own_form.py) sends `content`, `stage` and `limits`; the page sends
// files in pieces, `choices`, and the buttons that are pressed.

import { button, make } from "./shared/dom.js";
import { FileLine, inSeconds, SoundLine } from "./shared/file_line.js";
import { watchKernel } from "./shared/kernel.js";
import { receiveFiles } from "./shared/upload.js";
import { save } from "./shared/wav.js";

const ALIGNMENTS = [
  ["none", "Off: its times are those of the recording"],
  ["auto", "Auto: move its notes to where they sound"],
];
let forms = 0;

class OwnForm {
  constructor(model, el) {
    this.model = model;
    this.view = `${Date.now()}-${forms++}`;
    this.limits = model.get("limits");
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
        class: "mss-card mss-panel mss-own",
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

  recordingPart() {
    this.recording = new SoundLine(this.model, "recording", "Recording, an audio file", this.limits);
    const { fields, hint, below } = this.recording;
    return this.part("Recording", fields, hint, ...below);
  }

  scorePart() {
    const accept = this.limits.scoreEndings.join(",");
    this.score = new FileLine(this.model, "score", "Score: MIDI, MusicXML or CSV", accept, this.limits);
    this.removeButton = button("Remove the score", "Remove", "Separate without a score", () => {
      this.score.input.value = "";
      this.score.note.textContent = "";
      this.model.send({ kind: "remove-score" });
    });
    this.align = this.select("Alignment of the score", ALIGNMENTS, (align) => this.choose({ align }));
    const line = make("div", { class: "mss-fields" }, this.score.input, this.removeButton);
    this.alignLine = make("label", { class: "mss-fields" }, "Alignment", this.align);
    return this.part("Score, if you have it", line, ...this.score.below, this.alignLine);
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
    this.recording.there.textContent = recording;
    this.score.there.textContent = score;
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
      const tick = () => (this.elapsed.textContent = inSeconds((performance.now() - this.began) / 1000));
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
    clearInterval(this.counting);
    this.recording.close();
    this.score.close();
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
