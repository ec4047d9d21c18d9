// A picture that changes in place: the next one is decoded before it is shown.

export default {
  render({ model, el }) {
    const image = document.createElement("img");
    image.className = "mss-picture";
    image.style.cssText = "display: block; max-width: 100%; height: auto";
    el.append(image);
    let address = "";
    let closed = false;

    const show = async () => {
      const revision = model.get("revision");
      const png = model.get("png");
      image.hidden = png.byteLength === 0;
      if (image.hidden) {
        image.dataset.revision = revision;
        return;
      }
      const next = URL.createObjectURL(new Blob([png], { type: "image/png" }));
      const decoded = new Image();
      decoded.src = next;
      await decoded.decode().catch(() => {});
      if (closed || revision !== model.get("revision")) {
        URL.revokeObjectURL(next);
        return;
      }
      image.src = next;
      image.alt = model.get("alt");
      image.dataset.revision = revision;
      URL.revokeObjectURL(address);
      address = next;
    };

    model.on("change:revision", show);
    show();
    return () => {
      closed = true;
      model.off("change:revision", show);
      URL.revokeObjectURL(address);
    };
  },
};
