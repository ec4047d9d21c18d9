// What a widget says when its kernel is gone: a control that does nothing must not look like one that works.

import { make } from "./dom.js";

const WORDS = "The kernel was restarted or has stopped, so this no longer reaches Python. Run the cell again.";

// Puts the words above the widget's content. Returns a function that stops watching.
export function watchKernel(model, root) {
  const show = () => {
    if (root.dataset.connected === "false") return;
    root.dataset.connected = "false";
    root.before(make("div", { class: "mss-card mss-gone", role: "alert" }, WORDS));
  };
  // The model of a widget reports its connection only when it changes; it was connected when it was drawn.
  model.on("comm_live_update", show);
  return () => model.off("comm_live_update", show);
}
