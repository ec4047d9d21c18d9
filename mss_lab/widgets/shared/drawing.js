// Drawing on canvases: waveforms, spectrogram strips and the axis of time.

import { clamp, make } from "./dom.js";

export function lookup(palette) {
  const stops = palette.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Array.from({ length: 256 }, (_, value) => {
    const at = (value / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    return stops[left].map((channel, i) => channel + (stops[left + 1][i] - channel) * (at - left));
  });
}

// A canvas as large as it is shown, emptied. While the page is hidden, as for a moment when its theme changes, it keeps
// its size: nothing says that it is shown again if that is the same.
export function fit(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const { width, height } = canvas.getBoundingClientRect();
  if (width) {
    canvas.width = Math.max(1, Math.round(width * ratio));
    canvas.height = Math.max(1, Math.round(height * ratio));
  }
  const pen = canvas.getContext("2d");
  pen.clearRect(0, 0, canvas.width, canvas.height);
  return { pen, ratio, width: canvas.width, height: canvas.height };
}

// The waveform of a stem within a view.
export function drawWave(canvas, piece, stem, view, colour) {
  const { pen, ratio, width, height } = fit(canvas);
  pen.fillStyle = colour;
  const middle = height / 2;
  const scale = (0.48 * height) / (piece.peak || 1);
  const first = view.fromS * piece.sampleRate;
  const step = (view.widthS * piece.sampleRate) / width;
  for (let x = 0; x < width; x++) {
    const start = Math.floor(first + x * step);
    const range = piece.sounds.range(stem, start, Math.max(start + 1, Math.floor(first + (x + 1) * step)));
    if (!range) continue;
    const [low, high] = range;
    pen.fillRect(x, Math.min(middle - high * scale, middle - ratio / 2), 1, Math.max((high - low) * scale, ratio));
  }
}

// The spectrogram of a stem as a small picture, made once.
function stripImage(piece, stem, colours) {
  piece.images ??= new Map();
  if (!piece.images.has(stem)) {
    const { rows, columns } = piece.strip;
    const image = new ImageData(columns, rows);
    const from = stem * rows * columns;
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const [r, g, b] = colours[piece.pixels.getUint8(from + row * columns + column)];
        // Row 0 is the lowest frequency and belongs at the bottom.
        image.data.set([r, g, b, 255], 4 * ((rows - 1 - row) * columns + column));
      }
    }
    const small = make("canvas", { width: columns, height: rows });
    small.getContext("2d").putImageData(image, 0, 0);
    piece.images.set(stem, small);
  }
  return piece.images.get(stem);
}

export function drawStrip(canvas, piece, stem, view, colours) {
  const { pen, ratio, width, height } = fit(canvas);
  const { rows, columns, columnS, firstS, lowHz, highHz, ticksHz } = piece.strip;
  const perSecond = width / view.widthS;
  pen.fillStyle = piece.palette[0];
  pen.fillRect(0, 0, width, height);
  pen.imageSmoothingQuality = "high";
  // The pictures follow a sound; until then there are none, or those of the sound before.
  if (piece.pixels.byteLength !== piece.stems * rows * columns) return;
  const small = stripImage(piece, stem, colours);
  pen.drawImage(small, (firstS - view.fromS) * perSecond, 0, columns * columnS * perSecond, height);
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

// The times between `fromS` and `toS`, at distances that can be read.
export function drawAxis(canvas, { fromS, toS }) {
  const { pen, ratio, width, height } = fit(canvas);
  pen.fillStyle = getComputedStyle(canvas).color;
  pen.font = `${11 * ratio}px system-ui, sans-serif`;
  pen.textBaseline = "bottom";
  const step = roundStep((toS - fromS) / Math.max(2, width / ratio / 80));
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  for (let i = Math.ceil(fromS / step - 1e-9); i * step <= toS + 1e-9; i++) {
    const x = ((i * step - fromS) / (toS - fromS)) * width;
    pen.fillRect(Math.min(x, width - ratio), 0, ratio, 4 * ratio);
    const text = `${(i * step).toFixed(digits)} s`;
    const half = pen.measureText(text).width / 2;
    pen.fillText(text, clamp(x - half, 0, width - 2 * half), height);
  }
}

// The smallest of 1, 2, 5, 10, 20 ... that is at least `about`.
export function roundStep(about) {
  const power = 10 ** Math.floor(Math.log10(about));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => step >= about);
}
