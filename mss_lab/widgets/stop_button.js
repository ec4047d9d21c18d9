// A button that interrupts the kernel. While a cell runs, no other message of a widget reaches Python.

import { button } from "./shared/dom.js";

const ELSEWHERE = "Here the page cannot reach the kernel: interrupt it by the notebook's own stop button (■).";

export default {
  render({ model, el }) {
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    const press = () => {
      const { kernel } = model.widget_manager ?? {};
      if (!kernel?.interrupt) {
        status.textContent = ELSEWHERE;
        return;
      }
      status.textContent = "Stopping with the next row of the curve.";
      kernel.interrupt();
    };
    const stop = button("Stop and keep", "Stop and keep", "End the training, and keep the network", press);
    const card = document.createElement("div");
    card.className = "mss-card mss-stop";
    card.append(stop, status);
    el.append(card);
    const show = () => {
      stop.disabled = !model.get("running");
      status.textContent = model.get("words");
    };
    model.on("change:running change:words", show);
    show();
    return () => model.off("change:running change:words", show);
  },
};
