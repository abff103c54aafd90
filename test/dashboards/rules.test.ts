import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'

interface RuleFile {
  groups: {
    rules: { alert?: string; annotations?: Record<string, string>; labels?: Record<string, string> }[]
  }[]
}

const rules = readdirSync('dashboards/rules').map((name) => join('dashboards/rules', name))

t.test('promtool has no complaint, and the cases fire and do not fire as they say', (t) => {
  execFileSync('promtool', ['check', 'rules', ...rules])
  execFileSync('promtool', ['test', 'rules', 'dashboards/tests/alerts.test.yml'])
  t.end()
})

t.test('each alert has a severity, a summary, a description, a runbook page, and a case that fires', (t) => {
  const cases = readFileSync('dashboards/tests/alerts.test.yml', 'utf8')
  // Of a month: in volume.test.ts.
  const elsewhere = ['EgressVolumeUnusual']
  const alerts = rules
    .flatMap((file) => (parse(readFileSync(file, 'utf8')) as RuleFile).groups)
    .flatMap((group) => group.rules)
    .filter(({ alert }) => alert !== undefined)
  t.equal(alerts.length, 17)
  for (const { alert = '', annotations = {}, labels = {} } of alerts) {
    t.match(alert, /^Egress[A-Z][A-Za-z]+$/)
    t.match(labels['severity'], /^(info|warning|critical)$/)
    t.match(annotations['summary'], /^[A-Z][^{}]*\.$/, 'a static sentence')
    t.match(annotations['description'], /\{\{/)
    // The exporter serves it: see test/web/app.test.ts.
    t.equal(annotations['runbook_url'], `http://{{ $labels.instance }}/docs/runbooks/${alert}.md`)
    t.ok(existsSync(`docs/runbooks/${alert}.md`), `${alert} has a runbook`)
    if (elsewhere.includes(alert)) continue
    t.match(
      cases,
      new RegExp(`alertname: ${alert}\\n +exp_alerts:( &\\w+)?\\n +- exp_labels`),
      `${alert} fires in a case`,
    )
  }
  t.end()
})
