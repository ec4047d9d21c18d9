// Text that a screen reader announces when it changes. An error keeps its place and its colour, and says "Error".

export default {
  render({ model, el }) {
    const box = document.createElement("div");
    box.setAttribute("role", "status");
    box.setAttribute("aria-live", "polite");
    el.append(box);
    const show = () => {
      const text = model.get("text");
      const kind = model.get("kind");
      box.className = `mss-words mss-${kind}${model.get("busy") ? " mss-busy" : ""}`;
      // Setting the same text again would make some screen readers say it again.
      const words = kind === "error" ? `Error: ${text}` : text;
      if (box.textContent !== words) box.textContent = words;
    };
    model.on("change:text change:kind change:busy", show);
    show();
    return () => model.off("change:text change:kind change:busy", show);
  },
};
