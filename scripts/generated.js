// Parts of the documentation that are written by programs: between a line that says by which, and
// `<!-- end -->`.
import { readFileSync, writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'

/** @returns the file's text with what a command writes into it, formatted as the rest */
export async function withGenerated(file, command, text) {
  const start = `<!-- npm run ${command} writes this part -->\n`
  const before = readFileSync(file, 'utf8')
  const from = before.indexOf(start)
  const to = before.indexOf('<!-- end -->', from)
  if (from < 0 || to < 0) throw new Error(`${file} has no part that npm run ${command} writes`)
  const after = `${before.slice(0, from)}${start}\n${text}\n\n${before.slice(to)}`
  return formatted(file, after)
}

/** As the rest of the tree is. */
export async function formatted(file, text) {
  return format(text, { ...(await resolveConfig(file)), filepath: file })
}

export async function writeGenerated(file, command, text) {
  writeFileSync(file, await withGenerated(file, command, text))
}
