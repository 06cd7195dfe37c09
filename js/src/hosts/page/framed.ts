// A page in an iframe: it says how high it is, and hears whether the page around it is dark.
//
// Where the frame stands on another origin (a sandboxed `srcdoc` has none), nothing else passes. To
// whom it may concern goes one number; what comes is taken from the parent alone, and is yes or no.

const NAME = "circuit_widgets";

export function framed(view: Window, signal: AbortSignal): void {
  const { document: doc, parent } = view;
  if (parent === view) return;
  let told = 0;
  const tell = () => {
    // The body's own height: that of the frame would never become less.
    const height = Math.ceil(doc.body.getBoundingClientRect().height);
    if (height === told || height === 0) return;
    told = height;
    parent.postMessage({ [NAME]: "height", height }, "*");
  };
  const observer = new ResizeObserver(tell);
  observer.observe(doc.body);
  signal.addEventListener("abort", () => observer.disconnect());
  view.addEventListener(
    "message",
    ({ source, data }: MessageEvent) => {
      if (source !== parent || typeof data !== "object" || data?.[NAME] !== "theme") return;
      if (typeof data.dark === "boolean")
        doc.documentElement.dataset.theme = data.dark ? "dark" : "light";
    },
    { signal },
  );
  tell();
}
