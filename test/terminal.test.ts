import t from 'tap'
import { escapeControls, escapeInLines } from '../src/terminal.js'

for (const [what, text, shown] of [
  ['words', 'Zürich 東京 "a\\b" 👩‍💻', 'Zürich 東京 "a\\b" 👩‍💻'],
  ['C0', 'a\u0000\u0007\u001b[31m', 'a\\u0000\\u0007\\u001b[31m'],
  ['lines and tabs', 'a\nb\tc\rd', 'a\\u000ab\\u0009c\\u000dd'],
  ['DEL', 'a\u007f', 'a\\u007f'],
  ['C1, with CSI in one character', 'a\u0080\u009b31m\u009f', 'a\\u0080\\u009b31m\\u009f'],
  ['line separators', 'a\u2028b\u2029', 'a\\u2028b\\u2029'],
  ['bidirectional controls', '\u202eexe.txt\u2066\u200f', '\\u202eexe.txt\\u2066\\u200f'],
] as const) {
  t.equal(escapeControls(text), shown, what)
}
t.equal(escapeInLines('{\n\t"a": "\u009b"\r\n}'), '{\n\t"a": "\\u009b"\\u000d\n}')
