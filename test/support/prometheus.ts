import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { eventually } from './await.js'
import type { Namespace } from './network.js'

export interface Teardown {
  teardown(action: () => unknown): void
}

/** What answers the API of Prometheus. */
export interface Queryable {
  /** The values of an instant query, as Prometheus writes them. */
  query(expression: string): string[]
  /** An answer of its API. */
  get(path: string): { data: Record<string, any> } // eslint-disable-line @typescript-eslint/no-explicit-any -- JSON
}

/** A program in a namespace, which ends with the test. */
export interface Running {
  stop(): Promise<void>
  signal(name: NodeJS.Signals): void
}

/** A real Prometheus that scrapes exporters each second. */
export interface RunningPrometheus extends Queryable, Running {
  /** Exchanges its scrape_configs while it runs. */
  reload(scrapes: readonly object[]): Promise<void>
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
  const prometheus = await runPrometheus(t, host, [{ ...scrape, ...scrapeOf('egress', ...urls) }])
  await eventually(() =>
    assert.deepEqual(
      prometheus.query('up{job="egress"}'),
      urls.map(() => '1'),
    ),
  )
  return prometheus
}

/** An entry of scrape_configs. */
export function scrapeOf(job: string, ...urls: string[]): object {
  return { job_name: job, static_configs: [{ targets: urls.map((url) => new URL(url).host) }] }
}

/**
 * Starts a Prometheus, and awaits that it answers.
 *
 * @param folder of one that was stopped, whose data it goes on with
 */
export async function runPrometheus(
  t: Teardown,
  host: Namespace,
  scrapes: readonly object[],
  { port = 9090, folder = temporaryFolder(t) } = {},
): Promise<RunningPrometheus> {
  const file = join(folder, 'prometheus.yml')
  const configure = (scrapeConfigs: readonly object[]) =>
    // JSON is YAML.
    writeFileSync(
      file,
      JSON.stringify({
        global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
        rule_files: [`${resolve('dashboards/rules')}/*.yml`],
        scrape_configs: scrapeConfigs,
      }),
    )
  configure(scrapes)
  const running = run(t, host, [
    'prometheus',
    `--config.file=${file}`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ])
  const api = await queryable(host, port)
  const loaded = (): string => api.get('status/config').data['yaml']
  const reload = async (scrapeConfigs: readonly object[]) => {
    const before = loaded()
    configure(scrapeConfigs)
    running.signal('SIGHUP')
    await eventually(() => assert.notEqual(loaded(), before))
  }
  return { ...api, ...running, reload }
}

/** A folder that goes with the test. */
export function temporaryFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'egress-prometheus-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Runs a program in a namespace. */
export function run(t: Teardown, host: Namespace, command: string[]): Running {
  const [file, args] = host.command(...command)
  const child = spawn(file, args, { stdio: 'inherit' })
  const exited = once(child, 'exit')
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill()
    await exited
  }
  t.teardown(stop)
  return { stop, signal: (name) => void child.kill(name) }
}

/** Whatever answers Prometheus' API there, once it does. */
export async function queryable(host: Namespace, port: number): Promise<Queryable> {
  const get: Queryable['get'] = (path) => {
    const answer = JSON.parse(host.run(['curl', '--silent', `http://127.0.0.1:${port}/api/v1/${path}`]))
    assert.equal(answer.error, undefined)
    return answer
  }
  const query = (expression: string) =>
    get(`query?query=${encodeURIComponent(expression)}`).data['result'].map(
      (sample: { value: [number, string] }) => sample.value[1],
    )
  await eventually(() => get('query?query=1'))
  return { query, get }
}
