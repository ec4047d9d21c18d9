// The keys of the player.

export const KEYS = [
  ["Space", "play or pause"],
  ["← →", "1 second back or on (with Shift 5)"],
  ["Home", "back to the start"],
  ["1 to 9", "solo a stem"],
  ["Shift + 1 to 9", "mute a stem"],
  ["Alt + 1 to 9", "mute a stem within the region, or undo that"],
  ["V", "next version"],
  ["I, O", "loop starts here, ends here"],
  ["L", "loop on or off"],
  ["Shift + L", "forget the region"],
  ["H", "half speed, at the same pitch"],
  ["+ −", "zoom in, zoom out (or Ctrl + wheel)"],
  ["0", "show the whole piece"],
  ["Page Up, Page Down", "earlier, later part"],
];

// What a key does; a key that means nothing here is not kept from the browser.
export function onKey(page, event) {
  const digit = /^(Digit|Numpad)([1-9])$/.exec(event.code);
  const row = digit && page.rows[digit[2] - 1];
  if (event.ctrlKey || event.metaKey || (event.altKey && !row) || event.key === "Tab") return;
  // Nothing typed here may reach the notebook, where a letter can delete a cell.
  event.stopPropagation();
  const onRange = event.target.type === "range";
  const onButton = event.target.tagName === "BUTTON";
  const here = page.transport.position();
  const letter = event.key.toLowerCase();
  if (event.key === " " && !onButton) page.toggle();
  else if (event.key === "ArrowLeft" && !onRange) page.jump(event.shiftKey ? -5 : -1);
  else if (event.key === "ArrowRight" && !onRange) page.jump(event.shiftKey ? 5 : 1);
  else if (event.key === "Home" && !onRange) page.seek(0, "At the start");
  else if (row && event.altKey) page.toggleCut(row.name);
  else if (row) page.toggleName(event.shiftKey ? "mute" : "solo", row.name);
  else if (event.key === "+" || event.key === "=") page.view.in(here);
  else if (event.key === "-") page.view.out(here);
  else if (event.key === "0") page.view.all();
  else if (event.key === "PageUp" && !onRange) page.view.pan(-0.8 * page.view.widthS);
  else if (event.key === "PageDown" && !onRange) page.view.pan(0.8 * page.view.widthS);
  else if (letter === "h") page.toggleSpeed();
  else if (letter === "l" && event.shiftKey) page.set({ loop: null, loopOn: false }, "Region forgotten", true);
  else if (letter === "l") page.toggleLoop();
  else if (letter === "i" || event.key === "[") page.setLoop(here, Math.max(page.state.loop?.[1] ?? 0, 0) > here ? page.state.loop[1] : page.piece.durationS);
  else if (letter === "o" || event.key === "]") page.setLoop((page.state.loop?.[0] ?? 0) < here ? (page.state.loop?.[0] ?? 0) : 0, here);
  else if (letter === "v" && page.piece.versions.length > 1) {
    const version = (page.state.version + 1) % page.piece.versions.length;
    page.set({ version }, `Version ${page.piece.versions[version].name}`);
  } else return;
  event.preventDefault();
}
