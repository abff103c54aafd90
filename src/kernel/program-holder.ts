import { readdirSync, readFileSync } from 'node:fs'

/**
 * The process that holds a BPF program open, by the program's id: an exporter that runs. Undefined if
 * there is none. Needs the right to look into other processes.
 */
export function findProgramHolder(programId: number): number | undefined {
  const held = new RegExp(`^prog_id:\\s*${programId}$`, 'm')
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return processes.map(Number).find((pid) => holds(pid, held))
}

function holds(pid: number, held: RegExp): boolean {
  const folder = `/proc/${pid}/fdinfo`
  try {
    return readdirSync(folder).some((fd) => held.test(readFileSync(`${folder}/${fd}`, 'utf8')))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // The process or its descriptor ended while it was looked at.
    if (code === 'ENOENT' || code === 'ESRCH') return false
    // What is closed even to root, such as a container's first process, is nobody's exporter.
    if (code === 'EACCES' && process.getuid?.() === 0) return false
    throw error
  }
}
