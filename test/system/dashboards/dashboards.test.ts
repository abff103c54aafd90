import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dashboards } from '../../../dashboards/src/generate.js'
import { eventually } from '../../support/await.js'
import { startExporter } from '../../support/exporter.js'
import { ethernetFrame, silentPair } from '../../support/network.js'
import { ipv4, protocols, tcp } from '../../support/packets.js'
import { startPrometheus } from '../../support/prometheus.js'

interface Panel {
  type: string
  title?: string
  description?: string
  datasource?: unknown
  fieldConfig?: { defaults: { unit?: string } }
  targets?: { expr: string; datasource: unknown }[]
}
interface Variable {
  type: string
  name: string
  label: string
  query: string
  refresh?: number
}
interface Model {
  uid: string
  id: null
  editable: boolean
  templating: { list: Variable[] }
  panels: Panel[]
}

const models = Object.entries(dashboards()).map(([file, json]) => ({
  file,
  json,
  model: JSON.parse(json) as Model,
}))
const panels = models.flatMap(({ model }) => model.panels).filter(({ type }) => type !== 'row')
const queries = panels.flatMap(({ title = '', targets = [] }) => targets.map(({ expr }) => ({ title, expr })))
/** Whether it shows something only where services are told apart. */
const isOfServices = ({ title, expr }: (typeof queries)[number]) =>
  /^(Services|Bytes by service)$/.test(title) || expr.includes('service="$service"')

t.test('what is committed is what the sources describe; npm run dashboards writes it', (t) => {
  for (const { file, json } of models) t.equal(readFileSync(join('dashboards', file), 'utf8'), json, file)
  t.end()
})

t.test('the rules of the dashboard linter', (t) => {
  for (const { model } of models) {
    const variables = model.templating.list
    t.equal(model.editable, false)
    t.equal(model.id, null)
    t.match(
      variables.filter(({ type }) => type === 'datasource'),
      [{ name: 'datasource', label: 'Data source', query: 'prometheus' }],
    )
    for (const name of ['job', 'instance']) {
      t.ok(
        variables.some((variable) => variable.name === name && variable.refresh === 2),
        name,
      )
    }
  }
  for (const { title, description, datasource, fieldConfig, targets = [] } of panels) {
    t.match(title, /^[A-Z]/)
    t.match(description, /\.$/, `${title} has a description`)
    t.ok(fieldConfig?.defaults.unit, `${title} has a unit`)
    t.ok(targets.length > 0, `${title} asks for something`)
    for (const source of [datasource, ...targets.map((target) => target.datasource)]) {
      t.same(source, { type: 'prometheus', uid: '${datasource}' })
    }
  }
  for (const { title, expr } of queries) {
    const selectors = expr.match(/egress_\w+(\{[^}]*\})?/g) ?? []
    t.ok(selectors.length > 0)
    for (const selector of selectors) {
      t.match(selector, 'job=~"$job", instance=~"$instance"', `${title}: a choice of job and instance holds`)
    }
    t.notMatch(expr, /\[\d/, `${title}: ranges follow the scrape interval`)
  }
  t.end()
})

for (const flags of [['--services'], []]) {
  t.test(`every query has data of a real exporter in a real Prometheus ${flags.join('')}`, async (t) => {
    const host = silentPair(t, 'veth0')
    const exporter = await startExporter(t, host, '--interface=veth0', ...flags)
    const frames = [
      ethernetFrame(
        '0800',
        ipv4({ to: '203.0.113.1', protocol: protocols.tcp, payload: tcp(40_000, 'syn') }),
      ),
      ethernetFrame('0800', ipv4({ to: '192.168.1.1' })),
    ]
    host.traffic('frames veth0', frames.join('\n'))
    const { query, get } = await startPrometheus(t, host, exporter.url)
    const service = await eventually(() => {
      const { result } = get('query?query=egress_packets_total').data
      assert.equal(result.length, 1)
      return String(result[0].metric.service)
    })
    const values: Record<string, string> = {
      ...{ $job: '.+', $instance: '.+', $destination: '203.0.113.1', $service: service },
      ...{ $__rate_interval: '30s', $__range: '1h' },
    }
    const fill = (expr: string) => expr.replaceAll(/\$\w+/g, (name) => values[name] ?? name)
    for (const asked of queries) {
      const filled = fill(asked.expr)
      if (flags.length === 0 && isOfServices(asked)) {
        t.equal(query(filled).length, 0, `${asked.title}: nothing`)
        continue
      }
      await eventually(() => assert.ok(query(filled).length > 0, `${asked.title}: ${filled}`))
      t.pass(`${asked.title}: ${query(filled).length} series`)
    }
    for (const { name, type, query: text } of models.flatMap(({ model }) => model.templating.list)) {
      if (type !== 'query' || (name === 'service' && flags.length === 0)) continue
      const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? []
      t.ok(query(`count by (${label}) (${fill(selector)})`).length > 0, `${name} offers a choice`)
    }
  })
}

t.test('a name leads to the dashboard of that one thing', (t) => {
  const links = models.flatMap(({ json }) => [...json.matchAll(/"url": "\/d\/([\w-]+)\?(.*?)"/g)])
  t.ok(links.length > 5)
  for (const [, uid = '', query = ''] of links) {
    const variables = models.find(({ model }) => model.uid === uid)?.model.templating.list
    for (const [, name = ''] of query.matchAll(/var-(\w+)=/g))
      t.ok(
        variables?.some((variable) => variable.name === name),
        `${uid} has ${name}`,
      )
  }
  t.end()
})
