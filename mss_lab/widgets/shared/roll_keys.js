// The keys of a piano roll.

const STEP_S = 0.05;
const FINE_STEP_S = 0.01;

export const ROLL_HELP = [
  ["Click, arrow keys", "select a note; with Shift, several"],
  ["Drag over empty space, Ctrl+A", "select all notes in it, all notes"],
  ["Drag a note, Ctrl or Alt + arrow keys", "move in time (0.05 s; with Shift 0.01 s) or in pitch"],
  ["Drag an end, [ and ]", "make the end earlier or later; { and } the start"],
  ["1 to 9, the buttons of the players", "give the selected notes to this player"],
  ["Double click, Draw, N", "a new note"],
  ["Delete", "delete the selected notes"],
  ["Double click in the row above the notes, Anchor, T", "a new anchor; T: where the selected note starts"],
  ["Drag an anchor, arrow keys on it", "move it, and with it the notes as far as the next anchors; Delete deletes it"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["+, −, 0, Ctrl+wheel", "zoom in, out, show all"],
  ["Page up, page down, Shift+wheel", "scroll in time; Shift+page up, page down: in pitch"],
  ["Home, End, Escape", "first note, last note, select none"],
];

export const keyStepS = (event) => (event.shiftKey ? FINE_STEP_S : STEP_S);

// What a key of an event does to a roll: a function, or nothing.
export function rollAction(roll, event) {
  const { key, shiftKey } = event;
  const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[key];
  if (event.ctrlKey || event.metaKey || event.altKey) {
    if (arrow) return () => roll.actions.move(arrow[0] * keyStepS(event), arrow[1]);
    if (event.altKey) return null;
    return {
      z: () => (shiftKey ? roll.redo() : roll.undo()),
      y: () => roll.redo(),
      a: () => roll.choose(roll.list.notes),
    }[key.toLowerCase()];
  }
  if (arrow) {
    const direction = arrow[0] ? (arrow[0] > 0 ? "later" : "earlier") : arrow[1] > 0 ? "higher" : "lower";
    return () => roll.walk(direction, shiftKey);
  }
  if (/^[1-9]$/.test(key)) return () => roll.actions.give(Number(key) - 1);
  return { ...editKeys(roll, event), ...viewKeys(roll, shiftKey) }[key];
}

function editKeys(roll, event) {
  const step = keyStepS(event);
  return {
    Delete: () => roll.actions.remove(),
    Backspace: () => roll.actions.remove(),
    Home: () => roll.walk("first", event.shiftKey),
    End: () => roll.walk("last", event.shiftKey),
    Escape: () => roll.choose([]),
    Enter: () => roll.current && roll.choose([roll.current]),
    n: () => roll.actions.addByKey(),
    t: () => roll.anchors.addByKey(),
    Insert: () => roll.actions.addByKey(),
    "[": () => roll.actions.stretch("end", -step),
    "]": () => roll.actions.stretch("end", step),
    "{": () => roll.actions.stretch("start", -STEP_S),
    "}": () => roll.actions.stretch("start", STEP_S),
  };
}

export function viewKeys(roll, shiftKey) {
  return {
    PageUp: () => roll.view.page(1, shiftKey),
    PageDown: () => roll.view.page(-1, shiftKey),
    "+": () => roll.zoomIn(),
    "=": () => roll.zoomIn(),
    "-": () => roll.zoomOut(),
    0: () => roll.showAll(),
  };
}
