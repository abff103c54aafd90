import { readFileSync } from 'node:fs'
import t from 'tap'

interface Family {
  readonly type: string
  readonly labels: readonly string[]
}

/** The families of docs/metrics.md. */
function documented(): Map<string, Family> {
  const page = readFileSync('docs/metrics.md', 'utf8')
  const rows = page.matchAll(/^\| `(egress_\w+)` +\| (.*?) +\| (\w+) +\|/gm)
  return new Map(
    [...rows].map(([, name = '', labels = '', type = '']) => [
      name,
      { type, labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label) },
    ]),
  )
}

/** Those of the golden page. */
function served(): Map<string, Family> {
  const page = readFileSync('test/exposition/golden.prom', 'utf8')
  return new Map(
    [...page.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name = '', type = '']) => {
      const [, labels = ''] = new RegExp(`^${name}\\{(.*)\\} `, 'm').exec(page) ?? []
      return [name, { type, labels: [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label) }]
    }),
  )
}

t.test('docs/metrics.md says what each reason is', (t) => {
  const [, meaning = ''] =
    /^\| `egress_unlisted_packets_total` +\|[^|]+\|[^|]+\|(.*)\|$/m.exec(
      readFileSync('docs/metrics.md', 'utf8'),
    ) ?? []
  const reasons = (text: string, each: RegExp) => [...text.matchAll(each)].map(([, reason]) => reason).sort()
  const page = readFileSync('test/exposition/golden.prom', 'utf8')
  t.same(reasons(meaning, /`(\w+)`/g), reasons(page, /^egress_unlisted_packets_total\{.*reason="(\w+)"\}/gm))
  t.end()
})

t.test('docs/metrics.md has each metric that pages have, with its type and labels, and no other', (t) => {
  const inDocs = documented()
  for (const [name, family] of served()) t.same(inDocs.get(name), family, name)
  // What that page has none of: connections, services, and what is only for scrapers.
  const others = [...inDocs.keys()].filter((name) => !served().has(name))
  t.same(others, ['egress_tcp_connects_total', 'egress_service_info', 'egress_zero_first_seconds'])
  t.end()
})
