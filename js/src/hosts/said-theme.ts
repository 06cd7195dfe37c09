// marimo and some themes of Sphinx say on the body which theme a page has, and define no colours for
// others: there the system's wish says nothing. The style sheet reads it from the view's host.

export function followPage(host: HTMLElement, signal: AbortSignal): void {
  const { body, defaultView: view } = host.ownerDocument;
  const follow = () => {
    const said = body.dataset.theme;
    if (said === "dark" || said === "light") host.dataset.cwPage = said;
    else delete host.dataset.cwPage;
  };
  follow();
  if (!view) return;
  const observer = new view.MutationObserver(follow);
  observer.observe(body, { attributes: true, attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => observer.disconnect(), { once: true });
}
