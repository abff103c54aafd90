import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

const folder = 'test/native/unit'

/** The C++ that asks nothing of the kernel, and its cases, which have the names of what they test. */
export function unitSources() {
  const cases = readdirSync(folder).filter((file) => file.endsWith('.cc'))
  const tested = cases.map((file) => join('native', file)).filter((file) => existsSync(file))
  return [...cases.map((file) => join(folder, file)), ...tested]
}
