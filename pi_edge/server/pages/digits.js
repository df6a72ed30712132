// Digits drawn and read, and put right.
import { at, choices, debounced, h, percent, say, takesFiles } from "./dom.js"
import { askJson, newest, post, postJson, Told, words } from "./api.js"
import { follow, progress } from "./learning.js"
import { Pad } from "./pad.js"

let answer = null // the last one
let shown = 0 // which of its digits the bars are of
let photo = null // a File read instead of the pad
let drawing = 0 // counts changes, so that answers know whether they are of what is there now
let kept = []
let models = []

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = h("li", {}, h("b", {}, String(digit)), h("span", { class: "track" }, h("i")), h("span", { class: "number" }, ""))
  return row
})

const read = newest(async () => {
  const asked = drawing
  if (pad.empty) { answer = null; show(); return }
  try {
    const body = photo ?? await pad.picture()
    const path = `/tasks/digits?model=${encodeURIComponent(at("digit-model").value)}`
    const found = await askJson(path, post(body))
    if (pad.empty) { answer = null; show(); return }
    answer = { ...found, drawing: asked, body }
    shown = Math.max(0, found.digits.length - 1)
    say(at("digit-told"), "")
    show()
  } catch (error) { say(at("digit-told"), words(error)) }
})

const pad = new Pad(at("pad"), () => {
  drawing += 1
  if (!pad.photo) photo = null
  at("pad-frame").classList.toggle("used", !pad.empty)
  say(at("teach-told"), "")
  read()
})

async function readPhoto(file) {
  let bitmap
  try { bitmap = await createImageBitmap(file) } catch { say(at("digit-told"), `${file.name || "this"} is no picture that this browser can show`); return }
  photo = file
  pad.show(bitmap)
}

// Screen readers are told when the hand rests, not at each stroke.
const announce = debounced(0.5, () => {
  say(at("digit-answer"), answer ? answer.number || "?" : "–")
})

function show() {
  const one = answer?.digits[shown]
  const figure = at("digit-answer")
  figure.classList.toggle("none", !answer?.number)
  figure.classList.toggle("long", (answer?.number.length ?? 0) > 3)
  announce()
  say(at("digit-sure"), one ? `${percent(one.probabilities[one.digit])} sure` : answer ? "no digit found" : "nothing drawn")
  for (const [digit, row] of bars.entries()) {
    const share = one ? one.probabilities[digit] : 0
    row.querySelector("i").style.setProperty("--share", share)
    say(row.querySelector(".number"), one ? percent(share) : "")
    row.classList.toggle("most", one?.digit === digit)
  }
  const several = (answer?.digits.length ?? 0) > 1
  at("digit-chips").hidden = !several
  at("digit-chips").replaceChildren(...(several ? answer.digits.map((digit, i) =>
    h("button", { type: "button", "aria-pressed": String(i === shown), onclick: () => { shown = i; show() } }, String(digit.digit))) : []))
  mark()
  showTeaching()
}

function mark() {
  if (!answer || answer.drawing !== drawing) return
  const size = pad.photo ? [pad.photo.width, pad.photo.height] : [140, 140]
  const several = answer.digits.length > 1 || pad.photo
  pad.mark(several ? answer.digits.map(({ box: [left, top, right, bottom] }) => [left / size[0], top / size[1], right / size[0], bottom / size[1]]) : [])
}

// --- teaching -----------------------------------------------------------------------------------

function showTeaching() {
  const count = answer?.digits.length ?? 0
  at("keypad").hidden = count > 1
  at("teach-number").hidden = count < 2
  for (const key of at("keypad").children) key.disabled = count !== 1
  say(at("teach-why"), count === 0 ? "Draw something first, then say what it is." : count === 1
    ? `It was read as ${answer.number}. The picture is kept with what you say.`
    : `It was read as ${answer.number}. Say all ${count} digits, left to right.`)
}

async function teach(label) {
  const taught = answer
  if (!taught) return
  try {
    let told
    try {
      told = await askJson("/tasks/digits/examples", postJson({ id: taught.id, label }))
    } catch (error) { // it has forgotten that answer: a restart, say
      if (!(error instanceof Told) || !error.message.includes("remembered")) throw error
      const query = new URLSearchParams({ label, model: taught.model })
      told = await askJson(`/tasks/digits/examples?${query}`, post(taught.body))
    }
    const before = { label, was: taught, now: null }
    const again = kept.find(one => one.ids.join() === told.ids.join())
    if (again) Object.assign(again, before)
    else kept.unshift({ ...before, ids: told.ids, body: taught.body, url: URL.createObjectURL(taught.body) })
    say(at("teach-told"), label === taught.number ? `Kept: it is a ${label}, as it was read.` : `Kept: a ${label}, read as ${taught.number}.`)
    showKept()
    await refresh()
  } catch (error) { say(at("teach-told"), words(error)) }
}

