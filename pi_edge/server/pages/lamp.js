// The status light as the real one shows it (pi_edge/blinker.py).

const LONG = Infinity
const PATTERNS = {
  starting: [[1, 250], [0, 250]],
  failed: [[1, 62.5], [0, 62.5]],
  degraded: [[1, 900], [0, 100]],
  learning: [[1, 2500], [0, 500]],
  ready: [[1, LONG]],
  stopped: [[0, LONG]],
}
export const WORDS = {
  starting: "blinks twice a second: its models are being tried",
  failed: "blinks fast: nothing serves",
  degraded: "on, and dark for a moment each second: a model is out, others serve",
  learning: "on, and dark for half a second every three: a model learns",
  ready: "steady, and dark for a moment at each answer",
  stopped: "dark",
}
const WINK = 30
const SPACING = 200

let state = "stopped"
let part = 0
let timer = 0
let lit = false
let due = 0
let winkTimer = 0

function show(on) {
  lit = on
  for (const lamp of document.querySelectorAll("[data-lamp]")) lamp.classList.toggle("lit", on)
}

function step() {
  const pattern = PATTERNS[state]
  const [on, wait] = pattern[part % pattern.length]
  show(Boolean(on))
  part += 1
  if (wait !== LONG) timer = setTimeout(step, wait)
}

export function setLamp(next) {
  if (!(next in PATTERNS)) next = "stopped"
  if (next === state && timer + lit) return
  clearTimeout(timer)
  timer = part = 0
  state = next
  for (const lamp of document.querySelectorAll("[data-lamp]")) lamp.dataset.shows = state
  // Who wants no motion sees it steady; the word beside it says the rest.
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) show(state !== "stopped")
  else step()
}

// The light went dark so many times since it was looked at last: shown now, at its own pace.
export function wink(count) {
  due = Math.min(due + count, 10)
  if (!winkTimer && due) winkOnce()
}

function winkOnce() {
  winkTimer = 0
  if (!due || state !== "ready" || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    due = 0
    return
  }
  due -= 1
  show(false)
  setTimeout(() => state === "ready" && show(true), WINK)
  winkTimer = setTimeout(winkOnce, SPACING)
}
