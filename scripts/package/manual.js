// The manual page egress-exporter(8), in the macros of man(7).

/**
 * @param commandLine see command-line.js
 * @param about { version, date } of this build, the date as YYYY-MM-DD
 * @param flagsPage the text of docs/flags.md, which has signals and exit codes
 */
export function manualPage({ commands }, { version, date }, flagsPage) {
  const [run, ...others] = commands
  return [
    `.TH EGRESS\\-EXPORTER 8 "${date}" "egress\\-exporter ${version}" "System Administration"`,
    section('NAME'),
    'egress\\-exporter \\- count what leaves this host, packet by packet, by destination',
    section('SYNOPSIS'),
    ...commands.flatMap(({ name, usage }) => [
      `.B egress\\-exporter${name === 'run' ? '' : ` ${name}`}`,
      roff(usage),
      '.br',
    ]),
    section('DESCRIPTION'),
    roff(run.summary),
    ...paragraph(
      'A BPF program at TC egress counts; what it counted is served as metrics, as a page and as JSON.',
    ),
    section('OPTIONS'),
    ...run.options.flatMap(option),
    section('COMMANDS'),
    ...others.flatMap(({ name, summary, options }) => [
      `.SS ${name}`,
      roff(summary),
      ...options.flatMap(option),
    ]),
    section('EXAMPLES'),
    ...commands.flatMap(({ examples }) =>
      examples.flatMap(([line, what]) => tagged(`.B ${roff(line)}`, what)),
    ),
    section('SIGNALS'),
    ...tableRows(flagsPage, 'Signals'),
    section('EXIT STATUS'),
    ...tableRows(flagsPage, 'Exit codes'),
    section('FILES'),
    ...tagged('.I /etc/egress\\-exporter.yml', 'settings of the service'),
    ...tagged('.I /var/lib/egress\\-exporter', 'the destinations that it remembers'),
    ...tagged('.I /sys/fs/bpf/egress\\-exporter', 'pins, by which counting goes on without it'),
    ...tagged('.I /usr/share/egress\\-exporter', 'rules for Prometheus and dashboards for Grafana'),
    section('SEE ALSO'),
    '.BR tc\\-bpf (8),',
    '.BR systemctl (1)',
    ...paragraph('A running exporter serves its whole documentation at /docs.'),
    '',
  ].join('\n')
}

const section = (name) => `.SH ${name.includes(' ') ? `"${name}"` : name}`
const paragraph = (text) => ['.PP', roff(text)]
const tagged = (tag, text) => ['.TP', tag, ...(text === '' ? [] : [roff(text)])]

function option({ flag, value, help, choices }) {
  const name = `.B ${roff(flag)}${value === undefined ? '' : ` \\fI${roff(value)}\\fR`}`
  return tagged(name, choices.length === 0 ? help : `${help} (${choices.join(', ')})`)
}

/** The rows of the first table below a heading of Markdown. */
function tableRows(page, heading) {
  const [, part = ''] = page.split(`\n## ${heading}\n`)
  const rows = part
    .split('\n## ', 1)[0]
    .split('\n')
    .filter((line) => line.startsWith('|'))
  if (rows.length < 3) throw new Error(`docs/flags.md has no table of ${heading}`)
  return rows.slice(2).flatMap((row) => {
    const [what, meaning] = row.split('|').slice(1, 3)
    return tagged(`.B ${roff(plain(what))}`, plain(meaning))
  })
}

const plain = (cell) => cell.trim().replaceAll('`', '')

function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&')
}
