// The page: which section is shown, the token, what went wrong, and /status every two seconds.
import { at, say, seconds } from "./dom.js"
import { ask, askJson, hasToken, keepToken, takeToken, Told, whenLocked } from "./api.js"
import { digits } from "./digits.js"
import { brief } from "./learning.js"
import { line } from "./line.js"
import { paintingSection } from "./painting.js"
import { prices } from "./prices.js"
import { statusSection, temperature } from "./status.js"
import { tensors } from "./tensors.js"
import { setLamp, wink } from "./lamp.js"

const EVERY = 2000
const SECTIONS = { digits, painting: paintingSection, prices, line, tensors, status: statusSection }

// --- what went wrong ----------------------------------------------------------------------------

function wrong(error) {
  if (!error || error instanceof Told || error.name === "AbortError") return
  at("wrong").hidden = false
  say(at("wrong").firstElementChild, `This page made a mistake: ${error.message ?? error}. Reload it; if that does not help, please report it.`)
}
addEventListener("error", event => wrong(event.error ?? event))
addEventListener("unhandledrejection", event => wrong(event.reason))
at("wrong").lastElementChild.onclick = () => { at("wrong").hidden = true }

// --- the token ----------------------------------------------------------------------------------

whenLocked(sentence => {
  at("locked").hidden = !sentence
  say(at("refused"), sentence)
})
at("locked").onsubmit = event => {
  event.preventDefault()
  keepToken(at("token").value)
  at("token").value = ""
  look()
}

// --- sections -----------------------------------------------------------------------------------

let current = ""
let status = null

function route(moved) {
  const name = location.hash.slice(1)
  const next = name in SECTIONS ? name : current || "digits"
  if (name === "main" && current) { at("main").focus(); return } // the skip link
  if (next === current) return
  current = next
  for (const id of Object.keys(SECTIONS)) at(id).hidden = id !== current
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${current}`) link.setAttribute("aria-current", "page")
    else link.removeAttribute("aria-current")
  }
  document.title = `${at(current).querySelector("h2").textContent} · pi-edge`
  if (moved) {
    at(current).querySelector("h2").focus({ preventScroll: true })
    scrollTo(0, 0)
  }
  SECTIONS[current].shown?.()
  if (status) SECTIONS[current].status(status, true)
}
addEventListener("hashchange", () => {
  if (takeToken()) look()
  else route(true)
})

// --- the status ---------------------------------------------------------------------------------

let winks = 0
let timer = 0

async function look() {
  clearTimeout(timer)
  try {
    status = await askJson("/status")
    const { led, machine, inferences, uptime } = status
    say(at("state"), [status.state, brief(status.learning)].filter(Boolean).join(", "))
    at("state").dataset.state = status.state
    setLamp(led.shows)
    if (winks && led.winks > winks) wink(led.winks - winks)
    winks = led.winks || winks
    say(at("top-temperature"), temperature(machine))
    at("top-temperature").parentElement.hidden = machine.temperature_c === null
    say(at("top-done"), inferences.done.toLocaleString("en"))
    say(at("top-uptime"), seconds(uptime))
    await Promise.all(Object.entries(SECTIONS).map(([name, section]) => section.status(status, name === current)))
  } catch (error) {
    if (!(error instanceof Told)) throw error
    say(at("state"), error.message)
    at("state").dataset.state = "gone"
    setLamp("stopped")
  } finally {
    clearTimeout(timer)
    if (!document.hidden) timer = setTimeout(look, EVERY)
  }
}
document.addEventListener("visibilitychange", () => {
  clearTimeout(timer)
  if (!document.hidden) look()
})

// A link followed sends no token: what is behind it is fetched, and shown from here.
for (const link of document.querySelectorAll("a[href^='/']"))
  link.onclick = async event => {
    if (!hasToken()) return
    event.preventDefault()
    location.href = URL.createObjectURL(await (await ask(link.pathname)).blob())
  }

takeToken()
for (const section of Object.values(SECTIONS)) section.start({ refresh: look })
route(false)
look()
