import { chmodSync, utimesSync, readdirSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'

/** @returns the paths of all files below a folder, relative to it, in order */
export function filesIn(folder) {
  return entries(folder)
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** Lets nothing of the moment into a folder: all can read it, whatever the umask was, and all is of one time. */
export function settle(folder, seconds) {
  const all = entries(folder)
  for (const path of [folder, ...all.map((entry) => join(entry.parentPath, entry.name))]) {
    // For folders this bit is set, too.
    chmodSync(path, statSync(path).mode & 0o100 ? 0o755 : 0o644)
    utimesSync(path, seconds, seconds)
  }
}

const entries = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
