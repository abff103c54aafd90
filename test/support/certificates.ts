import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

interface Teardown {
  teardown(action: () => unknown): void
}

/** Who gets a certificate, and what names the certificates carry. */
const subjects = {
  server: 'DNS:localhost,IP:127.0.0.1',
  client: 'DNS:prometheus.example,email:ops@example.org,URI:spiffe://example/prometheus,IP:192.0.2.7',
  ipv6: 'IP:2001:db8::a,IP:2001:db8:0:1::a,IP:::ffff:192.0.2.9,DNS:192.0.2.11',
  stranger: 'DNS:prometheus.example',
} as const

/**
 * Makes two authorities with OpenSSL in a folder of the test: `ca.crt`, which signs `server.crt` and
 * `client.crt`, and `other-ca.crt`, which signs `stranger.crt`; each with its `.key`.
 */
export function makeCertificates(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'egress-certificates-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  for (const ca of ['ca', 'other-ca']) {
    openssl('req', '-x509', ...key, '-keyout', `${ca}.key`, '-out', `${ca}.crt`, '-subj', `/CN=${ca}`)
  }
  for (const [name, names] of Object.entries(subjects)) {
    const ca = name === 'stranger' ? 'other-ca' : 'ca'
    writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\n`)
    openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`)
    const signed = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-extfile', `${name}.ext`]
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signed)
  }
  return folder
}
