/** The package's folder: the sources and the bundle both lie one level below it. */
export const root = new URL('..', import.meta.url)
