import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './await.js'
import type { Namespace } from './network.js'

/** A real Prometheus that scrapes an exporter each second. */
export interface RunningPrometheus {
  /** The values of an instant query, as Prometheus writes them. */
  query(expression: string): string[]
  /** An answer of its API. */
  get(path: string): { data: Record<string, any> } // eslint-disable-line @typescript-eslint/no-explicit-any -- JSON
}

interface Teardown {
  teardown(action: () => unknown): void
}

/** Starts one in the namespace with the shipped rules, and awaits its first scrape of each exporter. */
export function startPrometheus(t: Teardown, host: Namespace, ...urls: string[]): Promise<RunningPrometheus> {
  return startPrometheusWith(t, host, {}, ...urls)
}

/** The same, with more of a scrape's configuration, as in prometheus.yml. */
export async function startPrometheusWith(
  t: Teardown,
  host: Namespace,
  scrape: object,
  ...urls: string[]
): Promise<RunningPrometheus> {
  const targets = urls.map((url) => `'${new URL(url).host}'`).join(', ')
  const folder = mkdtempSync(join(tmpdir(), 'egress-prometheus-'))
  writeFileSync(
    join(folder, 'prometheus.yml'),
    `
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s }
rule_files: ['${resolve('dashboards/rules')}/*.yml']
scrape_configs:
  - job_name: egress
${Object.entries(scrape)
  .map(([key, value]) => `    ${key}: ${JSON.stringify(value)}`)
  .join('\n')}
    static_configs: [{ targets: [${targets}] }]
`,
  )
  const [file, args] = host.command(
    'prometheus',
    `--config.file=${folder}/prometheus.yml`,
    `--storage.tsdb.path=${folder}/data`,
    '--web.listen-address=127.0.0.1:9090',
    '--log.level=error',
  )
  const prometheus = spawn(file, args, { stdio: 'inherit' })
  t.teardown(async () => {
    prometheus.kill()
    await once(prometheus, 'exit')
    rmSync(folder, { recursive: true })
  })
  const get: RunningPrometheus['get'] = (path) =>
    JSON.parse(host.run(['curl', '--silent', `http://127.0.0.1:9090/api/v1/${path}`]))
  const query = (expression: string) =>
    get(`query?query=${encodeURIComponent(expression)}`).data['result'].map(
      (sample: { value: [number, string] }) => sample.value[1],
    )
  await eventually(() =>
    assert.deepEqual(
      query('up{job="egress"}'),
      urls.map(() => '1'),
    ),
  )
  return { query, get }
}
