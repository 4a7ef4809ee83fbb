/**
 * Whether a text may stand for a host that is reached by SSH: a `Host` of ssh_config, or `user@host:port`. Nothing that
 * ssh itself refuses in a name, because a shell or an option could be made of it, and no pattern. Whether it leads
 * anywhere is found when it is connected.
 */
export function mayBeHost(text: string): boolean {
  // As `valid_hostname` of OpenSSH's ssh.c, and the signs of a pattern; \p{C} would be slow, and bidirectional marks are shown as what they are.
  return text.length <= 255 && /^[^-\s\x00-\x20\x7f-\xa0'"`$\\;&<>|(){},*?!][^\s\x00-\x20\x7f-\xa0'"`$\\;&<>|(){},*?!]*$/.test(text);
}
