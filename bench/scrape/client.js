// Scrapes servers in turn and prints the times in ms to the last byte, a list for each, as JSON.
// Arguments: how many rounds, how many scrapes at once, the coding to ask for, and the servers' URLs.
import { Buffer } from 'node:buffer'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'

/** The garbage of the scrape before is another's. */
const restMs = 100
/** The first are slower for all. */
const warmUps = 3

const [rounds, atOnce, coding, ...urls] = process.argv.slice(2)

/** Speaks just enough HTTP: what the client costs is not what is measured. */
function scrape(url) {
  const { hostname, port, pathname } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port,
      onread: { buffer: Buffer.alloc(2 ** 20), callback: () => true },
    })
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nAccept-Encoding: ${coding}\r\nConnection: close\r\n\r\n`,
    )
    socket.on('end', resolve).on('error', reject)
  })
}

async function time(url) {
  await setTimeout(restMs)
  const start = performance.now()
  await Promise.all(Array.from({ length: Number(atOnce) }, () => scrape(url)))
  return performance.now() - start
}

const times = urls.map(() => [])
for (let round = -warmUps; round < Number(rounds); round++) {
  for (const [index, url] of urls.entries()) {
    const took = await time(url)
    if (round >= 0) times[index].push(took)
  }
}
console.log(JSON.stringify(times))
