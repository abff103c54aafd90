import { RecentMap } from './recent-map.js'
import { type CgroupMount, rootInode } from './cgroup-mount.js'
import { walk } from './walk.js'

/** What a look for an id tells: where it is; that nobody will know any more; that a later look may tell. */
export type Found = { readonly path: string } | 'gone' | 'later'

export interface CgroupTreeOptions {
  /** Asked before each walk, since mounts come and go. */
  readonly findMount: () => CgroupMount | undefined
  /** Whether ids are generation << 32 | inode, as before Linux 5.5; since then they are inodes. */
  readonly generations: boolean
  /** A sentence for the log, once for each thing that goes wrong. */
  readonly warn: (words: string) => void
  /** Of a clock that only goes forward. */
  readonly nowMs: () => number
  /** How many cgroups a walk may see. */
  readonly limit?: number
}

const minPauseMs = 1_000
/** A walk of very many takes long: at most a tenth of the time is spent on walking. */
const pauseForWalk = 9
const defaultLimit = 32_768
/** So many ids at least of cgroups that are gone are remembered with their paths, and as many that were not found. */
const rememberedIds = 2_048
/** An id that a walk did not find does not come back, unless a mount did. */
const goneForMs = 60_000

/**
 * The paths of cgroups by the ids that BPF programs see. An id that is not known makes a walk of the mount
 * due, at most once a second. Synchronous: for a thread that may block.
 *
 * Before Linux 5.5 only the lower half of an id can be compared, its inode. Inodes are given anew after 2^31
 * cgroups there, so an id that is older than that could be taken for the new one's.
 */
export class CgroupTree {
  readonly #options: CgroupTreeOptions
  #paths: ReadonlyMap<bigint, string> = new Map()
  #walkDueMs = -Infinity
  readonly #departed = new RecentMap<bigint, string>(rememberedIds)
  /** Until when. */
  readonly #gone = new RecentMap<bigint, number>(rememberedIds)
  /** Asked for when no walk was due; the next one decides about all of them. */
  readonly #waiting = new RecentMap<bigint, true>(rememberedIds)
  #trouble = ''

  constructor(options: CgroupTreeOptions) {
    this.#options = options
  }

  /** Whether it is the id of the hierarchy's root. */
  isRoot(id: bigint): boolean {
    return this.#inodeOf(id) === rootInode
  }

  find(id: bigint): Found {
    const inode = this.#inodeOf(id)
    const now = this.#options.nowMs()
    const path = this.#pathOf(inode)
    if (path !== undefined) return { path }
    if ((this.#gone.get(inode) ?? -Infinity) > now) return 'gone'
    this.#waiting.set(inode, true)
    if (now < this.#walkDueMs) return 'later'
    this.#walk(now)
    const found = this.#pathOf(inode)
    return found === undefined ? 'gone' : { path: found }
  }

  #inodeOf(id: bigint): bigint {
    return this.#options.generations ? BigInt.asUintN(32, id) : id
  }

  #pathOf(inode: bigint): string | undefined {
    return this.#paths.get(inode) ?? this.#departed.get(inode)
  }

  #walk(startMs: number): void {
    const { paths, trouble } = this.#look()
    if (trouble !== '' && trouble !== this.#trouble) this.#options.warn(trouble)
    this.#trouble = trouble
    for (const [inode, path] of this.#paths) if (!paths.has(inode)) this.#departed.set(inode, path)
    this.#paths = paths
    for (const inode of this.#waiting.keys())
      if (this.#pathOf(inode) === undefined) this.#gone.set(inode, startMs + goneForMs)
    this.#waiting.clear()
    const end = this.#options.nowMs()
    this.#walkDueMs = end + Math.max(minPauseMs, pauseForWalk * (end - startMs))
  }

  #look(): { paths: ReadonlyMap<bigint, string>; trouble: string } {
    const none = new Map<bigint, string>()
    const { findMount, limit = defaultLimit } = this.#options
    const mount = findMount()
    if (!mount) return { paths: none, trouble: 'no cgroup2 is mounted: who sends is not known' }
    try {
      const { paths, complete } = walk(mount, limit)
      const trouble = complete ? '' : `more than ${limit} cgroups: the innermost are not known by name`
      return { paths, trouble }
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error)
      return { paths: none, trouble: `${mount.path} cannot be read (${reason}): who sends is not known` }
    }
  }
}
