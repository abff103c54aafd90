// Whose work a package contains, and by which licence.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Linked into the addon, from Debian's packages. */
const linked = [
  ['libbpf', 'LGPL-2.1-only or BSD-2-Clause'],
  ['libelf of elfutils', 'LGPL-3.0-or-later or GPL-2.0-or-later'],
  ['zlib', 'Zlib'],
  ['libstdc++ and libgcc of GCC', 'GPL-3.0-or-later with the GCC Runtime Library Exception 3.1'],
]

/** @returns the names of the npm packages that the bundle in dist/ has parts of, by its source maps */
export function bundledPackages(dist) {
  const names = readdirSync(dist)
    .filter((file) => file.endsWith('.map'))
    .flatMap((file) => JSON.parse(readFileSync(join(dist, file), 'utf8')).sources)
    .map((source) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1])
    .filter((name) => name !== undefined)
  return [...new Set(names)].sort()
}

/**
 * The texts of all licences, one after the other.
 * @param modules the folder node_modules
 * @param names of npm packages
 * @param node the folder of the Node.js that is in the package
 */
export function licenceTexts(modules, names, node) {
  const parts = names.map((name) => {
    const folder = join(modules, name)
    const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return [`${name} ${version}: ${license}`, licenceOf(folder)]
  })
  return [
    ...parts,
    ...linked.map(([name, licence]) => [`${name}: ${licence}`, '']),
    ['Node.js and what it contains', readFileSync(join(node, 'LICENSE'), 'utf8')],
  ]
    .map(([head, text]) => `${'='.repeat(78)}\n${head}\n${text === '' ? '' : `\n${text.trimEnd()}\n`}`)
    .join('\n')
}

function licenceOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name))
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8')
}
