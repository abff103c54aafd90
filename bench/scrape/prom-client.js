// The same families and labels as the exporter's, rendered by prom-client from a buffer of binary records
// as a read of the kernel's map returns it: what one would write without native code. Reads a page from
// standard input to know the values.
import { Buffer } from 'node:buffer'
import { createServer } from 'node:http'
import { constants, gzip } from 'node:zlib'
import { Counter, Gauge, Registry } from 'prom-client'

let page = ''
for await (const chunk of process.stdin) page += chunk

const registry = new Registry()
const types = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
/** An IPv4 address and a value, 12 bytes each, by family. */
const families = new Map()
let label
for (const line of page.split('\n')) {
  const [, name, found, address, value] =
    /^(egress_\w+)\{interface="([^"]*)",destination="([^"]*)"\} (\S+)$/.exec(line) ?? []
  if (name === undefined) continue
  label = found
  const record = Buffer.alloc(12)
  for (const [index, byte] of address.split('.').entries()) record.writeUInt8(Number(byte), index)
  record.writeDoubleLE(Number(value), 4)
  if (!families.has(name)) families.set(name, [])
  families.get(name).push(record)
}
for (const [name, list] of families) {
  const records = Buffer.concat(list)
  const Metric = types.get(name) === 'counter' ? Counter : Gauge
  new Metric({
    name,
    help: 'As the exporter has it.',
    labelNames: ['interface', 'destination'],
    registers: [registry],
    collect() {
      this.reset()
      for (let at = 0; at < records.length; at += 12) {
        const destination = `${records[at]}.${records[at + 1]}.${records[at + 2]}.${records[at + 3]}`
        const value = records.readDoubleLE(at + 4)
        if (Metric === Counter) this.inc({ interface: label, destination }, value)
        else this.set({ interface: label, destination }, value)
      }
    },
  })
}
const server = createServer((request, response) => {
  void registry.metrics().then((text) => {
    if (request.headers['accept-encoding'] !== 'gzip') return response.end(text)
    gzip(text, { level: constants.Z_BEST_SPEED }, (_error, compressed) => response.end(compressed))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
