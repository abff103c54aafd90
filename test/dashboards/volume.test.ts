import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import t from 'tap'

const days = 40
/** A sample each two and a half minutes, so that each rate has two. */
const perDay = 576
const megabyte = 1e6

/** Bytes a second at a moment, in days since the beginning. */
type Rate = (day: number, hour: number) => number

/** A counter in promtool's notation: it grows by what is sent between two samples. */
function counter(rate: Rate, restart?: number): string {
  let [value, words] = [0, '0']
  for (let sample = 1; sample < days * perDay; sample++) {
    const sent = 150 * rate(Math.floor(sample / perDay), ((sample % perDay) * 24) / perDay)
    value = sample === restart ? sent : value + sent
    words += ` ${value}`
  }
  return words
}

const nightly: Rate = (_day, hour) => (hour >= 2 && hour < 3 ? 50 * megabyte : 2_003)
const weekly: Rate = (day, hour) => (day % 7 === 3 ? nightly(day, hour) : 2_003)
const monthly: Rate = (day, hour) => (day % 30 === 7 ? nightly(day, hour) : 2_003)
/** At noon of the 39th day somebody copies to where little went before. */
const exfiltration =
  (usual: number): Rate =>
  (day, hour) =>
    day === 38 && hour >= 12 && hour < 14 ? 20 * megabyte : usual

const destinations: Record<string, string> = {
  nightly: counter(nightly),
  weekly: counter(weekly),
  monthly: counter(monthly),
  growing: counter((day) => megabyte * (1 + day / 10)),
  restarted: counter(() => 30 * megabyte, 38 * perDay + 7),
  'exfiltration to a quiet one': counter(exfiltration(2_003)),
  'exfiltration to a busy one': counter(exfiltration(megabyte)),
}

t.test('jobs of each night, week and month are usual once they were seen; an exfiltration is not', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'egress-volume-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const labels = (destination: string) =>
    `{job="egress", instance="a", interface="eth0", destination="${destination}"}`
  const alert = (destination: string, rate: string) => ({
    exp_labels: { severity: 'warning', job: 'egress', instance: 'a', destination },
    exp_annotations: {
      summary: 'A server sends far more to a destination than it used to.',
      description: `a sends ${rate}B/s to ${destination}, more than three times the most of any hour of the last month.`,
      runbook_url: 'http://a/docs/runbooks/EgressVolumeUnusual.md',
    },
  })
  const at = (day: number, time: string, firing: object[] = []) => ({
    eval_time: `${day}d${time}`,
    alertname: 'EgressVolumeUnusual',
    exp_alerts: firing,
  })
  const theft = [
    alert('exfiltration to a quiet one', '19.07Mi'),
    alert('exfiltration to a busy one', '19.07Mi'),
  ]
  const input_series = Object.entries(destinations).flatMap(([destination, values]) => [
    { series: `egress_bytes_total${labels(destination)}`, values },
    {
      series: `egress_destination_first_seen_timestamp_seconds${labels(destination)}`,
      values: `0x${days * perDay}`,
    },
  ])
  const total = counter(() => 100 * megabyte)
  input_series.push({
    series: 'egress_interface_bytes_total{job="egress", instance="a", interface="eth0"}',
    values: total,
  })
  const nights = Array.from({ length: 10 }, (_, night) => at(28 + night, '2h45m'))
  const test = {
    rule_files: ['recording.yml', 'alerts.yml'].map((file) => resolve('dashboards/rules', file)),
    evaluation_interval: '5m',
    tests: [
      {
        interval: '2m30s',
        input_series,
        alert_rule_test: [
          ...nights,
          at(37, '2h45m'),
          at(38, '2h45m'),
          at(38, '11h55m'),
          at(38, '13h', theft),
          at(39, '2h45m'),
        ],
      },
    ],
  }
  const file = join(folder, 'volume.json')
  writeFileSync(file, JSON.stringify(test))
  execFileSync('promtool', ['test', 'rules', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  t.end()
})
