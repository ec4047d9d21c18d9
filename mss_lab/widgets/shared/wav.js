// A sound as a file that the reader keeps: 16-bit WAV, made in the page.

const HEADER_BYTES = 44;

export function wavOf(buffer) {
  const { numberOfChannels: channels, length, sampleRate } = buffer;
  const bytes = 2 * channels * length;
  const view = new DataView(new ArrayBuffer(HEADER_BYTES + bytes));
  const text = (at, letters) => [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, HEADER_BYTES - 8 + bytes, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, sampleRate, true);
  view.setUint32(28, 2 * channels * sampleRate, true);
  view.setUint16(32, 2 * channels, true);
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, bytes, true);
  for (let channel = 0; channel < channels; channel++) {
    const samples = buffer.getChannelData(channel);
    for (let i = 0; i < length; i++) {
      const value = Math.round(Math.min(Math.max(samples[i], -1), 1) * 32767);
      view.setInt16(HEADER_BYTES + 2 * (i * channels + channel), value, true);
    }
  }
  return new Blob([view], { type: "audio/wav" });
}

export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
