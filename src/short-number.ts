const units = ['', 'k', 'M', 'G', 'T'] as const

/** A number in three digits or so, and its unit of thousands: 27, 9.8k, 1.2M. */
export function shortNumber(number: number, gap = ''): string {
  let value = number
  let unit = 0
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1000
  const digits = value >= 99.95 || (unit === 0 && (value >= 10 || Number.isInteger(value))) ? 0 : 1
  return value.toFixed(digits) + (unit > 0 ? gap + (units[unit] ?? '') : '')
}
