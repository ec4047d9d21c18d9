// Elements of a page: making them, and small rules that all widgets keep.

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// An element with attributes, listeners ("onclick": function) and children; an attribute of null is left out.
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function press(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

export function button(label, text, title, onclick, attributes = {}) {
  return make("button", { type: "button", "aria-label": label, title, onclick, ...attributes }, text);
}

// A slider that says its value in words.
export function range(label, low, high, step, value, say, action) {
  const input = make("input", { type: "range", min: low, max: high, step, "aria-label": label });
  input.value = value;
  input.setAttribute("aria-valuetext", say(value));
  input.addEventListener("input", () => {
    action(Number(input.value));
    input.setAttribute("aria-valuetext", say(Number(input.value)));
  });
  return input;
}
