// A row of the player: the desk of a stem, and its waveform and spectrogram.

import { make, range } from "./dom.js";
import { HIGHEST_DB, LOWEST_DB } from "./graph.js";

export const decibels = (value) =>
  value <= LOWEST_DB ? "off" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value)} dB`;

export function makeRow(page, name, index) {
  const colour = page.piece.colours[index % page.piece.colours.length];
  const digit = index < 9 ? ` (${index + 1})` : "";
  const shifted = index < 9 ? ` (Shift + ${index + 1})` : "";
  const solo = page.button(`Solo ${name}`, "S", `Solo${digit}`, () => page.toggleName("solo", name), { class: "mss-solo" });
  const mute = page.button(`Mute ${name}`, "M", `Mute${shifted}`, () => page.toggleName("mute", name), { class: "mss-mute" });
  const altered = index < 9 ? ` (Alt + ${index + 1})` : "";
  const words = `Mute within the region, or undo that${altered}; drag over a strip to choose a region`;
  const cut = page.button(`Mute ${name} within the region`, "✂", words, () => page.toggleCut(name), { class: "mss-cut" });
  const text = make("output", {}, decibels(page.state.levelsDb[name] ?? 0));
  const level = range(`Level of ${name}`, LOWEST_DB, HIGHEST_DB, 1, page.state.levelsDb[name] ?? 0, decibels, (db) => {
    text.value = decibels(db);
    page.set({ levelsDb: { ...page.state.levelsDb, [name]: db } });
  });
  level.title = "Level; double click for 0 dB";
  level.addEventListener("dblclick", () => {
    level.value = 0;
    level.dispatchEvent(new Event("input"));
  });
  const wave = make("canvas", { class: "mss-wave", role: "img", "aria-label": `Waveform of ${name}` });
  const canvases = [wave];
  let strip = null;
  if (page.piece.strip) {
    strip = make("canvas", { class: "mss-spectrogram", role: "img", "aria-label": `Spectrogram of ${name}` });
    canvases.push(strip);
  }
  const regions = make("div", { class: "mss-cuts", "aria-hidden": "true" });
  const track = make("div", { class: "mss-track" }, ...canvases, regions);
  page.drag(track);
  const label = make("span", { class: "mss-name", title: name }, make("i", { style: `background:${colour}` }), name);
  const element = make(
    "div",
    { class: "mss-row", role: "group", "aria-label": name },
    make(
      "div",
      { class: "mss-desk" },
      make("div", { class: "mss-line" }, label, solo, mute),
      make("div", { class: "mss-line" }, level, text, cut),
    ),
    track,
  );
  return { name, colour, element, solo, mute, cut, wave, strip, level, regions };
}
