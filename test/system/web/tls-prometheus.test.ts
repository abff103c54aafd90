import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import bcrypt from 'bcrypt'
import t from 'tap'
import { eventually } from '../../support/await.js'
import { makeCertificates } from '../../support/certificates.js'
import { startExporter } from '../../support/exporter.js'
import { addresses, createNetwork } from '../../support/network.js'
import { startPrometheusWith } from '../../support/prometheus.js'

t.test('a real Prometheus scrapes over TLS, with its certificate and a password', async (t) => {
  const network = createNetwork(t)
  network.up()
  const { host } = network
  const folder = makeCertificates(t)
  const webConfig = join(folder, 'web.yml')
  const hash = bcrypt.hashSync('correct horse', 10).replace('$2b$', '$2y$')
  writeFileSync(
    webConfig,
    `
tls_server_config:
  cert_file: server.crt
  key_file: server.key
  client_ca_file: ca.crt
  client_auth_type: RequireAndVerifyClientCert
  client_allowed_sans: [prometheus.example]
basic_auth_users: { prometheus: '${hash}' }
rate_limit: { interval: 100ms, burst: 50 }
`,
  )
  const exporter = await startExporter(t, host, '--interface=veth0', `--web.config.file=${webConfig}`)
  t.match(exporter.url, /^https:/)
  t.throws(() => exporter.get(), 'nobody gets in without')

  const prometheus = await startPrometheusWith(
    t,
    host,
    {
      scheme: 'https',
      basic_auth: { username: 'prometheus', password: 'correct horse' },
      tls_config: {
        ca_file: join(folder, 'ca.crt'),
        cert_file: join(folder, 'client.crt'),
        key_file: join(folder, 'client.key'),
      },
    },
    exporter.url,
  )
  host.traffic(`udp ${addresses.peer.v4} 9 23 100`)
  await eventually(() =>
    assert.deepEqual(prometheus.query(`egress_packets_total{destination="${addresses.peer.v4}"}`), ['23']),
  )
})
