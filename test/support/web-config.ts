import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import bcrypt from 'bcrypt'
import { access } from '../../src/web/access.js'
import { WebConfigFile } from '../../src/web/web-config-file.js'
import { fakeApp, fine } from './app.js'
import { makeCertificates } from './certificates.js'
import { serveOn } from './listen.js'

interface Teardown {
  teardown(action: () => unknown): void
}

const run = promisify(execFile)

/** Of the password `correct horse`. */
export const hash = bcrypt.hashSync('correct horse', 4)
export const pair = 'cert_file: server.crt, key_file: server.key'
export const ca = 'client_ca_file: ca.crt'

/** Certificates in a folder, and servers and clients that use them. */
export function webConfigLab(t: Teardown) {
  const folder = makeCertificates(t)
  const file = (name: string) => join(folder, name)

  /** Serves with a web configuration, and gives what a client gets. */
  async function serveWith(t: Teardown, yaml: string) {
    const path = file(`web-${Math.random()}.yml`)
    writeFileSync(path, yaml)
    const logged: unknown[] = []
    const note = (...args: unknown[]) => void logged.push(args)
    const log = { info: note, warn: note, error: note }
    const webConfig = new WebConfigFile(path, log)
    const { onRequest, failures } = access(webConfig, log)
    const { app } = fakeApp(t, fine, undefined, { access: onRequest })
    const server = await serveOn(app, [{ host: '127.0.0.1', port: 0 }], { webConfig, log })
    t.teardown(() => server.close(0))
    const [url = ''] = server.urls
    return { path, url, logged, failures, curl: (...flags: string[]) => curl(url, ...flags) }
  }

  /** The status of an answer, with its headers and body; 0: no answer. */
  async function curl(url: string, ...flags: string[]): Promise<{ status: number; text: string }> {
    try {
      const { stdout } = await run('curl', ['-si', '--cacert', file('ca.crt'), ...flags, `${url}/metrics`])
      return { status: Number(/^HTTP\/\S+ (\d+)/.exec(stdout)?.[1]), text: stdout }
    } catch {
      return { status: 0, text: '' }
    }
  }

  /** Whether OpenSSL's client shakes hands and gets an answer, and by which protocol and cipher. */
  async function openssl(url: string, ...flags: string[]): Promise<string> {
    const { host } = new URL(url)
    const request = "printf 'GET /-/healthy HTTP/1.0\\r\\n\\r\\n'"
    const connect = `openssl s_client -connect ${host} -CAfile ${file('ca.crt')} -ign_eof ${flags.join(' ')}`
    const { stdout } = await run('sh', ['-c', `${request} | timeout 10 ${connect} 2>&1; true`])
    const [, protocol = '', cipher = ''] = /^New, (\S+), Cipher is (\S+)$/m.exec(stdout) ?? []
    return stdout.includes('healthy\n') ? `${protocol} ${cipher}` : 'refused'
  }

  return {
    file,
    serveWith,
    curl,
    openssl,
    /** A certificate's text, for YAML. */
    inline: (name: string) => JSON.stringify(readFileSync(file(name), 'utf8')),
    /** curl's flags for a client with a certificate. */
    client: (name: string) => ['--cert', file(`${name}.crt`), '--key', file(`${name}.key`)],
  }
}
