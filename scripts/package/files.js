import { chmodSync, lutimesSync, readdirSync } from 'node:fs'
import { join, relative } from 'node:path'

/** @returns the paths of all files below a folder, relative to it, in order */
export function filesIn(folder) {
  return entries(folder)
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}

/** Lets nothing of the moment into a folder: its folders are readable by all, and all is of one time. */
export function settle(folder, seconds) {
  const all = entries(folder)
  for (const entry of all.filter((entry) => entry.isDirectory()))
    chmodSync(join(entry.parentPath, entry.name), 0o755)
  chmodSync(folder, 0o755)
  for (const path of [folder, ...all.map((entry) => join(entry.parentPath, entry.name))])
    lutimesSync(path, seconds, seconds)
}

const entries = (folder) => readdirSync(folder, { recursive: true, withFileTypes: true })
