import type { HowToRun } from '../host/source';
import { shellWord } from '../shellWord';

/** A process to run on a host. */
export interface ShellCommand {
  readonly argv: readonly string[];
  /** Definitions, which do nothing by themselves: they can be given before anything is wanted. */
  readonly prelude: string;
  /** What sets it going. */
  readonly stdin: string;
}

/**
 * A script as a process: a shell, with everything on its standard input. What the script is told stands in front of
 * it, not in argv: over SSH that goes through a login shell, and fish and csh quote in ways of their own.
 *
 * @param parameters what the function `collect` gets as its arguments
 * @param script defines the function `collect`, which does the work, for what {@link PREAMBLE} sets up
 */
export function shellCommand(parameters: readonly string[], script: string, { watched, asRoot }: Omit<HowToRun, 'asRoot'> & { readonly asRoot: AsRoot }): ShellCommand {
  return {
    argv: asRoot === false ? ['sh'] : ['sh', '-c', asRoot === 'to write' ? shellAsRoot('test "$(id -u)" = 0') : shellAsRoot('test -r /proc/1/stat')],
    prelude: `set -- ${parameters.map(shellWord).join(' ')}\n${PREAMBLE}${script}${WATCHED}`,
    stdin: watched ? 'watched "$@"\n' : UNWATCHED,
  };
}

/** See {@link HowToRun}; `to write`: whoever it is becomes root by `sudo -n`, where that is allowed. */
export type AsRoot = HowToRun['asRoot'] | 'to write';

/**
 * No single quote in it, and nothing else that a login shell could read in its own way: it goes through one. What sudo
 * allows is tried with what is wanted of it, and not waited for where it waits for some server.
 *
 * @param isEnough what is true where nobody need become root
 */
function shellAsRoot(isEnough: string): string {
  return [
    `if ${isEnough}; then exec sh; fi`,
    'if command -v timeout >/dev/null; then timeout 5 sudo -n sh -c :; else sudo -n sh -c :; fi </dev/null >/dev/null && exec sudo -n sh',
    'exec sh',
  ].join('; ');
}

/**
 * slurp(f): the file's whole text in `text`. A record ends at U+0001, which no file of /proc or of a cgroup ends with;
 * inside one (a hostile name) it is put back. errors(): has grep say on standard error why a file could not be read.
 *
 * For all awk programs: a bracket expression with a slash in it stands in a string, "[^/]": in /[^\/]/ busybox takes the
 * backslash for one of the set. And what sub puts in place of a match has no backslash but "\\\\&": busybox drops others.
 */
const LIBRARY = String.raw`
BEGIN { RS = "\001"; FS = "\001" }
function slurp(f,   more, r) {
  r = (getline text < f)
  if (r <= 0) { close(f); text = ""; return r == 0 }
  while (r++ < 5000 && (getline more < f) > 0) text = text "\001" more
  close(f)
  return 1
}
function emit(f) { if (!slurp(f)) return 0; printf "=f %d %s\n%s", length(text), f, text; return 1 }
function fail(f) { failed[f] = 1 }
function quoted(f) { gsub("[^A-Za-z0-9_./-]", "\\\\&", f); return f }
function errors(   f, c) { c = "xargs grep -c . >/dev/null"; for (f in failed) print quoted(f) | c; close(c) }
`;

/** What every script of ours may rely on. */
const PREAMBLE = String.raw`LC_ALL=C
export LC_ALL
unset TIME_STYLE QUOTING_STYLE GREP_OPTIONS POSIXLY_CORRECT # a person's taste in the columns of ls would hide every process
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
awk=awk # mawk reads small files half again as fast as gawk
command -v mawk >/dev/null 2>&1 && awk=mawk
ulimit -t 60 # whatever a host holds, nothing of ours runs on
library='${LIBRARY}'
again() { # mawk ends at a file that it can open and not read, for its thread has just died: then it begins anew
  for try in 1 2 3 4 5; do "$@" && return; done
  return 1
}
`;

/**
 * Called with no standard input: a shell that reads its script from standard input would otherwise lose the rest of it
 * to the first tool that reads there.
 */
const UNWATCHED = 'collect "$@" </dev/null\n';
const WATCHED = String.raw`
watched() { # read to its end before it begins: what comes then on standard input is for the watch alone
  exec 3<&0
  { read -r line <&3; kill -9 0; } >/dev/null 2>&1 &
  watch=$!
  collect "$@" </dev/null 3<&-
  exec 2>/dev/null # bash tells of a job that was ended
  kill $watch
  exit
}
`;
