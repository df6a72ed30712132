// What /status says of learning, in words and as a line.
import { percent, seconds, h } from "./dom.js"
import { sparkline } from "./chart.js"

let name = ""
let accuracies = []

export function follow(learning) {
  if (!learning || learning.name !== name) { name = learning?.name ?? ""; accuracies = [] }
  if (learning?.accuracy !== null && learning?.accuracy !== undefined && accuracies.at(-1) !== learning.accuracy)
    accuracies.push(learning.accuracy)
}

export const brief = now => now
  ? `learning ${now.name}` + (now.epoch ? `: epoch ${now.epoch} of ${now.epochs}` : "") +
    (now.accuracy === null ? "" : `, ${percent(now.accuracy)}`)
  : ""

export function progress(now) {
  const bar = h("progress", { "aria-label": `Learning ${now.name}`, ...(now.epochs ? { max: now.epochs, value: now.epoch } : {}) })
  const told = [
    now.epochs ? `epoch ${now.epoch} of ${now.epochs}` : "getting ready",
    now.accuracy === null ? "" : `${percent(now.accuracy)} right on what is held back`,
    now.seconds_left === null ? "" : `${seconds(now.seconds_left)} left`,
  ].filter(Boolean).join(", ")
  return [
    h("p", {}, h("strong", {}, `${now.name} is learning`), `: ${told}.`), bar,
    accuracies.length > 1 ? sparkline(accuracies, "Accuracy so far", { width: 480, height: 40, foot: Math.min(...accuracies) - 0.01 }) : null,
  ].filter(Boolean)
}
