/**
 * A host's string as text that can do nothing: controls, bidirectional marks, line and paragraph separators and broken
 * bytes are spelled out. It stays one line. What is markup for one surface (Markdown, icons) that surface escapes itself.
 */
export function visible(text: string): string {
  return text.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, char => {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return code === 0x0a ? '\\n' : code === 0x09 ? '\\t' : `\\u{${code.toString(16)}}`;
  });
}
