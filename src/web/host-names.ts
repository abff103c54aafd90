import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/**
 * The names that this host has for itself, in small letters: its host name, that without a domain, and what
 * stands beside either of them in the table of hosts, as `hostname --fqdn` finds it. DNS is not asked: whoever
 * answers there could name anything.
 *
 * @param table of hosts(5)
 */
export function hostNames(name: string = hostname(), table = '/etc/hosts'): ReadonlySet<string> {
  const [short = ''] = name.split('.', 1)
  const own = [name, short].map((text) => text.toLowerCase())
  const aliases = linesOf(table).filter((names) => names.some((alias) => own.includes(alias)))
  return new Set([...own, ...aliases.flat()].filter(Boolean))
}

/** The names of each line; none where there is no such file. */
function linesOf(table: string): string[][] {
  let text = ''
  try {
    text = readFileSync(table, 'utf8')
  } catch {
    // A host may go without.
  }
  return text.split('\n').map((line) => {
    const [content = ''] = line.split('#', 1)
    return content.toLowerCase().trim().split(/\s+/).slice(1)
  })
}
