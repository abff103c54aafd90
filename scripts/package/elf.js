// What the ELF files of a package ask of the system that they run on.
import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { Buffer } from 'node:buffer'
import { join } from 'node:path'

/** As Node.js itself: RHEL 8, Debian 10, Ubuntu 18.10 and what is newer. */
const newestSymbols = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '8.0' }
/** Each is a package's on every system; libstdc++ is Node.js's alone. */
const libraries = /^(lib(c|m|dl|rt|pthread|stdc\+\+|gcc_s|atomic)\.so\.\d+|ld-linux-[\w-]+\.so\.\d)$/

/**
 * @param folder the root of what is installed
 * @returns for each ELF file its newest symbol of each kind, such as { GLIBC: '2.28' }
 * @throws Error if one asks for a newer symbol than newestSymbols has, or for another library
 */
export function checkElfFiles(folder) {
  const found = elfFiles(folder).map((file) => ({ file, ...requirements(join(folder, file)) }))
  if (found.length === 0) throw new Error(`${folder} has no ELF file`)
  for (const { file, symbols, needed } of found) {
    for (const [kind, version] of Object.entries(symbols)) {
      if (!(kind in newestSymbols) || compare(version, newestSymbols[kind]) > 0)
        throw new Error(`${file} needs ${kind}_${version}: at most ${newestSymbols[kind]} is on old systems`)
    }
    const foreign = needed.filter((name) => !libraries.test(name))
    if (foreign.length > 0) throw new Error(`${file} needs ${foreign.join(', ')}`)
  }
  return found
}

function elfFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isElf(join(entry.parentPath, entry.name)))
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

function isElf(path) {
  const magic = Buffer.alloc(4)
  const fd = openSync(path, 'r')
  readSync(fd, magic, 0, 4, 0)
  closeSync(fd)
  return magic.toString('latin1') === '\x7fELF'
}

function requirements(path) {
  const text = execFileSync('readelf', ['--wide', '--dynamic', '--version-info', path], { encoding: 'utf8' })
  // What it has itself stands in another section.
  const [, needs = ''] = text.split("Version needs section '.gnu.version_r'")
  const symbols = {}
  for (const [, kind, version] of needs.matchAll(/Name: ([A-Z]+)_([\d.]+)/g))
    if (!(kind in symbols) || compare(version, symbols[kind]) > 0) symbols[kind] = version
  return { symbols, needed: [...text.matchAll(/\(NEEDED\).*\[(.*)\]/g)].map(([, name]) => name) }
}

function compare(a, b) {
  return new Intl.Collator('en', { numeric: true }).compare(a, b)
}
