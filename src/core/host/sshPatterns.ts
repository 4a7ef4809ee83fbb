/** OpenSSH's own limit for one pattern of a list (match.c, match_pattern_list): a list with a longer one matches nothing. */
const LONGEST_PATTERN = 1022;

/**
 * Whether `text` is what a pattern with `*` (anything) and `?` (one character) describes: ssh_config(5) PATTERNS.
 * Files that others can write decide the pattern, so it is no regular expression, whose time may grow without bound:
 * only the last `*` is ever tried again, which is enough, and costs at most the product of both lengths.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0;
  let next = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (pattern[next] === '*') {
      star = next++;
      starAt = at;
    } else if (next < pattern.length && (pattern[next] === '?' || pattern[next] === text[at])) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (pattern[next] === '*') next++;
  return next === pattern.length;
}

/** A pattern-list: one matches and none that is negated with `!` does. */
export function matchesPatternList(text: string, patterns: readonly string[]): boolean {
  let matched = false;
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!');
    const plain = negated ? pattern.slice(1) : pattern;
    if (plain.length > LONGEST_PATTERN) return false;
    if (!matchesPattern(text, plain)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** Of ASCII alone, as C does: `toLowerCase` would make a "k" of the Kelvin sign, and another host's name of this one's. */
export function lowerCase(text: string): string {
  return text.replace(/[A-Z]+/g, letters => letters.toLowerCase());
}
