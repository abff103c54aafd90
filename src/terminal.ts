/** What acts on a terminal, or turns its text around: C0, DEL, C1, line separators, bidirectional controls. */
const acting = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu

/** Writes what would act on a terminal as JSON does, `\u001b`: names and notes may hold it. */
export function escapeControls(text: string): string {
  return text.replace(acting, escaped)
}

/** The same for text of several lines. */
export function escapeInLines(text: string): string {
  return text.replace(acting, (found) => (found === '\n' || found === '\t' ? found : escaped(found)))
}

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
