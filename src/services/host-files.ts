import { closeSync, constants, fstatSync, opendirSync, openSync, readSync, realpathSync } from 'node:fs'
import { join, sep } from 'node:path'
import type { KnownNames } from './service-name.js'

/** Docker's file of one container has some 5 KB, podman's of all of them 1 KB for each. */
const maxFileSize = 4 * 2 ** 20
const maxEntries = 10_000
/** Lists are read again no sooner. */
const listForMs = 1_000

/** As Docker and podman take it. */
const containerName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/
/** NAMESPACE_POD_UID: RFC 1123 names, which have no underscore; the uid, or of a static pod a hash. */
const podFolder = /^([a-z0-9-]{1,63})_([a-z0-9.-]{1,253})_([0-9a-f-]{32,36})$/

type Names = ReadonlyMap<string, string>

/**
 * Names of containers and pods from files that their runtimes keep on this host. The files are only read, as
 * data: what is not there, not for us to read, too large or not of the expected form is not known.
 */
export class HostFiles implements KnownNames {
  readonly #root: string
  readonly #pods: () => Names
  readonly #podman: () => Names

  /** @param root where the host's root is */
  constructor(root: string, nowMs: () => number) {
    this.#root = root
    this.#pods = keptFor(listForMs, nowMs, () => this.#listPods())
    this.#podman = keptFor(listForMs, nowMs, () => this.#listPodman())
  }

  /** @param id 64 hexadecimal digits */
  containerName(id: string): string | undefined {
    if (!/^[0-9a-f]{64}$/.test(id)) return undefined
    return this.#dockerName(id) ?? this.#podman().get(id)
  }

  podName(uid: string): string | undefined {
    return this.#pods().get(uid)
  }

  #dockerName(id: string): string | undefined {
    const name = fieldOf(this.#readJson(`var/lib/docker/containers/${id}/config.v2.json`), 'Name')
    return typeof name === 'string' ? validName(name.replace(/^\//, '')) : undefined
  }

  /** `overlay-containers`, and so on by the driver of the storage. */
  #listPodman(): Names {
    const storage = 'var/lib/containers/storage'
    const files = this.#entries(storage)
      .filter((name) => /^[a-z0-9]+-containers$/.test(name))
      .flatMap((name) =>
        ['containers.json', 'volatile-containers.json'].map((file) => `${storage}/${name}/${file}`),
      )
    return new Map(files.flatMap((file) => listOf(this.#readJson(file)).flatMap(podmanNames)))
  }

  #listPods(): Names {
    return new Map(
      this.#entries('var/log/pods').flatMap((folder): [string, string][] => {
        const [, namespace, pod, uid] = podFolder.exec(folder) ?? []
        return uid === undefined ? [] : [[uid, `${namespace ?? ''}/${pod ?? ''}`]]
      }),
    )
  }

  #entries(folder: string): string[] {
    return (
      this.#try(folder, (path) => {
        const opened = opendirSync(path)
        try {
          const names: string[] = []
          for (let entry = opened.readSync(); entry && names.length < maxEntries; entry = opened.readSync())
            names.push(entry.name)
          return names
        } finally {
          opened.closeSync()
        }
      }) ?? []
    )
  }

  #readJson(file: string): unknown {
    return this.#try(file, (path) => JSON.parse(readRegularFile(path)) as unknown)
  }

  /** Symbolic links may lead elsewhere below the root, as /var/lib/docker often does, but not out of it. */
  #try<T>(path: string, read: (path: string) => T): T | undefined {
    try {
      const root = realpathSync(this.#root)
      const real = realpathSync(join(root, path))
      return real.startsWith(root.endsWith(sep) ? root : root + sep) ? read(real) : undefined
    } catch {
      return undefined // not known, whyever
    }
  }
}

function readRegularFile(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const { size } = fstatSync(fd)
    if (!fstatSync(fd).isFile() || size > maxFileSize) throw new Error('not a file of the expected kind')
    const bytes = Buffer.alloc(size)
    return bytes.toString('utf8', 0, readSync(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

/** Its id and the first of its names; none: not of the expected form. */
function podmanNames(container: unknown): [string, string][] {
  const id = fieldOf(container, 'id')
  const name = validName(listOf(fieldOf(container, 'names'))[0])
  return typeof id === 'string' && name !== undefined ? [[id, name]] : []
}

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

const validName = (name: unknown): string | undefined =>
  typeof name === 'string' && containerName.test(name) ? name : undefined

const fieldOf = (value: unknown, field: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[field] : undefined

function keptFor<T>(ms: number, nowMs: () => number, make: () => T): () => T {
  let kept: { readonly value: T; readonly untilMs: number } | undefined
  return () => {
    const now = nowMs()
    if (kept === undefined || now >= kept.untilMs) kept = { value: make(), untilMs: now + ms }
    return kept.value
  }
}
