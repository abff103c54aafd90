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

/**
 * One connection, kept from scrape to scrape, as Prometheus does. Speaks just enough HTTP (RFC 9112): what
 * the client costs is not what is measured.
 */
class Connection {
  #socket
  #request
  #answered
  #line = ''
  #inHead = true
  /** Of the body; undefined: it comes in chunks, whose lengths stand before them. */
  #length
  /** Bytes to come that need no look. */
  #rest = 0

  constructor(url) {
    const { hostname, port, pathname } = new URL(url)
    this.#request = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nAccept-Encoding: ${coding}\r\n\r\n`
    const buffer = Buffer.alloc(2 ** 20)
    const callback = (length) => this.#take(buffer.subarray(0, length))
    this.#socket = connect({ host: hostname, port, onread: { buffer, callback } })
    this.#socket.on('end', () => this.#socket.destroy(new Error(`${url} hung up`)))
  }

  scrape() {
    return new Promise((resolve) => {
      this.#answered = resolve
      this.#socket.write(this.#request)
    })
  }

  close() {
    this.#socket.destroy()
  }

  #take(bytes) {
    for (let at = 0; at < bytes.length;) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, bytes.length - at)
        at += taken
        this.#rest -= taken
        if (this.#rest === 0 && this.#length !== undefined) this.#end()
        continue
      }
      const lineFeed = bytes.indexOf('\n', at)
      this.#line += bytes.latin1Slice(at, lineFeed < 0 ? bytes.length : lineFeed + 1)
      if (lineFeed < 0) break
      at = lineFeed + 1
      this.#takeLine(this.#line.trim().toLowerCase())
      this.#line = ''
    }
    return true
  }

  #takeLine(line) {
    if (this.#inHead) {
      const [, length] = /^content-length: (\d+)$/.exec(line) ?? []
      if (length) this.#length = Number(length)
      if (line !== '') return
      this.#inHead = false
      this.#rest = this.#length ?? 0
    } else if (line === '') {
      this.#end() // after the last chunk
    } else {
      const length = Number.parseInt(line, 16)
      if (length > 0) this.#rest = length + '\r\n'.length
    }
  }

  #end() {
    this.#inHead = true
    this.#length = undefined
    this.#answered()
  }
}

async function time(connections) {
  await setTimeout(restMs)
  const start = performance.now()
  await Promise.all(connections.map((connection) => connection.scrape()))
  return performance.now() - start
}

const servers = urls.map((url) => Array.from({ length: Number(atOnce) }, () => new Connection(url)))
const times = urls.map(() => [])
for (let round = -warmUps; round < Number(rounds); round++) {
  for (const [index, connections] of servers.entries()) {
    const took = await time(connections)
    if (round >= 0) times[index].push(took)
  }
}
for (const connection of servers.flat()) connection.close()
console.log(JSON.stringify(times))