function showKept() {
  at("kept-again").hidden = !kept.length
  at("kept").replaceChildren(...kept.slice(0, 12).map(one => {
    const now = one.now ?? one.was
    const right = now.number === one.label
    return h("li", { class: right ? "right" : "" },
      h("img", { src: one.url, alt: `Drawn: ${one.label}`, width: 48, height: 48 }),
      h("span", {}, `is ${one.label}`),
      h("span", {}, one.now ? `read ${one.was.number}, now ${now.number || "?"}` : `read ${now.number}`),
      h("span", { class: "number", title: "how likely it is to the network" }, one.now ? `${whole(one, one.was)} → ${whole(one, now)} %` : `${whole(one, now)} %`))
  }))
}

// How likely what is right is to the network, in percent; of several digits the least likely one.
const whole = ({ label }, { digits }) => digits.length === label.length
  ? Math.round(100 * Math.min(...digits.map((digit, i) => digit.probabilities[label[i]]))) : 0

async function again() {
  try {
    for (const one of kept)
      one.now = await askJson(`/tasks/digits?model=${encodeURIComponent(one.was.model)}`, post(one.body))
    const right = kept.filter(one => one.now.number === one.label).length
    say(at("teach-told"), `${right} of ${kept.length} are read rightly now.`)
  } catch (error) { say(at("teach-told"), words(error)) }
  showKept()
}

// --- learning -----------------------------------------------------------------------------------

let refresh = async () => {}
let learned = ""
let drawn = null

function showLearning(status) {
  const { learning, examples } = status
  say(at("examples-count"), examples.error ? "?" : examples.count.toLocaleString("en"))
  say(at("examples-words"), examples.error ?? (examples.count === 1 ? "example kept on this machine" : "examples kept on this machine"))
  const box = at("learning")
  if (learning) {
    drawn = null
    box.replaceChildren(...progress(learning))
  } else if (drawn !== learned) {
    drawn = learned
    box.replaceChildren(...still())
  }
}

function still() {
  const command = "pi-edge learn mnist-cnn --examples"
  const copied = h("span", { class: "fine", role: "status" })
  const copy = h("button", { type: "button", class: "quiet", onclick: async () => {
    try { await navigator.clipboard.writeText(command); say(copied, "copied") } catch { say(copied, "select it and copy it by hand") }
  } }, "Copy")
  return [
    ...(learned ? [h("p", {}, h("strong", {}, `${learned} has just been learning.`), " Each drawing kept on this visit says what it was read as, and is now. Where nothing changed, the command itself says why.")] : []),
    h("p", {}, "Keeping an example changes nothing yet. The network learns them when this is run on the daemon’s machine, and the lamp goes dark every three seconds meanwhile:"),
    h("p", { class: "command" }, h("code", {}, command), copy), copied,
    h("details", {}, h("summary", {}, "Each night, for the service"),
      h("p", { class: "fine" }, "Write OPTIONS=--examples into /etc/pi-edge/learn-mnist-cnn.env, then:"),
      h("p", { class: "command" }, h("code", {}, "sudo systemctl enable --now pi-edge-learn@mnist-cnn.timer"))),
    h("p", { class: "fine" }, "What it learned goes live only if it reads held-back pictures no worse than before. Then the kept drawings are read again here."),
  ]
}

let learningBefore = null

export const digits = {
  start(context) {
    refresh = context.refresh
    at("bars").replaceChildren(...bars)
    at("keypad").replaceChildren(...Array.from({ length: 10 }, (_, digit) =>
      h("button", { type: "button", "aria-label": `It is a ${digit}`, onclick: () => teach(String(digit)) }, String(digit))))
    at("pad-clear").onclick = () => pad.clear()
    at("pad-undo").onclick = () => pad.undo()
    at("picture").onchange = event => {
      const [file] = event.target.files
      event.target.value = ""
      if (file) readPhoto(file)
    }
    takesFiles(at("pad-frame"), readPhoto, file => file.type.startsWith("image/"))
    at("digit-model").onchange = () => read()
    at("teach-number").onsubmit = event => {
      event.preventDefault()
      teach(at("teach-label").value)
    }
    at("kept-again").onclick = again
    pad.draw()
    show()
  },
  status(status) {
    models = Object.entries(status.models).filter(([, model]) => model.task === "digits" && model.state === "ready").map(([name]) => name)
    if (choices(at("digit-model"), models, at("digit-model").value || "mnist-cnn")) read()
    follow(status.learning)
    if (learningBefore && !status.learning) {
      learned = learningBefore.name
      setTimeout(async () => { await read(); if (kept.length) await again() }, 3000) // the daemon takes it up meanwhile
    }
    learningBefore = status.learning
    showLearning(status)
  },
}
