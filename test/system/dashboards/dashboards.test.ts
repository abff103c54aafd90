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

t.test('every query returns data from a real Prometheus that scraped a real exporter', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  const frames = [
    ethernetFrame('0800', ipv4({ to: '203.0.113.1', protocol: protocols.tcp, payload: tcp(40_000, 'syn') })),
    ethernetFrame('0800', ipv4({ to: '192.168.1.1' })),
  ]
  host.traffic('frames veth0', frames.join('\n'))
  const { query } = await startPrometheus(t, host, exporter.url)
  const values: Record<string, string> = {
    ...{ $job: '.+', $instance: '.+', $destination: '203.0.113.1' },
    ...{ $__rate_interval: '30s', $__range: '1h' },
  }
  for (const { title, expr } of queries) {
    const filled = expr.replaceAll(/\$\w+/g, (name) => values[name] ?? name)
    await eventually(() => assert.ok(query(filled).length > 0, `${title}: ${filled}`))
    t.pass(`${title}: ${query(filled).length} series`)
  }
  for (const { name, query: text } of models.flatMap(({ model }) => model.templating.list)) {
    const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(text) ?? []
    if (name === 'datasource') continue
    const filled = selector.replaceAll(/\$\w+/g, (variable) => values[variable] ?? variable)
    t.ok(query(`count by (${label}) (${filled})`).length > 0, `${name} offers a choice`)
  }
})
