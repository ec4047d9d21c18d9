// The MIDI file of a piano roll, which Python writes and the page saves.

import { receiveFiles } from "./upload.js";
import { save } from "./wav.js";

let rolls = 0;

export class RollFile {
  constructor(roll) {
    this.roll = roll;
    this.request = { view: `${Date.now()}-${rolls++}`, count: 0 };
    this.close = receiveFiles(roll.model, this.request.view, (name, blob) => {
      save(blob, name);
      roll.say(`Saved ${name}`);
    });
  }

  // The request goes to Python with the newest notes, not before them.
  save() {
    this.request = { ...this.request, count: this.request.count + 1 };
    this.roll.plan("midi");
    this.roll.say("The MIDI file is being written");
  }
}
