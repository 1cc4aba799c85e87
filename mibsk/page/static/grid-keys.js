/**
 * Arrow keys in a grid of items, of which one at a time is in the order of the Tab key.
 */
export function gridKeys(grid, selector) {
  const items = () => [...grid.querySelectorAll(selector)];

  grid.addEventListener("keydown", (event) => {
    const all = items();
    const at = all.indexOf(event.target.closest(selector));
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target !== all[at] && event.target.matches("audio, input, select")) return;
    const columns = columnsOf(all);
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at + columns,
      ArrowUp: at - columns,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to >= 0 && to < all.length) all[to].focus();
  });

  grid.addEventListener("focusin", (event) => {
    const item = event.target.closest(selector);
    if (item) makeCurrent(items(), item);
  });

  makeCurrent(items(), items()[0]);
}

function makeCurrent(all, current) {
  for (const item of all) item.tabIndex = item === current ? 0 : -1;
}

function columnsOf(all) {
  const top = all[0].offsetTop;
  const next = all.findIndex((item) => item.offsetTop !== top);
  return next < 0 ? all.length : next;
}
