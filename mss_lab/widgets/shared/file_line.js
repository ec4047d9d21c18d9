// A line of a panel for a file that is sent to Python, with a bar while it travels and words about what is wrong with it;
// and the same for a sound, which may also come from the microphone.

import { button, make } from "./dom.js";
import { decodedWav, record } from "./microphone.js";
import { sendFile } from "./upload.js";

const endingOf = (name) => (/\.[^.]*$/.exec(name) ?? [""])[0].toLowerCase();
const sizeOf = (bytes) => (bytes >= 1e9 ? `${(bytes / 1e9).toPrecision(3)} GB` : `${(bytes / 1e6).toPrecision(3)} MB`);
export const inSeconds = (value) => `${value.toFixed(0)} s`;

// `limits` has mostBytes and mostWords, as Python sends them.
export class FileLine {
  constructor(model, role, label, accept, limits) {
    this.model = model;
    this.role = role;
    this.limits = limits;
    this.input = make("input", { type: "file", "aria-label": label, accept });
    this.input.addEventListener("change", () => this.chosen());
    this.there = make("div", { class: "mss-there" });
    this.bar = make("progress", { max: 1, value: 0, "aria-label": `${role} is sent`, hidden: "" });
    this.note = make("div", { class: "mss-note", role: "alert" });
  }

  // What stands below the line of the file.
  get below() {
    return [this.there, this.bar, this.note];
  }

  async chosen() {
    const [file] = this.input.files;
    if (!file) return;
    this.note.textContent = "";
    if (file.size > this.limits.mostBytes) {
      this.input.value = "";
      this.note.textContent = `${file.name} has ${sizeOf(file.size)}, and ${this.limits.mostWords}`;
      return;
    }
    await this.send(await this.readable(file));
    // So that the same file can be chosen again.
    this.input.value = "";
  }

  async readable(file) {
    return file;
  }

  async send(file) {
    this.sending?.abort();
    const control = new AbortController();
    this.sending = control;
    this.bar.hidden = false;
    this.bar.value = 0;
    const words = await sendFile(this.model, this.role, file, (share) => (this.bar.value = share), control.signal);
    if (this.sending !== control) return;
    this.bar.hidden = true;
    this.note.textContent = words;
  }

  close() {
    this.closed = true;
    this.sending?.abort();
  }
}

// `limits` has audioEndings and mostRecordedS, too.
export class SoundLine extends FileLine {
  constructor(model, role, label, limits) {
    super(model, role, label, "audio/*,video/*,.flac,.ogg", limits);
    this.recordButton = button("Record", "Record", "Record from the microphone", () => this.toggle());
    this.clock = make("span", { class: "mss-elapsed", "aria-hidden": "true" });
  }

  // The line itself.
  get fields() {
    return make("div", { class: "mss-fields" }, this.input, make("span", {}, "or"), this.recordButton, this.clock);
  }

  get hint() {
    const formats = this.limits.audioEndings.map((each) => each.slice(1).toUpperCase()).join(", ");
    const words = `${formats}, up to ${sizeOf(this.limits.mostBytes)}. It stays on the computer on which Python runs.`;
    return make("div", { class: "mss-hint" }, words);
  }

  // Python reads some formats; of the others a browser can decode many, such as M4A and WebM.
  async readable(file) {
    const { audioEndings, mostBytes } = this.limits;
    if (audioEndings.includes(endingOf(file.name)) || !/^(audio|video)\//.test(file.type)) return file;
    try {
      const wav = await decodedWav(file, `${file.name}.wav`);
      return wav.size <= mostBytes ? wav : file;
    } catch {
      return file;
    }
  }

  async toggle() {
    if (this.recorder) {
      this.recorder.stop();
      return;
    }
    this.note.textContent = "";
    try {
      this.recorder = await record(this.limits.mostRecordedS, (file, words) => this.recorded(file, words));
    } catch (error) {
      this.note.textContent = error.message;
      return;
    }
    if (this.closed) this.recorder.stop();
    this.nameButton("Stop recording");
    const began = performance.now();
    this.clock.textContent = inSeconds(0);
    this.ticking = setInterval(() => (this.clock.textContent = inSeconds((performance.now() - began) / 1000)), 200);
  }

  recorded(file, words) {
    clearInterval(this.ticking);
    this.recorder = null;
    this.nameButton("Record");
    this.clock.textContent = "";
    if (this.closed) return;
    this.note.textContent = words;
    if (file) this.send(file);
  }

  nameButton(name) {
    this.recordButton.textContent = name;
    this.recordButton.setAttribute("aria-label", name);
  }

  close() {
    super.close();
    clearInterval(this.ticking);
    this.recorder?.stop();
  }
}
