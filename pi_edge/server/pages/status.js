// What the daemon says of itself.
import { at, h, milliseconds, say, seconds } from "./dom.js"
import { askJson, postJson, words } from "./api.js"
import { sparkline } from "./chart.js"
import { progress } from "./learning.js"
import { WORDS } from "./lamp.js"

const REMEMBERED = 60
const latencies = new Map() // model -> milliseconds an inference, the latest last
const before = new Map() // model -> [count, ns] at the last look
let temperatures = []
let rows = new Map()
let refresh = async () => {}

async function look() {
  const { model_stats: stats } = await askJson("/v2/models/stats")
  const sums = new Map()
  for (const { name, inference_stats: { success } } of stats) {
    const [count, ns] = sums.get(name) ?? [0, 0]
    sums.set(name, [count + success.count, ns + success.ns])
  }
  for (const [name, [count, ns]] of sums) {
    const [countBefore, nsBefore] = before.get(name) ?? [0, 0]
    before.set(name, [count, ns])
    if (count <= countBefore) continue
    const list = latencies.get(name) ?? []
    list.push((ns - nsBefore) / (count - countBefore) / 1e6)
    latencies.set(name, list.slice(-REMEMBERED))
  }
}

function row(name) {
  const button = h("button", { type: "button", onclick: () => change(name, button) })
  const parts = {
    state: h("span", { class: "pill" }), task: h("span", { class: "fine" }), variants: h("span", { class: "variants" }),
    spark: h("span", { class: "latency" }), count: h("span", { class: "number fine" }), reason: h("p", { class: "reason" }), button,
  }
  const element = h("div", { role: "listitem", class: "model" },
    h("div", { class: "name" }, h("b", {}, name), parts.task), parts.state, parts.variants, h("div", { class: "speed" }, parts.spark, parts.count), button, parts.reason)
  return { element, parts }
}

async function change(name, button) {
  const verb = button.dataset.verb
  button.disabled = true
  say(at("models-told"), `${name}: ${verb}ing …`)
  try {
    await askJson(`/v2/repository/models/${encodeURIComponent(name)}/${verb}`, postJson({}))
    say(at("models-told"), `${name} was ${verb}ed.`)
  } catch (error) { say(at("models-told"), words(error)) }
  button.disabled = false
  await refresh()
  button.focus()
}

function show({ models }) {
  const names = Object.keys(models)
  if (names.join() !== [...rows.keys()].join()) {
    rows = new Map(names.map(name => [name, rows.get(name) ?? row(name)]))
    at("models").replaceChildren(...[...rows.values()].map(one => one.element))
  }
  for (const [name, model] of Object.entries(models)) {
    const { parts } = rows.get(name)
    say(parts.state, model.state)
    parts.state.dataset.state = model.state
    say(parts.task, model.task)
    const told = Object.entries(model.variants).map(([variant, { state, reason }]) => `${variant} ${state} ${reason ?? ""}`).join()
    if (parts.variants.dataset.told !== told) {
      parts.variants.dataset.told = told
      parts.variants.replaceChildren(...Object.entries(model.variants).map(([variant, { state, reason }]) =>
        h("span", { class: `chip ${state}`, title: `${state}${reason ? `: ${reason}` : ""}` }, variant,
          state === "ready" ? null : ` ${state}`)))
    }
    const reasons = [model.reason, ...Object.entries(model.variants).map(([variant, { reason }]) => reason && reason !== model.reason ? `${variant}: ${reason}` : "")].filter(Boolean)
    say(parts.reason, reasons.join(" · "))
    parts.reason.hidden = !reasons.length
    const list = latencies.get(name) ?? []
    const last = list.at(-1)
    parts.spark.replaceChildren(sparkline(list, last === undefined ? `Latency of ${name}` : `Latency of ${name}, the last ${milliseconds(last)}`))
    say(parts.count, model.task === "style" ? "not counted here" : last === undefined ? "not asked yet" : `${milliseconds(last)} · ${before.get(name)[0].toLocaleString("en")}×`)
    const verb = model.state === "unloaded" ? "load" : "unload"
    parts.button.dataset.verb = verb
    say(parts.button, verb === "load" ? "Load" : "Unload")
    parts.button.setAttribute("aria-label", `${verb === "load" ? "Load" : "Unload"} ${name}`)
  }
}

function machine({ machine: of, runtime, version, uptime, inferences }) {
  const memory = of.memory_bytes ? `, ${(of.memory_bytes / 2 ** 30).toFixed(of.memory_bytes < 2 ** 33 ? 1 : 0)} GB` : ""
  const facts = {
    Board: of.board ?? of.cpu, Processor: `${of.cores} × ${of.architecture}${of.clock_mhz ? `, ${of.clock_mhz} MHz` : ""}${memory}`,
    System: of.os, Runtime: `${runtime.name} ${runtime.version}`, "pi-edge": `${version}, up ${seconds(uptime)}`,
    Answers: `${inferences.done.toLocaleString("en")}, ${inferences.failed.toLocaleString("en")} failed`,
  }
  const told = JSON.stringify(facts)
  if (at("machine").dataset.told === told) return
  at("machine").dataset.told = told
  at("machine").replaceChildren(...Object.entries(facts).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value || "–"))))
}

// The Raspberry Pi firmware's word: what holds it back now, and sixteen bits higher what did since it
// started (pi_edge/benchmark/machine.py).
function throttling(word) {
  const names = bits => ["under-voltage", "clock capped", "throttled", "soft temperature limit"].filter((_, bit) => bits >> bit & 1).join(", ")
  return [["Now", word & 15], ["Since its start", word >> 16 & 15]].filter(([, bits]) => bits).map(([when, bits]) => `${when}: ${names(bits)}`)
}

export function temperature(of) {
  const degrees = of.temperature_c
  return degrees === null || degrees === undefined ? "–" : `${degrees.toFixed(1)} °C`
}

export const statusSection = {
  start(context) { refresh = context.refresh },
  async status(status, isShown) {
    const degrees = status.machine.temperature_c
    if (typeof degrees === "number") temperatures = [...temperatures, degrees].slice(-REMEMBERED)
    if (!isShown) return
    await look()
    show(status)
    machine(status)
    say(at("temperature"), temperature(status.machine))
    at("temperature").classList.toggle("none", typeof degrees !== "number")
    at("temperature-line").replaceChildren(temperatures.length
      ? sparkline(temperatures, `Temperature, the last ${temperature(status.machine)}`, { width: 240, height: 40, foot: Math.min(...temperatures) - 2 })
      : h("p", { class: "fine" }, "This machine tells none."),
    ...throttling(status.machine.throttled ?? 0).map(text => h("p", { class: "fine bad" }, text)))
    const { led } = status
    say(at("led-state"), led.shows)
    say(at("led-pattern"), WORDS[led.shows] ?? "")
    say(at("led-out"), led.out ? `No real light: ${led.out}. This is what it would show.` : `${led.mode === "mock" ? "A mock of " : ""}GPIO${led.pin}, ${led.winks.toLocaleString("en")} winks so far.`)
    at("status-learning").replaceChildren(...(status.learning ? progress(status.learning) : [h("p", { class: "empty" }, "Nobody learns just now.")]))
  },
}
