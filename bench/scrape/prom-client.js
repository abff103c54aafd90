// The same families and labels as the exporter's, rendered by prom-client: what one would write without
// native code. Reads a page from standard input, and serves its values with a little change each time.
import { createServer } from 'node:http'
import { Counter, Gauge, Registry } from 'prom-client'

let page = ''
for await (const chunk of process.stdin) page += chunk

const registry = new Registry()
const types = new Map([...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
const families = new Map()
for (const line of page.split('\n')) {
  const [, name, labels, value] =
    /^(egress_\w+)\{interface="([^"]*)",destination="[^"]*"\} (\S+)$/.exec(line) ?? []
  if (name === undefined) continue
  const destination = /destination="([^"]*)"/.exec(line)[1]
  const rows = families.get(name) ?? []
  rows.push([{ interface: labels, destination }, Number(value)])
  families.set(name, rows)
}
for (const [name, rows] of families) {
  const Metric = types.get(name) === 'counter' ? Counter : Gauge
  new Metric({
    name,
    help: 'As the exporter has it.',
    labelNames: ['interface', 'destination'],
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of rows)
        Metric === Counter ? this.inc(labels, value) : this.set(labels, value)
    },
  })
}
const server = createServer((_request, response) => {
  void registry.metrics().then((text) => response.end(text))
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
