"""Times from an action of a reader to the new sound, picture and words of a panel, in a real browser.

The action is real input, by Playwright's mouse or keyboard: a time starts when the browser created the last event of
the action (a key that goes down, a pointer that goes down or moves while it is down). It ends when the page has the
last change that follows. For the sound, that is when the player has scheduled it, plus the 30 ms by which the player
schedules ahead.

Contents: playing_page, measured, median, percentile_95. Used by: dragged_window, painter_speed.
"""

import contextlib
from collections.abc import Callable, Collection, Iterator

import numpy as np

from tests.browser import workbench

# The player starts new sources this much later, see `AHEAD_S` in mss_lab/widgets/shared/transport.js.
AHEAD_MS = 30.0
# Between two actions, so that each is measured on a page at rest.
PAUSE_MS = 500
# After this long without a change, an action has had all its effects.
SETTLED_MS = 400

# Notes when an event arrives and when sound, picture and words change, until `stop` is set.
WATCH = """(player) => {
    const [words, image] = ['.mss-words', '.mss-picture'].map((name) => document.querySelector(name));
    const state = () => ({
        sound: player.mssPlayer.heardRevision(), picture: image?.src, words: words?.textContent,
    });
    const watch = { action: null, changes: {}, latest: performance.now(), stop: false };
    window.mssWatch?.end();
    window.mssWatch = watch;
    const note = (event) => {
        if (event.type === 'pointermove' && !event.buttons) return;
        watch.action = event.timeStamp;
        watch.latest = performance.now();
    };
    const kinds = ['keydown', 'pointerdown', 'pointermove'];
    for (const kind of kinds) window.addEventListener(kind, note, true);
    watch.end = () => {
        watch.stop = true;
        for (const kind of kinds) window.removeEventListener(kind, note, true);
    };
    let before = state();
    const look = () => {
        if (watch.stop) return;
        const now = state();
        for (const [kind, value] of Object.entries(now)) {
            if (value === before[kind]) continue;
            watch.latest = watch.changes[kind] = performance.now();
        }
        before = now;
        setTimeout(look, 2);
    };
    look();
}"""
# Whether all that is awaited has changed after the action, and nothing changes any more.
SETTLED = """([awaited, settledMs]) => {
    const { action, changes, latest } = window.mssWatch;
    if (action === null || performance.now() - latest < settledMs) return false;
    return awaited.every((kind) => changes[kind] > action);
}"""


@contextlib.contextmanager
def playing_page(server: workbench.Server, browser, name: str, code: str) -> Iterator:
    """A page with a notebook of one cell that has been run, while its (only) player plays in a loop."""
    workbench.write_notebook(server, name, code)
    page = workbench.open_page(browser)
    try:
        workbench.open_notebook(page, server, name)
        workbench.run_all(page, ".mss-player")
        page.locator(".mss-player").evaluate(
            "(root) => { root.mssPlayer.set({ loopOn: true }); return root.mssPlayer.play(); }"
        )
        yield page
    finally:
        page.context.close()


def measured(
    page, act: Callable[[int], object], actions: int, awaited: Collection[str] = ("sound",)
) -> list[dict[str, float]]:
    """Act so many times, and return what each action took.

    Parameters
    ----------
    page : page of Playwright
        With one player, which plays.
    act : callable
        Takes the number of the action, from 0, and uses the mouse or the keyboard.
    actions : int
        One more is done first and not counted, because it pays for what is loaded once.
    awaited : collection of {"sound", "picture", "words"}
        What every action changes.

    Returns
    -------
    list of dict
        Milliseconds from the last event of an action to the last change of each kind that it changed.
    """
    times = []
    for number in range(actions + 1):
        page.wait_for_timeout(PAUSE_MS)
        page.locator(".mss-player").evaluate(WATCH)
        act(number)
        page.wait_for_function(SETTLED, arg=[list(awaited), SETTLED_MS], polling=20)
        page.evaluate("() => mssWatch.end()")
        action, changes = page.evaluate("() => [mssWatch.action, mssWatch.changes]")
        took = {kind: at - action for kind, at in changes.items()}
        if "sound" in took:
            took["sound"] += AHEAD_MS
        times.append(took)
    return times[1:]


def median(times: list[dict[str, float]], kind: str = "sound") -> float:
    """Milliseconds in the median, of the actions that changed this kind."""
    return float(np.median([took[kind] for took in times if kind in took]))


def percentile_95(times: list[dict[str, float]], kind: str = "sound") -> float:
    """Milliseconds that 95 of 100 actions do not exceed."""
    return float(np.percentile([took[kind] for took in times if kind in took], 95))
