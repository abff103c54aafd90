// /etc/egress-exporter.yml: every setting with its default, in comments.
import { stringify } from 'yaml'

/** What a package sets, and why. */
const set = {
  'interface.missing': ['wait', 'at boot, routes may come later'],
  'bpf.pin-path': [
    '/sys/fs/bpf/egress-exporter',
    'counting goes on while the exporter restarts; remove it before Linux 5.5',
  ],
}
/** Of the program without systemd. */
const storagePath = '/var/lib/egress-exporter'

/** @param settings of src/config/options.ts */
export function configurationFile(settings) {
  const head = [
    '# Settings of egress-exporter.service, with their defaults; egress-exporter(8) has the same as flags.',
    '# systemctl reload egress-exporter takes most changes over, and its journal names what waits for a restart.',
  ]
  const parts = Object.entries(settings).map(([name, option]) => {
    const choices = option.choices && !option.toggle ? ` (${option.choices.join(', ')})` : ''
    const help = wrap(`${option.help}${choices}`)
    const initial = name === 'storage.path' ? storagePath : option.default
    const byDefault = `#${line(name, typed(option, initial))}`
    if (!(name in set)) return [...help, byDefault]
    const [value, why] = set[name]
    return [...help, byDefault, `# Set by the package: ${why}.`, line(name, value)]
  })
  return [head, ...parts].map((lines) => `${lines.join('\n')}\n`).join('\n')
}

/** As one writes it: toggles and numbers without quotes. */
function typed(option, value) {
  if (option.toggle) return value === 'true'
  return typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value
}

function line(name, value) {
  const options = { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }
  return `${name}: ${stringify(value, options).trim()}`
}

function wrap(text) {
  const lines = ['#']
  for (const word of text.split(' ')) {
    if (lines.at(-1).length + word.length > 100) lines.push('#')
    lines[lines.length - 1] += ` ${word}`
  }
  return lines
}
