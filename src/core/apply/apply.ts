import { shellCommand } from '../collect/shell';
import type { Question } from '../host/source';
import type { Plan } from '../plan/plan';
import { planSteps } from '../plan/script';
import { SHELL_LIBRARY } from '../plan/shellLibrary';
import type { Applied } from '../plan/applied';
import { ApplyDecoder, FIRST_LINE } from './applyDecoder';

/**
 * Does a plan on a host: one script, one round trip, whatever the number of steps. Its answer is lines, the frames of
 * shellLibrary.ts, each behind a `=`; what a text has behind its first newline comes as lines of their own:
 *
 *     =cgroup-lens-apply 1
 *     =done 1
 *     =refused 2 the text
 *     =+ its second line
 *     =end
 *
 * A step is told of as soon as it is done, so that what is known when the connection breaks is as much as can be. The
 * script is one function: a part of it that arrives without the rest does nothing.
 */
export function applyQuestion(plan: Plan): Question<Applied> {
  return {
    // Of what was read as root, the user alone would find nothing again.
    command: ({ watched, asRoot }) => shellCommand([], script(plan), { watched, asRoot: plan.asRoot ? 'to write' : asRoot }),
    decoder: () => new ApplyDecoder(plan),
  };
}

function script(plan: Plan): string {
  const root = plan.asRoot ? `[ "$(id -u)" = 0 ] || { tell root ''; echo '=end'; return; }` : '';
  return `${SHELL_LIBRARY}${TELL}${planSteps(plan)}
collect() {
  unset IFS
  umask 022
  echo
  echo '${FIRST_LINE}'
  ${root}
  { steps; read_back; } 2>/dev/null
  echo '=end'
}
`;
}

const TELL = String.raw`
tell_places() {
  places '=read '
}
tell() { # FRAME TEXT
  case $2 in
    *"$nl"*) ;;
    *) printf '=%s %s\n' "$1" "$2"; return ;;
  esac
  printf '=%s %s\n' "$1" "${'$'}{2%%"$nl"*}"
  rest=${'$'}{2#*"$nl"}$nl
  while [ -n "$rest" ]; do
    printf '=+ %s\n' "${'$'}{rest%%"$nl"*}"
    rest=${'$'}{rest#*"$nl"}
  done
}
`;
