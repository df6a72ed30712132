// Closing prices in, the next close out.
import { at, choices, h, say, takesFiles } from "./dom.js"
import { askJson, post, words } from "./api.js"
import { history, spans } from "./chart.js"

// What the shipped models forecast; for made-up prices.
const TICKERS = "AAPL AMD BAC BBY CVX GE HD JNJ JPM KO LLY MRK MSFT PEP PFE PG RRC UNH WMT XOM".split(" ")
const DAYS = 90
const LARGEST_SHOWN = 200_000 // characters in the text field

let file = null // larger than the text field shows
let answer = null
let closes = {}
let chosen = ""

async function forecast() {
  const body = file ?? at("csv").value
  if (!file && !body.trim()) { say(at("prices-told"), "Paste a CSV first: a date and the closing price of each stock, a row a day."); at("csv").focus(); return }
  say(at("prices-told"), "…")
  try {
    const model = at("prices-model").value
    answer = await askJson(`/tasks/stocks?model=${encodeURIComponent(model)}`, post(body, "text/csv"))
    closes = typeof body === "string" ? read(body) : body.name.endsWith(".gz") ? {} : read(await body.text())
    if (!answer.forecasts.some(one => one.ticker === chosen)) chosen = answer.forecasts[0].ticker
    say(at("prices-told"), "")
    show()
    at("forecasts").scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" })
  } catch (error) {
    at("forecasts").hidden = true
    say(at("prices-told"), words(error))
  }
}

function show() {
  at("forecasts").hidden = false // first, as charts are as wide as where they are shown
  const one = answer.forecasts.find(each => each.ticker === chosen)
  const [low, high] = answer.interval.map(share => Math.round(100 * share))
  const ahead = answer.horizon_days === 1 ? "the next trading day" : `${answer.horizon_days} trading days ahead`
  say(at("spans-title"), `After ${answer.as_of}: ${ahead}`)
  say(at("history-title"), one.ticker)
  const focused = document.activeElement?.closest(".spans button")
  at("spans").replaceChildren(spans(answer.forecasts, chosen, ticker => { chosen = ticker; show() }))
  if (focused) at("spans").querySelector("[aria-pressed=true]").focus()
  at("history").replaceChildren(history(closes[one.ticker] ?? [], one, at("history").clientWidth || 520))
  at("prices-notes").replaceChildren(...[
    `The band holds the close from its ${low} % to its ${high} % quantile.`,
    ...(closes[one.ticker] ? [] : ["The closes themselves are not drawn: this page reads a column a ticker, or date, ticker, close."]),
    answer.model === "stocks" ? "No advice: over six years of test data it was no better than the last price by more than chance." : "No advice.",
    ...answer.notes,
  ].map(text => h("li", {}, text)))
}

// The closes by ticker, as far as this page understands the CSV; the daemon understands more.
function read(text) {
  const lines = text.split(/\r?\n/).filter(line => line.trim())
  const separator = [",", ";", "\t"].find(one => lines[0]?.includes(one)) ?? ","
  const rows = lines.map(line => line.split(separator).map(cell => cell.trim().replace(/^"|"$/g, "")))
  const heads = (rows.shift() ?? []).map(head => head.toLowerCase())
  const found = {}
  const put = (ticker, date, cell) => {
    const close = separator === "," ? Number(cell) : Number(cell.replace(",", "."))
    if (cell && Number.isFinite(close)) (found[ticker] ??= []).push({ date: date.slice(0, 10), close })
  }
  const day = Math.max(0, heads.findIndex(head => head === "date"))
  const ticker = heads.findIndex(head => ["ticker", "symbol"].includes(head))
  const close = heads.findIndex(head => head === "close")
  for (const row of rows) {
    if (ticker >= 0 && close >= 0) put(row[ticker], row[day], row[close] ?? "")
    else heads.forEach((head, i) => i !== day && put(head.toUpperCase(), row[day], row[i] ?? ""))
  }
  for (const days of Object.values(found)) days.sort((a, b) => a.date < b.date ? -1 : 1)
  return found
}

// A random walk for each ticker up to the last weekday: no prices that ever were.
function madeUp() {
  const days = []
  for (const day = new Date(); days.length < DAYS; day.setUTCDate(day.getUTCDate() - 1))
    if (day.getUTCDay() % 6) days.unshift(day.toISOString().slice(0, 10))
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random())
  const now = TICKERS.map(() => 40 + 200 * Math.random())
  const rows = days.map(day => [day, ...now.map((value, i) => (now[i] = value * Math.exp(0.013 * normal())).toFixed(2))].join(","))
  return [["date", ...TICKERS].join(","), ...rows].join("\n")
}

async function take(given) {
  file = null
  if (given.size > LARGEST_SHOWN || given.name.endsWith(".gz")) {
    file = given
    at("csv").value = `${given.name}, ${Math.ceil(given.size / 1024).toLocaleString("en")} kB`
  } else at("csv").value = await given.text()
  await forecast()
}

export const prices = {
  start() {
    at("forecast").onclick = forecast
    at("csv").oninput = () => { file = null }
    at("csv").addEventListener("paste", () => setTimeout(forecast))
    at("csv-file").onchange = event => {
      const [given] = event.target.files
      event.target.value = ""
      if (given) take(given)
    }
    at("made-up").onclick = () => {
      file = null
      at("csv").value = madeUp()
      forecast()
    }
    addEventListener("resize", () => { if (answer && at("history").clientWidth) show() })
    at("prices-model").onchange = () => answer && forecast()
    takesFiles(at("prices-drop"), take)
  },
  status({ models }) {
    const names = Object.entries(models).filter(([, model]) => model.task === "stocks" && model.state === "ready").map(([name]) => name)
    choices(at("prices-model"), names, at("prices-model").value || "stocks")
    at("forecast").disabled = at("made-up").disabled = !names.length
    if (!names.length) say(at("prices-told"), "No model that forecasts prices is ready.")
  },
}
