import { ExitCode } from '../errors.js'
import { describeProgram } from '../kernel/egress-programs.js'
import { type Feature, type HostReport, type InterfaceReport, reportHost } from '../kernel/host-report.js'
import { escapeControls } from '../terminal.js'
import type { CheckFlags } from './commands/check.js'

/**
 * Says what this host can do for the exporter, and what is on it.
 *
 * @returns 0 if the exporter can count here, else 77
 */
export async function check({ json, mode }: CheckFlags, print: (line: string) => void): Promise<ExitCode> {
  const report = await reportHost(mode)
  if (json) print(JSON.stringify(report, undefined, 2))
  else for (const line of describe(report)) print(escapeControls(line))
  return report.usable ? ExitCode.ok : ExitCode.unsupported
}

function describe(report: HostReport): string[] {
  const { held, missing } = report.privileges
  return [
    report.usable ? 'The exporter can count on this host.' : 'The exporter cannot count on this host.',
    '',
    `kernel        ${report.kernel}, libbpf ${report.libbpf}`,
    `capabilities  ${held.join(', ') || 'none'}${missing.length > 0 ? `; not held: ${missing.join(', ')}` : ''}`,
    `bpffs         ${report.bpffs.map(({ path, writable }) => `${path}${writable ? '' : ' (not writable)'}`).join(', ') || 'none: mount -t bpf bpf /sys/fs/bpf, if you want pins'}`,
    `services      ${report.services}`,
    '',
    'Features, each tried:',
    ...report.features.flatMap(describeFeature),
    '',
    'Interfaces:',
    ...report.interfaces.flatMap(describeInterface),
    '',
    'What is here of this program:',
    ...(report.leftovers.length === 0 ? ['  nothing'] : []),
    ...report.leftovers.map(({ what, usedBy }) =>
      usedBy === undefined
        ? `  ${what}: nobody uses it; egress-exporter cleanup removes it`
        : `  ${what}: used by process ${usedBy}`,
    ),
  ]
}

function describeFeature({ name, available, use, reason }: Feature): string[] {
  const sign = available === undefined ? '?' : available ? 'yes' : 'no'
  return [
    `  ${sign.padEnd(4)}${name.padEnd(16)} ${use}`,
    ...(reason === undefined ? [] : [`      ${reason}`]),
  ]
}

function describeInterface(report: InterfaceReport): string[] {
  const how = report.mode === undefined ? 'cannot be counted on' : `by ${report.mode}`
  const route = report.defaultRoute ? ', default route' : ''
  return [
    `  ${report.name} (${report.linkType}${route}): ${how}`,
    ...(report.obstacle === undefined ? [] : [`      ${report.obstacle}`]),
    ...report.programs.map(({ attached: mode, priority = 0, programId, name, ours }) => {
      const what = describeProgram({ mode, priority, programId, name })
      return `      ${what}${ours ? ' (this program)' : ''}`
    }),
    ...(report.visible ? [] : ['      its TCX programs cannot be seen without CAP_NET_ADMIN']),
    ...(report.hidden ? ['      hidden: programs of others run first and may hide packets'] : []),
  ]
}
