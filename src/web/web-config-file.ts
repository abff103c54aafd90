import { statSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { readWebConfig, type WebConfig } from '../config/web-config/web-config.js'
import { usageError } from '../errors.js'
import type { Logger } from '../log.js'
import { filesOf, secureContextOptions } from './tls.js'

/** What is in force: the configuration, and what TLS needs of the files that it names. */
export interface LoadedWebConfig {
  readonly config: WebConfig
  readonly secureContext?: SecureContextOptions
}

/**
 * Reads a web configuration file and the certificates that it names.
 *
 * @throws UserError with the first thing that is wrong
 */
export function loadWebConfig(path: string): LoadedWebConfig {
  const config = readWebConfig(path)
  if (!config.tls) return { config }
  try {
    const secureContext = secureContextOptions(config.tls)
    createSecureContext(secureContext)
    return { config, secureContext }
  } catch (error) {
    throw usageError(`${path}: tls_server_config: ${(error as Error).message}`)
  }
}

/**
 * A web configuration file that is read again when it or a certificate has changed, which each request
 * and each handshake asks. While it is broken, requests are to be answered with an error.
 */
export class WebConfigFile {
  readonly #path: string
  readonly #log: Pick<Logger, 'info' | 'warn' | 'error'>
  readonly #first: LoadedWebConfig
  #loaded: LoadedWebConfig
  #signature: string
  #broken = false

  /** @throws UserError as loadWebConfig does */
  constructor(path: string, log: Pick<Logger, 'info' | 'warn' | 'error'>) {
    this.#path = path
    this.#log = log
    this.#first = this.#loaded = loadWebConfig(path)
    this.#signature = this.#sign()
  }

  /** What was in force when it was last looked at. */
  get current(): LoadedWebConfig {
    return this.#loaded
  }

  /** What is in force, or was before the file broke; looks whether a file has changed. */
  latest(): LoadedWebConfig {
    this.#refresh()
    return this.#loaded
  }

  /** The same; undefined while the file is broken. */
  validConfig(): WebConfig | undefined {
    const { config } = this.latest()
    return this.#broken ? undefined : config
  }

  #refresh(): void {
    const signature = this.#sign()
    if (signature === this.#signature) return
    this.#signature = signature
    try {
      this.#loaded = loadWebConfig(this.#path)
      this.#broken = false
      // It may name other files by now.
      this.#signature = this.#sign()
      this.#log.info({ file: this.#path }, 'read the web configuration again')
      const waiting = waitsForRestart(this.#first.config, this.#loaded.config)
      if (waiting.length > 0) {
        this.#log.warn({ settings: waiting.join() }, 'these settings changed, and wait for a restart')
      }
    } catch (error) {
      this.#broken = true
      this.#log.error(
        { file: this.#path, reason: (error as Error).message },
        'the web configuration is broken: requests are answered with 500 until it is mended',
      )
    }
  }

  /** Changes with any of the files. */
  #sign(): string {
    const { tls } = this.#loaded.config
    return [this.#path, ...(tls ? filesOf(tls) : [])].map(signatureOf).join()
  }
}

/** What servers are made with. Until then a client that lacks what is asked for now is not let in. */
function waitsForRestart(first: WebConfig, now: WebConfig): string[] {
  const asks = ({ tls }: WebConfig) => tls && tls.clientAuth !== 'NoClientCert'
  const verifies = ({ tls }: WebConfig) => tls?.clientAuth === 'RequireAndVerifyClientCert'
  return [
    ...(!first.tls !== !now.tls ? ['tls_server_config'] : []),
    ...(first.tls && now.tls && ((asks(now) && !asks(first)) || (verifies(first) && !verifies(now)))
      ? ['client_auth_type']
      : []),
    ...(first.http2 !== now.http2 ? ['http2'] : []),
    ...(JSON.stringify(first.rateLimit) !== JSON.stringify(now.rateLimit) ? ['rate_limit'] : []),
  ]
}

function signatureOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true })
    return `${dev}:${ino}:${size}:${mtimeNs}`
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? ''
  }
}
