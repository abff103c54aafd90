import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { contentTypes } from '../../../src/exposition/format.js'
import { eventually } from '../../support/await.js'
import { startExporter } from '../../support/exporter.js'
import { ethernetFrame, silentPair } from '../../support/network.js'
import { ipv4, ipv6 } from '../../support/packets.js'

const v4 = (to: string) => ethernetFrame('0800', ipv4({ to }))
const v6 = (to: string) => ethernetFrame('86dd', ipv6({ to }))

/** Times, versions, and Node's own metrics change from run to run. */
function stable(page: string): string {
  return (
    page
      .split('\n')
      .filter((line) => line !== '' && !/^(# (HELP|TYPE) )?(process_|nodejs_)/.test(line))
      // Anybody on the machine may have BPF statistics on meanwhile.
      .filter((line) => !/^egress_program_run(s|_seconds)_total /.test(line))
      .map((line) =>
        line
          .replace(/^(egress_destination_first_seen_timestamp_seconds\{.*\}) \d{10}\.\d{3}$/, '$1 TIME')
          .replace(
            /^(egress_config_last_reload_success_timestamp_seconds|egress_baseline_end_timestamp_seconds) \d+(\.\d+)?$/,
            '$1 TIME',
          )
          .replace(/^egress_scrape_duration_seconds 0\.\d+$/, 'egress_scrape_duration_seconds TIME')
          .replace(/(version|revision|service)="[^"]+"/g, '$1="…"')
          .replace(/ifindex="\d+"/, 'ifindex="…"')
          // By whether a sweep came in between.
          .replace(/^(egress_destinations_full) [01]$/, '$1 FULL'),
      )
      .join('\n')
  )
}

const formats = { 'golden.prom': contentTypes.text, 'golden.openmetrics': contentTypes.openMetrics }

t.test('the whole page, in both formats', async (t) => {
  const host = silentPair(t, 'quote"d')
  const frames = [
    ...Array(23).fill(v4('203.0.113.1')),
    ...Array(29).fill(v6('2001:db8:1::1')),
    ...Array(31).fill(v4('203.0.113.2')),
    ...Array(37).fill(v4('10.1.2.3')),
    ...Array(41).fill(ethernetFrame('0806', '0001080006040001')),
    ...Array(43).fill(ethernetFrame('0800', '45')),
  ]
  // A full table makes room after a second: on a slow machine before both pages are there.
  const pages = await eventually(async () => {
    const exporter = await startExporter(
      t,
      host,
      '--interface=quote"d',
      '--destinations.limit=2',
      '--bpf.mode=clsact',
    )
    host.traffic('frames quote"d', frames.join('\n'))
    const taken = Object.entries(formats).map(([file, accept]) => ({
      file,
      page: stable(exporter.get(undefined, { accept: accept.replace('; charset=utf-8', '') })),
    }))
    await exporter.stop()
    for (const { page } of taken)
      assert.match(
        page,
        /^egress_unlisted_packets_total\{.*reason="expired"\} 0$/m,
        'nothing made room meanwhile',
      )
    return taken
  })
  for (const { file, page } of pages) {
    const path = `test/exposition/${file}`
    if (process.env['UPDATE_GOLDEN']) writeFileSync(path, page)
    t.equal(page, readFileSync(path, 'utf8'), `${file}; UPDATE_GOLDEN=1 rewrites it`)
  }
})

t.test('promtool has nothing to say', async (t) => {
  const host = silentPair(t, 'veth0')
  const exporter = await startExporter(t, host, '--interface=veth0')
  host.traffic('frames veth0', v4('203.0.113.1'))
  // It prints its complaints and exits with 3.
  t.equal(host.run(['promtool', 'check', 'metrics'], exporter.get()), '')
})
