import { lstatSync, readFileSync } from 'node:fs'

/** Where this process sees cgroup2. All text is one character (U+0000 to U+00FF) a byte. */
export interface CgroupMount {
  readonly path: string
  /** As stat has it. */
  readonly device: bigint
  /** Whether all of the host's cgroups are below it, and not those of a cgroup namespace or of a bind mount alone. */
  readonly whole: boolean
  /** The cgroup that is at its root, from this process's namespace's root on: `/`, `/../..` and so on. */
  readonly root: string
}

/** The id and inode of the hierarchy's root (WARN in cgroup_setup_root(), Linux 5.5; the first of its idr before). */
export const rootInode = 1n

/**
 * The mount of cgroup2 that shows most; undefined: there is none. On a hybrid host, where version 1 has the
 * controllers, it is /sys/fs/cgroup/unified.
 *
 * @param proc where procfs is
 */
export function findCgroupMount(proc: string): CgroupMount | undefined {
  const mounts = readMounts(proc)
    .filter(({ type }) => type === 'cgroup2')
    .flatMap((mount) => openMount(mount) ?? [])
  return mounts.find(({ whole }) => whole) ?? mounts[0]
}

/** Whether controllers of cgroup version 1 are mounted. */
export const hasVersion1 = (proc: string): boolean => readMounts(proc).some(({ type }) => type === 'cgroup')

/**
 * Whether this process is in the root of the whole hierarchy. Then so are others: a host's init that uses
 * cgroup2 moves every process out of it.
 */
export const isInRoot = (proc: string, { whole, root }: CgroupMount): boolean =>
  whole && root === '/' && ownCgroup(proc) === '/'

/** The cgroup of this process, from its namespace's root on; undefined: no cgroup2. */
export const ownCgroup = (proc: string): string | undefined =>
  /^0::(.*)$/m.exec(read(`${proc}/self/cgroup`))?.[1]

interface Mount extends Omit<CgroupMount, 'whole'> {
  readonly type: string
}

/** proc_pid_mountinfo(5): id, parent, major:minor, root, path, options, optional fields, `-`, type, … */
const line = /^\d+ \d+ (\d+):(\d+) (\S+) (\S+) .*? - (\S+) /gm

const readMounts = (proc: string): Mount[] =>
  Array.from(
    read(`${proc}/self/mountinfo`).matchAll(line),
    ([, major = '', minor = '', root = '', path = '', type = '']) => ({
      root,
      path: path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
      type,
      device: deviceNumber(BigInt(major), BigInt(minor)),
    }),
  )

/** As stat has it (new_encode_dev(), include/linux/kdev_t.h). */
const deviceNumber = (major: bigint, minor: bigint): bigint =>
  (minor & 0xffn) | (major << 8n) | ((minor & ~0xffn) << 12n)

/** What is there may be hidden by a later mount at the same path. */
function openMount({ path, root, device }: Mount): CgroupMount | undefined {
  try {
    const { dev, ino } = lstatSync(Buffer.from(path, 'latin1'), { bigint: true })
    return dev === device ? { path, root, device, whole: ino === rootInode } : undefined
  } catch {
    return undefined // gone, or not for us to see
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // procfs may be hidden
  }
}
