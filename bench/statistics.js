// What a list of measurements says.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Lowest and highest. */
export const range = (values) => [Math.min(...values), Math.max(...values)]

/** A row of the table that compares with a limit. */
export const againstLimit = (what, limit, ours, note = '') => ({
  what,
  theirs: [limit],
  ours,
  ratio: median(ours) / limit,
  target: 1,
  note,
})
