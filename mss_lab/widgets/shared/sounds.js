// The sounds of a piece. Short pieces come as 16-bit integers of all stems in one buffer. Long pieces come as FLAC, in
// chunks of all stems that arrive one after another; only the chunks that are needed now are kept decoded.

// About a minute and a half of five stereo stems at 44.1 kHz.
const MOST_DECODED_BYTES = 160 * 2 ** 20;
const LEAST_DECODED = 4;

// Where the page keeps the sounds of a model: two views of one player share them.
const soundsOfModel = new WeakMap();

export function soundsOf(model) {
  const kept = soundsOfModel.get(model);
  const content = model.get("content");
  if (kept?.revision === content.revision) return kept;
  const sounds = new Sounds(content, model.get("samples"), model.get("envelopes"));
  soundsOfModel.set(model, sounds);
  if (sounds.compressed) ask(model, sounds);
  return sounds;
}

// Python sends the chunks when it is asked, since only then somebody listens.
function ask(model, sounds) {
  const take = (message, buffers) => {
    if (message.revision !== sounds.revision) return;
    sounds.put(message.chunk, buffers);
    if (sounds.arrived === sounds.count) model.off("msg:custom", take);
  };
  model.on("msg:custom", take);
  model.send({ kind: "chunks", revision: sounds.revision });
}

function aligned(view, type) {
  const size = type.BYTES_PER_ELEMENT;
  if (view.byteOffset % size === 0) return new type(view.buffer, view.byteOffset, view.byteLength / size);
  return new type(view.buffer.slice(view.byteOffset, view.byteOffset + view.byteLength));
}

export class Sounds {
  constructor(content, samples, envelopes) {
    const { revision, channels, sampleRate, scales, chunkSamples, blockSamples } = content;
    Object.assign(this, { revision, channels, sampleRate, scales, blockSamples });
    this.length = content.samples;
    this.stems = scales.length;
    this.compressed = chunkSamples > 0;
    if (!this.compressed) {
      this.integers = aligned(samples, Int16Array);
      return;
    }
    this.chunkSamples = chunkSamples;
    this.count = Math.ceil(this.length / chunkSamples);
    this.envelopes = aligned(envelopes, Int16Array);
    this.blocks = Math.ceil(this.length / blockSamples);
    this.packed = new Array(this.count).fill(null);
    this.arrived = 0;
    this.decoded = new Map();
    this.waiting = new Map();
    this.onArrival = new Set();
    const bytes = 4 * channels * chunkSamples * this.stems;
    this.mostDecoded = Math.max(LEAST_DECODED, Math.floor(MOST_DECODED_BYTES / bytes));
  }

  put(chunk, buffers) {
    if (!this.packed[chunk]) this.arrived += 1;
    // A copy: the view can belong to a message that holds more than this chunk.
    this.packed[chunk] = buffers.map((view) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice());
    for (const listener of this.onArrival) listener(chunk);
  }

  // The share of the piece that has arrived.
  get share() {
    return this.compressed ? this.arrived / this.count : 1;
  }

  // True if the samples can be read now, else a promise that they can.
  ready(from, length) {
    if (!this.compressed) return true;
    const first = Math.max(0, Math.floor(from / this.chunkSamples));
    const last = Math.min(this.count - 1, Math.floor((from + Math.max(1, length) - 1) / this.chunkSamples));
    const missing = [];
    for (let chunk = first; chunk <= last; chunk++) {
      const kept = this.decoded.get(chunk);
      if (!kept) missing.push(this.decode(chunk));
      else {
        // The order of the map is the order of use: the first is the one to give up.
        this.decoded.delete(chunk);
        this.decoded.set(chunk, kept);
      }
    }
    return missing.length ? Promise.all(missing) : true;
  }

  decode(chunk) {
    if (!this.waiting.has(chunk)) {
      this.waiting.set(
        chunk,
        this.unpack(chunk).finally(() => this.waiting.delete(chunk)),
      );
    }
    return this.waiting.get(chunk);
  }

  async unpack(chunk) {
    if (!this.packed[chunk]) {
      await new Promise((done) => {
        const listener = (arrived) => {
          if (arrived !== chunk) return;
          this.onArrival.delete(listener);
          done();
        };
        this.onArrival.add(listener);
      });
    }
    const context = new OfflineAudioContext(this.channels, 1, this.sampleRate);
    // Decoding takes the bytes away from their owner, so it gets a copy.
    const buffers = await Promise.all(this.packed[chunk].map((bytes) => context.decodeAudioData(bytes.slice().buffer)));
    this.decoded.set(chunk, buffers);
    for (const oldest of this.decoded.keys()) {
      if (this.decoded.size <= this.mostDecoded) break;
      this.decoded.delete(oldest);
    }
  }

  // Write samples of a stem from sample `from` on; outside of the piece they are 0. They must be ready.
  read(target, stem, channel, from) {
    const start = Math.max(0, -from);
    const end = Math.min(target.length, this.length - from);
    if (!this.compressed) {
      const scale = this.scales[stem];
      const offset = (stem * this.channels + channel) * this.length + from;
      for (let i = start; i < end; i++) target[i] = this.integers[offset + i] * scale;
      return target;
    }
    const scale = this.scales[stem] * 32768;
    for (let i = start; i < end; ) {
      const chunk = Math.floor((from + i) / this.chunkSamples);
      const within = from + i - chunk * this.chunkSamples;
      const samples = this.decoded.get(chunk)[stem].getChannelData(channel);
      const stop = Math.min(end, i + this.chunkSamples - within);
      // A file that was compressed with loss can be some samples shorter than its chunk.
      for (let j = within; i < stop; i++, j++) target[i] = (samples[j] ?? 0) * scale;
    }
    return target;
  }

  // Lowest and highest sample over all channels, for drawing: of long pieces by blocks, until one looks closer.
  range(stem, from, to) {
    let low = Infinity;
    let high = -Infinity;
    if (this.compressed) {
      const first = Math.floor(from / this.blockSamples);
      const last = Math.min(this.blocks, Math.max(first + 1, Math.ceil(to / this.blockSamples)));
      for (let block = first; block < last; block++) {
        const at = 2 * (stem * this.blocks + block);
        if (this.envelopes[at] < low) low = this.envelopes[at];
        if (this.envelopes[at + 1] > high) high = this.envelopes[at + 1];
      }
    } else {
      for (let channel = 0; channel < this.channels; channel++) {
        const offset = (stem * this.channels + channel) * this.length;
        for (let i = from; i < to && i < this.length; i++) {
          const value = this.integers[offset + i];
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    return low > high ? null : [low * this.scales[stem], high * this.scales[stem]];
  }
}
