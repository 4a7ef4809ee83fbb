import { CollectError } from '../errors';
import type { Question } from '../host/source';
import { decodeBytes, encodeBytes } from '../parse/bytes';
import { shellCommand } from './shell';

/** What one look at a cgroup's directory brought. */
export interface CgroupFileAnswer {
  /** Of one file: what it holds. */
  readonly text: string;
  /** Why it could not be read, in the host's words. */
  readonly said: string | undefined;
}

const FIRST_LINE = '=cgroup-lens-file 1';
/** More than any interface file has (a `cgroup.procs` of 100,000 processes). */
const MOST = 1 << 20;
/** Enough for what a login shell says first, and for the last line. */
const BESIDES = 1 << 16;

/** One interface file as it is now; the kernel's own names hold nothing else than these characters. */
export function isFileName(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,254}$/.test(name);
}

/** @param directory of a cgroup that a model of this host has: nothing else is ever read @param file see {@link isFileName} */
export function cgroupFileQuestion(directory: string, file: string): Question<CgroupFileAnswer> {
  if (!isFileName(file)) throw new RangeError('not a name of an interface file');
  return question(directory, file);
}

/** The names of its interface files, a line each. */
export function cgroupFilesQuestion(directory: string): Question<CgroupFileAnswer> {
  return question(directory, '');
}

function question(directory: string, file: string): Question<CgroupFileAnswer> {
  return { command: how => shellCommand([inOctal(directory), file], SCRIPT, how), decoder: () => new Decoder() };
}

/** A path is bytes: in a form that every shell and every wire leaves as it is. No cgroup's name holds a newline (cgroup_mkdir). */
function inOctal(path: string): string {
  return [...encodeBytes(path)].map(byte => `\\${byte.toString(8).padStart(3, '0')}`).join('');
}

const SCRIPT = String.raw`
read_one() {
  directory=$(printf "$1")
  cd "$directory" && [ -e cgroup.procs ] || return
  if [ -n "$2" ]; then
    head -c ${MOST} "$2"
  else
    for f in *; do [ ! -f "$f" ] || printf '%s\n' "$f"; done
  fi
}
collect() {
  echo
  echo '${FIRST_LINE}'
  read_one "$1" "$2"
  printf '\n=end %s\n' $?
}
`;

class Decoder {
  private readonly chunks: Buffer[] = [];
  private received = 0;

  push(chunk: Buffer): boolean {
    this.chunks.push(chunk);
    this.received += chunk.length;
    return this.received < MOST + BESIDES;
  }

  /** @throws CollectError `not-an-answer` */
  finish(stderr: string, host: string): CgroupFileAnswer {
    const said = decodeBytes(Buffer.concat(this.chunks));
    const begin = said.startsWith(`${FIRST_LINE}\n`) ? 0 : said.indexOf(`\n${FIRST_LINE}\n`) + 1;
    const end = /\n=end (\d+)\n$/.exec(said);
    if ((begin === 0 && !said.startsWith(FIRST_LINE)) || !end) throw new CollectError('not-an-answer', { host, said: (said.trim() || stderr.trim()).slice(0, 200) });
    const why = stderr.trim().split('\n').at(-1)?.replace(/^.*: /s, '') ?? '';
    return { text: said.slice(begin + FIRST_LINE.length + 1, end.index), said: end[1] === '0' ? undefined : why || 'no such cgroup' };
  }
}
