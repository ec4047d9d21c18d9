// Drawing notes over a spectrogram whose rows are pitches, for a part of a recording.

import { clamp } from "./dom.js";

// Shades of the spectrogram: dark enough for coloured notes to stand out, in both themes.
const DARKEST = 18;
const LIGHTEST = 150;
// Parts of the picture's range (80 dB) below this stay dark.
const FLOOR_SHARE = 0.3;
// Rows may be lower than this; then notes of neighbouring pitches overlap a little.
const LEAST_BAR_PX = 8;
const BLACK_KEYS = [1, 3, 6, 8, 10];

// A canvas as large as it is shown, emptied; it keeps its memory while its size stays, and its size while it is hidden.
export function layer(canvas) {
  const ratio = window.devicePixelRatio || 1;
  const shown = [canvas.clientWidth, canvas.clientHeight].map((px) => Math.max(1, Math.round(px * ratio)));
  const [width, height] = canvas.clientWidth ? shown : [canvas.width, canvas.height];
  const pen = canvas.getContext("2d");
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  else pen.clearRect(0, 0, width, height);
  return { pen, ratio, width, height };
}

// The whole picture on a canvas that is not shown, made once.
export function shadedPicture(bytes, { rows, columns }) {
  const image = new ImageData(columns, rows);
  const pixels = new Uint32Array(image.data.buffer);
  const shades = Uint32Array.from({ length: 256 }, (_, level) => {
    const share = clamp((level / 255 - FLOOR_SHARE) / (1 - FLOOR_SHARE), 0, 1);
    const shade = Math.round(DARKEST + share * (LIGHTEST - DARKEST));
    return 0xff000000 | (shade << 16) | (shade << 8) | shade;
  });
  for (let row = 0; row < rows; row++) {
    // Row 0 is the lowest pitch and belongs at the bottom.
    const to = (rows - 1 - row) * columns;
    for (let column = 0; column < columns; column++) pixels[to + column] = shades[bytes.getUint8(row * columns + column)];
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

// Where times and pitches lie on a canvas of some size: `lowMidi` and `highMidi` are its lower and its upper edge.
export function placer({ startS, spanS, lowMidi, highMidi }, width, height) {
  const rowPx = height / (highMidi - lowMidi);
  return {
    rowPx,
    x: (s) => ((s - startS) / spanS) * width,
    y: (midi) => (highMidi - midi) * rowPx,
    s: (x) => startS + (x / width) * spanS,
    midi: (y) => highMidi - y / rowPx,
  };
}

export function drawBehind(canvas, view, { picture, strip, durationS }) {
  const { pen, ratio, width, height } = layer(canvas);
  const place = placer(view, width, height);
  pen.fillStyle = `rgb(${DARKEST} ${DARKEST} ${DARKEST})`;
  pen.fillRect(0, 0, width, height);
  if (picture) {
    const highMidi = strip.lowMidi + strip.rows / strip.rowsOfASemitone;
    const perColumn = (width / view.spanS) * strip.columnS;
    pen.imageSmoothingQuality = "high";
    pen.drawImage(
      picture,
      place.x(strip.firstS),
      place.y(highMidi),
      strip.columns * perColumn,
      place.y(strip.lowMidi) - place.y(highMidi),
    );
  }
  for (let midi = Math.ceil(view.lowMidi); midi < view.highMidi; midi++) {
    const y = place.y(midi + 0.5);
    pen.fillStyle = "rgb(0 0 0 / 22%)";
    if (BLACK_KEYS.includes(midi % 12)) pen.fillRect(0, y, width, place.rowPx);
    pen.fillStyle = "rgb(255 255 255 / 25%)";
    if (midi % 12 === 0) pen.fillRect(0, place.y(midi - 0.5), width, ratio);
  }
  // After the end of the recording there is nothing to hear.
  const end = place.x(durationS);
  if (end < width) {
    pen.fillStyle = "rgb(120 120 120 / 45%)";
    pen.fillRect(Math.max(0, end), 0, width, height);
  }
}

export function drawPitches(canvas, view, names) {
  const { pen, ratio, width, height } = layer(canvas);
  const place = placer(view, width, height);
  pen.fillStyle = getComputedStyle(canvas).color;
  pen.font = `${11 * ratio}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.textAlign = "right";
  // Every pitch, every white key, every third, or only each C: as many as can be read.
  const steps = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [0, 2, 4, 5, 7, 9, 11], [0, 4, 7], [0]];
  const fits = (pitches) => ((12 / pitches.length) * place.rowPx) / ratio >= 15;
  const shown = steps.find(fits) ?? [0];
  for (let midi = Math.ceil(view.lowMidi); midi <= view.highMidi; midi++) {
    if (!shown.includes(midi % 12)) continue;
    const y = place.y(midi);
    if (y < 6 * ratio || y > height - 6 * ratio) continue;
    pen.fillText(`${names[midi % 12]}${Math.floor(midi / 12) - 1}`, width - 8 * ratio, y);
    pen.fillRect(width - 5 * ratio, y, 5 * ratio, ratio);
  }
}

// Notes as bars with the number of their player; a doubtful note is hollow and dashed, a chosen one has a white frame.
export function drawNotes({ pen, ratio, width, height }, view, notes, { inks, isChosen, isDoubtful }) {
  const place = placer(view, width, height);
  const barPx = Math.max(LEAST_BAR_PX * ratio, 0.84 * place.rowPx);
  pen.font = `600 ${clamp(0.8 * barPx, 8 * ratio, 12 * ratio)}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  pen.textAlign = "center";
  for (const note of notes) {
    const [x, y] = [place.x(note.onS), place.y(note.midi) - barPx / 2];
    const long = Math.max(2 * ratio, place.x(note.offS) - x);
    if (x + long < 0 || x > width || y + barPx < 0 || y > height) continue;
    const { fill, text } = inks[note.player % inks.length];
    const doubtful = isDoubtful(note);
    pen.fillStyle = doubtful ? "rgb(0 0 0 / 55%)" : fill;
    pen.fillRect(x, y, long, barPx);
    if (long > 4 * ratio) {
      pen.strokeStyle = doubtful ? fill : "rgb(0 0 0 / 75%)";
      pen.lineWidth = (doubtful ? 1.5 : 1) * ratio;
      if (doubtful) pen.setLineDash([4 * ratio, 3 * ratio]);
      pen.strokeRect(x + ratio / 2, y + ratio / 2, long - ratio, barPx - ratio);
      if (doubtful) pen.setLineDash([]);
    }
    if (isChosen(note)) {
      pen.strokeStyle = "#000";
      pen.lineWidth = 4 * ratio;
      pen.strokeRect(x - ratio, y - ratio, long + 2 * ratio, barPx + 2 * ratio);
      pen.strokeStyle = "#fff";
      pen.lineWidth = 2 * ratio;
      pen.strokeRect(x - ratio, y - ratio, long + 2 * ratio, barPx + 2 * ratio);
    }
    if (long > 11 * ratio && barPx >= 7 * ratio) {
      pen.fillStyle = doubtful ? "#fff" : text;
      pen.fillText(String(note.player + 1), x + Math.min(long / 2, 8 * ratio), y + barPx / 2 + ratio / 2);
    }
  }
}

// The times of anchors, as lines through all pitches.
export function drawAnchors({ pen, ratio, width, height }, view, timesS) {
  const place = placer(view, width, height);
  for (const timeS of timesS) {
    const x = Math.round(place.x(timeS));
    pen.fillStyle = "rgb(0 0 0 / 60%)";
    pen.fillRect(x - 1.5 * ratio, 0, 3 * ratio, height);
    pen.fillStyle = "#fff";
    pen.fillRect(x - ratio / 2, 0, ratio, height);
  }
}

// Black or white, whichever is better read on a colour such as #0072b2.
export function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255);
  return 0.3 * r + 0.59 * g + 0.11 * b > 0.45 ? "#000" : "#fff";
}
