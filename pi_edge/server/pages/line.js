// The line of fire and theft, to slide along.
import { at, say } from "./dom.js"
import { askJson, newest, postJson, words } from "./api.js"
import { scatter } from "./chart.js"

// Fires per 1,000 homes and thefts per 1,000 people in 42 districts of Chicago, as models/fire-theft has
// them (US Commission on Civil Rights, 1979).
const DISTRICTS = [
  [6.2,29], [9.5,44], [10.5,36], [7.7,37], [8.6,53], [34.1,68], [11,75], [6.9,18], [7.3,31],
  [15.1,25], [29.1,34], [2.2,14], [5.7,11], [2,11], [2.5,22], [4,16], [5.4,27], [2.2,9],
  [7.2,29], [15.1,30], [16.5,40], [18.4,32], [36.2,41], [39.7,147], [18.5,22], [23.3,29],
  [12.2,46], [5.6,23], [21.8,4], [21.6,31], [9,39], [3.6,15], [5,32], [28.6,27], [17.4,32],
  [11.3,34], [3.4,17], [11.9,46], [10.5,42], [10.7,43], [10.8,34], [4.8,19],
]
const MOST = [42, 150]

let drawing = null

const predict = async x => (await askJson("/tasks/regression?model=fire-theft", postJson({ x }))).predictions

async function draw() {
  const [low, high] = await predict([0, MOST[0]])
  const wide = at("scatter").clientWidth || 720
  drawing = scatter(DISTRICTS, [[0, low], [MOST[0], high]], MOST, {
    x: "fires per 1,000 homes →",
    label: `42 districts of Chicago: thefts per 1,000 people against fires per 1,000 homes, and the line from ${low.toFixed(0)} to ${high.toFixed(0)}`,
  }, wide, Math.min(440, Math.max(280, wide / 2)))
  at("scatter").replaceChildren(drawing.chart)
  drawing.chart.addEventListener("pointerdown", drag)
  drawing.chart.addEventListener("pointermove", event => event.buttons & 1 && drag(event))
}

function drag(event) {
  const { left, width } = drawing.chart.getBoundingClientRect()
  at("fires").value = drawing.xAt((event.clientX - left) / width)
  slide()
}

const slide = newest(async () => {
  const x = Number(at("fires").value)
  say(at("fires-value"), x.toFixed(1))
  try {
    if (!drawing) await draw()
    const [y] = await predict([x])
    drawing.place(x, y)
    say(at("thefts"), y.toFixed(1))
    say(at("line-told"), "")
  } catch (error) { say(at("line-told"), words(error)) }
})

export const line = {
  start() {
    at("fires").oninput = slide
    addEventListener("resize", () => { if (drawing && at("scatter").clientWidth) { drawing = null; slide() } })
  },
  shown() { slide() },
  status({ models }, isShown) {
    const model = models["fire-theft"]
    const ready = model?.state === "ready"
    at("line-none").hidden = ready
    at("line-all").hidden = !ready
    if (!ready) say(at("line-none"), model ? `The model fire-theft is ${model.state}${model.reason ? `: ${model.reason}` : ""}.` : "There is no model fire-theft on this machine.")
    else if (isShown && !drawing) slide()
  },
}
