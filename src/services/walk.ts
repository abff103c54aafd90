import { lstatSync, readdirSync } from 'node:fs'
import type { CgroupMount } from './cgroup-mount.js'

/** What one walk saw. */
export interface Walk {
  /** Paths below the mount's root, with a leading `/`, by inode; one character a byte. */
  readonly paths: ReadonlyMap<bigint, string>
  /** Whether there were no more than may be. */
  readonly complete: boolean
}

/**
 * Walks a cgroup2 mount, the outermost cgroups first. A cgroup that goes meanwhile is left out, with what is
 * below it; so is what another mount hides, and a path longer than the kernel takes (PATH_MAX, 4,096 bytes).
 * Symbolic links are not followed; cgroup2 has none.
 *
 * A folder's inode takes an lstat, since Node's readdir does not tell it. That also says how many folders are
 * in it: nearly all cgroups have none and are not read, which would list 30 files each.
 *
 * @param limit how many cgroups may be seen
 * @throws NodeJS.ErrnoException if the mount itself cannot be read
 */
export function walk(mount: CgroupMount, limit: number): Walk {
  const paths = new Map<bigint, string>()
  const { ino, nlink } = statFolder(mount, '')
  paths.set(ino, '/')
  let level = mayHaveFolders(nlink) ? [''] : []
  while (level.length > 0) {
    const next: string[] = []
    for (const parent of level) {
      for (const path of foldersIn(mount, parent)) {
        const found = tryStat(mount, path)
        if (found === undefined) continue
        if (paths.size >= limit) return { paths, complete: false }
        paths.set(found.ino, path)
        if (mayHaveFolders(found.nlink)) next.push(path)
      }
    }
    level = next
  }
  return { paths, complete: true }
}

/** A folder that has none counts itself and its own `.`; file systems that do not count have 1. */
const mayHaveFolders = (nlink: bigint) => nlink !== 2n

const statFolder = ({ path }: CgroupMount, below: string) =>
  lstatSync(Buffer.from(path + below, 'latin1'), { bigint: true })

function tryStat(mount: CgroupMount, path: string) {
  try {
    const found = statFolder(mount, path)
    return found.isDirectory() && found.dev === mount.device ? found : undefined
  } catch {
    return undefined // gone meanwhile, or too deep
  }
}

function foldersIn({ path }: CgroupMount, below: string): string[] {
  try {
    return readdirSync(Buffer.from(path + below, 'latin1'), { encoding: 'latin1', withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${below}/${name}`)
  } catch (error) {
    if (below === '') throw error
    return [] // gone meanwhile, or not for us to read
  }
}
