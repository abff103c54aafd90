import { execFileSync } from 'node:child_process'
import { heldIds } from './fdinfo.js'

/** The id of the map of this name, as the kernel has it, that a process holds open. */
export function findMap(pid: number, name: string): string {
  const found = heldIds(pid, 'map_id').find((id) => bpftool('map', 'show', 'id', id).name === name)
  if (found === undefined) throw new Error(`process ${pid} has no map ${name}`)
  return found
}

/** What bpftool prints of maps and programs. */
export function bpftool(...args: string[]) {
  return JSON.parse(execFileSync('bpftool', ['--json', ...args], { encoding: 'utf8', maxBuffer: 2 ** 26 }))
}
