import type { Predecessor } from './native/programs.js'

/** A program or filter at an interface's egress, in words. */
export function describeProgram({ mode, priority, programId, name }: Predecessor): string {
  const where = mode === 'clsact' ? ` at priority ${priority}` : ''
  if (programId === 0) return `clsact: ${name} filter${where}`
  return `${mode}: program ${programId}${name === '' ? '' : ` ${name}`}${where}`
}
