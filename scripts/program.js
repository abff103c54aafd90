import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './root.js'

/** The command that runs the built program, with Node's flags as its first line has them, and others. */
export const program = (...nodeFlags) => programIn(root, process.execPath, ...nodeFlags)

/** The same of the build in another folder. */
export function programIn(folder, node, ...nodeFlags) {
  const main = join(folder, 'dist/main.js')
  const [firstLine] = readFileSync(main, 'utf8').split('\n', 1)
  const [, flags] = /f="(.*?)"/.exec(firstLine)
  return [node, ...flags.split(' '), ...nodeFlags, main]
}
