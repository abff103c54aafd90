import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.js'

/** The command that runs the built program, with Node's flags as its first line has them, and others. */
export function program(...nodeFlags) {
  const main = join(root, 'dist/main.js')
  const [firstLine] = readFileSync(main, 'utf8').split('\n', 1)
  // #!/usr/bin/env -S node FLAG...
  return [process.execPath, ...firstLine.split(' ').slice(3), ...nodeFlags, main]
}
