import { statSync } from 'node:fs'
import { parsePrefix, type Prefix } from '../config/prefix.js'
import { usageError } from '../errors.js'
import type { Logger } from '../log.js'
import { readNetworkFile } from './network-file.js'
import { type Finding, type Network, type NetworkFile, unknownNetwork } from './network.js'

interface Loaded {
  /** Tells a changed file; undefined: nobody has looked. */
  readonly fingerprint: string | undefined
  /** As it was when it could be read last. */
  readonly file: NetworkFile | undefined
  readonly failed: boolean
}

/**
 * Reads files of networks, to say what is wrong with them.
 *
 * @throws UserError for the first that is
 */
export function checkNetworkFiles(paths: readonly string[]): void {
  for (const path of paths) {
    try {
      readNetworkFile(path)
    } catch (error) {
      throw usageError(`--networks.file: cannot read ${path}: ${(error as Error).message}`)
    }
  }
}

/** Whose addresses are, by the files that the user has. */
export class Networks {
  readonly #log: Pick<Logger, 'info' | 'error'>
  readonly #files: Map<string, Loaded>

  /** Reads the files. One that cannot be read is an error in the log, and read when it changes. */
  constructor(paths: readonly string[], log: Pick<Logger, 'info' | 'error'>) {
    this.#log = log
    this.#files = new Map(
      paths.map((path) => [path, { fingerprint: undefined, file: undefined, failed: false }]),
    )
    this.look()
  }

  /** Changes where any file does: what was said of addresses is to be looked up again. */
  get version(): string {
    return [...this.#files].map(([path, { fingerprint }]) => `${path} ${fingerprint}`).join('\n')
  }

  /** Files that could not be read when they were last. */
  get failed(): number {
    return [...this.#files.values()].filter(({ failed }) => failed).length
  }

  /** Reads what has changed. A broken file is told once, and what it said before goes on. */
  look(): void {
    for (const [path, loaded] of this.#files) {
      const fingerprint = fingerprintOf(path)
      if (fingerprint === loaded.fingerprint) continue
      this.#files.set(path, this.#read(path, fingerprint, loaded))
    }
  }

  /** Of an address, or of a prefix whose first address stands for it. Takes some microseconds. */
  find(destination: string): Network {
    const prefix = parsePrefix(destination)
    const findings = [...this.#files].flatMap(([path, loaded]) => {
      const found = this.#ask(path, loaded, prefix)
      return loaded.file && found ? [{ ...found, kind: loaded.file.kind }] : []
    })
    const longest = (kind: NetworkFile['kind']) =>
      findings.filter((one) => one.kind === kind).reduce(longer, undefined)
    const databases = findings.filter(({ kind }) => kind === 'database')
    const named = longest('own') ?? longest('ranges')
    const first = <Key extends keyof Network>(key: Key) => databases.find((one) => one[key] != null)?.[key]
    const asn = first('asn') ?? null
    return {
      network: named?.network ?? (asn === null ? unknownNetwork.network : `AS${asn}`),
      asn,
      asName: first('asName') ?? null,
      country: named?.country ?? first('country') ?? null,
    }
  }

  /** A database may be damaged where nobody looked before. */
  #ask(path: string, loaded: Loaded, prefix: Prefix): Finding | undefined {
    try {
      return loaded.file?.find(prefix)
    } catch (error) {
      if (!loaded.failed) {
        const fields = { file: path, reason: (error as Error).message }
        this.#log.error(fields, 'a file of networks is damaged: some addresses are not found in it')
        this.#files.set(path, { ...loaded, failed: true })
      }
      return undefined
    }
  }

  #read(path: string, fingerprint: string, before: Loaded): Loaded {
    try {
      const file = readNetworkFile(path)
      this.#log.info({ file: path, kind: file.kind }, 'read a file of networks')
      return { fingerprint, file, failed: false }
    } catch (error) {
      const what = before.file ? 'what it said before goes on' : 'it says nothing until it can be'
      this.#log.error(
        { file: path, reason: (error as Error).message },
        `cannot read a file of networks: ${what}`,
      )
      return { fingerprint, file: before.file, failed: true }
    }
  }
}

const longer = (best: Finding | undefined, one: Finding): Finding =>
  best === undefined || one.length > best.length ? one : best

/** Empty: there is none. */
function fingerprintOf(path: string): string {
  const status = statSync(path, { throwIfNoEntry: false })
  return status ? `${status.ino} ${status.mtimeMs} ${status.size}` : ''
}
