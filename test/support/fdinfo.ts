import { readdirSync, readFileSync } from 'node:fs'

/** The ids of the BPF maps or links that a process holds open, from /proc/PID/fdinfo. */
export function heldIds(pid: number | 'self', kind: 'map_id' | 'link_id'): string[] {
  const folder = `/proc/${pid}/fdinfo`
  const pattern = new RegExp(`^${kind}:\\s*(\\d+)$`, 'm')
  return readdirSync(folder).flatMap((fd) => {
    try {
      return pattern.exec(readFileSync(`${folder}/${fd}`, 'utf8'))?.[1] ?? []
    } catch (error) {
      // The descriptor of this very listing, where a process looks at itself.
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
      throw error
    }
  })
}
