// Scrapes an exporter each second and asks for its health each 20 ms, each on a connection of its own, and
// prints the times in ms to the last byte as JSON: { scrapes, health }.
// Arguments: the metrics' URL, for how many seconds, and after how many ms a scrape is given up.
import { Agent, get } from 'node:http'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'

const [url, seconds, deadlineMs] = process.argv.slice(2)
const end = performance.now() + Number(seconds) * 1_000

/** @returns ms; what is given up took the whole deadline */
function ask(address, agent) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    const request = get(address, { agent }, (response) => {
      response.resume()
      response.on('end', () => resolve(performance.now() - start))
    })
    const givesUp = () => request.destroy(Object.assign(new Error('too late'), { late: true }))
    request.setTimeout(Number(deadlineMs), givesUp)
    request.on('error', (error) => (error.late ? resolve(Number(deadlineMs)) : reject(error)))
  })
}

async function repeat(address, everyMs) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const times = []
  for (let next = performance.now(); next < end; next = Math.max(next + everyMs, performance.now())) {
    await setTimeout(next - performance.now())
    times.push(await ask(address, agent))
  }
  agent.destroy()
  return times
}

const [scrapes, health] = await Promise.all([repeat(url, 1_000), repeat(new URL('/-/healthy', url).href, 20)])
console.log(JSON.stringify({ scrapes, health }))
