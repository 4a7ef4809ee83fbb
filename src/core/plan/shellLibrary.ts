/**
 * What the script of a plan is made of: POSIX sh, for dash, bash and busybox. A step defines `check`, which looks and
 * tells by its exit code alone, and calls one of the functions below, which writes right after that look: between the
 * two runs nothing but the shell itself. Names of a host come as arguments and are never read as anything else.
 *
 * Standard error is closed to all of it but where it is asked for: to close it each time would cost as much as a look.
 * Who uses it defines `tell FRAME TEXT`, and `tell_places`, which tells of the lines of `places`; the frames are
 *
 *     done N            the write of step N was accepted
 *     read N            what is read afterwards: a path, a CPU list, a value
 *     refused N         it was refused; the text is what the tool or the shell said
 *     cannot N          nothing was written at all: what step N needs is not here
 *     changed N INDEX   its precondition INDEX does not hold; the text is what is found instead, empty for nothing
 *     said N            what a tool said that did its work
 *     remark
 *
 * check and again tell nothing themselves: their standard output can be the file that is written to.
 */
export const SHELL_LIBRARY = String.raw`
nl='
'
moved= job=
stat_of() { # PID TID: what stands behind its name, in $stat; the name may hold newlines and parentheses
  stat=
  while IFS= read -r line; do stat=$stat$line$nl; done <"/proc/$1/task/$2/stat"
  while case $stat in *") "*) ;; *) false ;; esac; do stat=${'$'}{stat#*") "}; done # dash needs long for the longest match
}
text_of() { # FILE: its text without the newline at its end, in $text
  text=
  while IFS= read -r line || [ -n "$line" ]; do text=$text$nl$line; done <"$1" || return
  text=${'$'}{text#"$nl"}
}
alive() { # INDEX PID TID START
  index=$1 start=$4
  stat_of "$2" "$3"
  set -- $stat
  found=${'$'}{20}
  [ "$found" = "$start" ]
}
place_of() { # PID TID CONTROLLERS: where it is, in $place
  place=
  while IFS= read -r line; do
    line=${'$'}{line#*:}
    case $line in "$3":*) place=${'$'}{line#"$3":}; break ;; esac
  done <"/proc/$1/task/$2/cgroup"
}
placed() { # INDEX PID TID CONTROLLERS PATH
  index=$1
  place_of "$2" "$3" "$4"
  found=$place
  [ "x$place" = "x$5" ]
}
cpus_of() { # PID TID: Cpus_allowed_list, in $cpus
  cpus=
  while read -r line value; do
    case $line in Cpus_allowed_list:) cpus=$value; break ;; esac
  done <"/proc/$1/task/$2/status"
}
allowed() { # INDEX PID TID CPUS…
  index=$1
  cpus_of "$2" "$3"
  found=$cpus
  shift 3
  for cpus; do [ "$found" = "$cpus" ] && return; done
  return 1
}
scheduling_of() { # PID TID: policy, priority and nice value, in $scheduling
  stat_of "$1" "$2"
  set -- $stat
  case ${'$'}{39} in
    0) scheduling=other ;; 1) scheduling=fifo ;; 2) scheduling=rr ;; 3) scheduling=batch ;; 5) scheduling=idle ;; 6) scheduling=deadline ;;
    '') scheduling= ; return ;;
    *) scheduling=${'$'}{39} ;;
  esac
  scheduling="$scheduling ${'$'}{38} nice ${'$'}{17}"
}
scheduled() { # INDEX PID TID POLICY PRIORITY NICE
  index=$1
  scheduling_of "$2" "$3"
  found=$scheduling
  [ "$found" = "$4 $5 nice $6" ]
}
reads() { # INDEX FILE VALUE
  index=$1
  text_of "$2"
  found=$text
  [ "x$text" = "x$3" ]
}
exists() { # INDEX DIRECTORY
  index=$1 found=
  [ -e "$2/cgroup.procs" ]
}
absent() { # INDEX DIRECTORY
  index=$1 found=$2
  [ ! -e "$2" ]
}
job_of() { # NAME: what libvirt works on, in $job; asked once of a machine, for its jobs take seconds
  job= text=
  case $1 in # a name is no path; and what is no file is not waited for
    */*) return 0 ;;
  esac
  [ -f "/run/libvirt/qemu/$1.xml" ] && text_of "/run/libvirt/qemu/$1.xml" || { tell remark "whether libvirt works on $1 is not known: /run/libvirt/qemu/$1.xml cannot be read"; return 0; }
  case $text in
    *"<job type='none' async='none'"*) ;;
    *"<job type='"*) job=${'$'}{text#*"<job type="}; job="<job type=${'$'}{job%%">"*}>" ;;
  esac
}
idle() { # INDEX
  index=$1 found=$job
  [ -z "$job" ]
}
changed() { # since check gave false
  tell "changed $n $index" "$found"
  return 1
}
refused() { # TEXT
  tell "refused $n" "$1"
  return 1
}
ended() { # CODE: of a tool that was run behind its check, which gives 99
  [ "$1" = 0 ] && { tell "done $n" ''; return; }
  [ "$1" != 99 ] || check || { changed; return; }
  refused "$said"
}
put() { # FILE VALUE: one write(2), to a file that is there: '>' would make one
  [ -e "$1" ] && printf '%s\n' "$2" >"$1"
}
again() { # FILE VALUE: once more by cat, which names the errno as dash does not; it waits for what check lets through
  [ -e "$1" ] || { said='No such file or directory'; return 1; }
  said=$({ { if check; then printf '%s\n' "$2"; else echo changed >&3; fi; } | { cat >"$1"; } 2>&1; } 3>&1)
}
write() { # FILE VALUE
  if ! { check && put "$1" "$2"; }; then
    check || { changed; return; }
    again "$1" "$2" || { refused "$said"; return; }
    [ "$said" != changed ] || check || { changed; return; }
    [ "$said" != changed ] || { refused ''; return; }
  fi
  tell "done $n" ''
}
move() { # PID TID CONTROLLERS FILE
  write "$4" "$2" || return
  moved="$moved$n $1 $2 ${'$'}{3:--}$nl"
}
set_value() { # FILE VALUE
  write "$1" "$2" || return
  text_of "$1" && tell "read $n" "$text"
  return 0
}
make() { # DIRECTORY
  [ -e "${'$'}{1%/*}/cgroup.procs" ] || { refused 'No such file or directory'; return; }
  said=$(check || exit 99; exec mkdir "$1" 2>&1)
  ended $?
}
remove() { # DIRECTORY
  [ -e "$1/cgroup.procs" ] || { refused 'No such file or directory'; return; }
  said=$(check || exit 99; exec rmdir "$1" 2>&1)
  ended $?
}
use() { # WORD…: a tool of the host, by its arguments
  said=$(check || exit 99; exec "$@" 2>&1 </dev/null)
  ended $? || return
  [ -z "$said" ] || tell "said $n" "$said"
}
pin() { # PID TID CPUS
  case $affinity in
    *taskset) said=$(check || exit 99; exec $affinity -pc "$3" "$2" 2>&1 >/dev/null) ;;
    *) by_call "$affinity" pin "$2" "$3" ;;
  esac
  ended $? || return
  cpus_of "$1" "$2"
  tell "read $n" "$cpus"
}
schedule() { # PID TID START POLICY PRIORITY NICE
  case $scheduler in
    chrt) by_tools "$@" ;;
    *) by_call "$scheduler" schedule "$2" "$4" "$5" "$6" ;;
  esac
  ended $? || return
  scheduling_of "$1" "$2"
  tell "read $n" "$scheduling"
}
by_tools() { # PID TID START POLICY PRIORITY NICE: the nice value first, and back again if the policy is refused
  scheduling_of "$1" "$2"
  was=${'$'}{scheduling##* }
  case $4 in
    other | batch) ;;
    *) set -- "$1" "$2" "$3" "$4" "$5" "$was" ;;
  esac
  [ "$was" = "$6" ] || said=$(check || exit 99; exec renice "$6" -p "$2" 2>&1 >/dev/null) || return
  case $4 in other) set -- "$@" -o ;; fifo) set -- "$@" -f ;; rr) set -- "$@" -r ;; batch) set -- "$@" -b ;; idle) set -- "$@" -i ;; esac
  if [ "$was" = "$6" ]; then
    said=$(check || exit 99; exec chrt "$7" -p "$5" "$2" 2>&1 >/dev/null)
  else # what was checked has just been changed, but the task is the same
    said=$(alive 0 "$1" "$2" "$3" && exec chrt "$7" -p "$5" "$2" 2>&1 >/dev/null) && return
    alive 0 "$1" "$2" "$3" && renice "$was" -p "$2" >/dev/null
    return 1
  fi
}
by_call() { # PROGRAM WORD…: it is there already when check lets it go on
  program=$1
  shift
  case $program in
    python3) said=$({ check && echo; } | python3 -ISc "$python" "$@" 2>&1) ;;
    *) said=$({ check && echo; } | perl -e "$perl" "$@" 2>&1) ;;
  esac
}
find_affinity() {
  affinity=
  if taskset -pc $$; then affinity=taskset
  elif busybox taskset -pc $$; then affinity='busybox taskset'
  else find_caller affinity
  fi >/dev/null
  [ -n "$affinity" ] || cannot "$1" 'none of taskset, busybox taskset, python3 and perl is here'
}
find_scheduler() {
  scheduler=
  if chrt -p $$ && command -v renice; then scheduler=chrt
  else find_caller scheduler
  fi >/dev/null
  [ -n "$scheduler" ] || cannot "$1" 'none of chrt with renice, python3 and perl is here'
}
find_caller() { # VARIABLE
  if python3 -ISc 'import os; os.sched_getaffinity(0)'; then eval "$1=python3"
  elif perl -e "$perl" check; then eval "$1=perl"
  fi
}
needs() { # STEP TOOL
  command -v "$2" >/dev/null || cannot "$1" "$2 is not here"
}
cannot() { # STEP WHY
  tell "cannot $1" "$2"
  return 1
}
read_back() { # where the tasks are that were moved
  [ -n "$moved" ] || return 0
  tell_places
  moved=
}
places() { # PREFIX: a line for each, with its step. Not by place_of: it takes a byte at a time. A path holds no newline
  printf '%s' "$moved" | ${'$'}{awk:-awk} -v prefix="$1" '{ f = "/proc/" $2 "/task/" $3 "/cgroup"; key = ($4 == "-" ? "" : $4) ":"; n = length(key)
    while ((getline line < f) > 0) { i = index(line, ":"); if (substr(line, i + 1, n) == key) { print prefix $1 " " substr(line, i + 1 + n); break } }
    close(f) }'
}
python='
import os, sys
call, tid, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
if not sys.stdin.readline(): sys.exit(99)
try:
  if call == "pin":
    cpus = []
    for part in words[0].split(","):
      ends = part.split("-")
      cpus.extend(range(int(ends[0]), int(ends[-1]) + 1))
    os.sched_setaffinity(tid, cpus)
  else:
    policy, priority, nice = words[0], int(words[1]), int(words[2])
    was = os.getpriority(os.PRIO_PROCESS, tid)
    if policy in ("other", "batch") and was != nice: os.setpriority(os.PRIO_PROCESS, tid, nice)
    try:
      os.sched_setscheduler(tid, {"other": 0, "fifo": 1, "rr": 2, "batch": 3, "idle": 5}[policy], os.sched_param(priority))
    except OSError:
      os.setpriority(os.PRIO_PROCESS, tid, was)
      raise
except OSError as error:
  sys.exit("python3: " + error.strerror)
'
perl='
use Config;
my ($call, $tid, @words) = @ARGV;
my ($setaffinity, $setscheduler) = $Config{archname} =~ /^x86_64/ ? (203, 144) : $Config{archname} =~ /^(aarch64|riscv64|loongarch64)/ ? (122, 119)
  : $Config{archname} =~ /^(i.86|arm)/ ? (241, 156) : $Config{archname} =~ /^(ppc64|powerpc64)/ ? (222, 156) : $Config{archname} =~ /^s390x/ ? (239, 156) : exit 1;
exit 0 if $call eq "check";
exit 99 unless defined <STDIN>;
my $no = sub { print STDERR "perl: $!\n"; exit 1 };
if ($call eq "pin") {
  my $bits = 8 * $Config{longsize};
  my @mask;
  for my $part (split /,/, $words[0]) {
    my ($first, $last) = split /-/, $part;
    $last = $first unless defined $last;
    $mask[int($_ / $bits)] |= 1 << ($_ % $bits) for $first .. $last;
  }
  my $mask = pack "L!*", map { $_ || 0 } @mask;
  syscall($setaffinity, $tid + 0, length $mask, $mask) >= 0 or $no->();
} else {
  my ($policy, $priority, $nice) = @words;
  my $was = getpriority 0, $tid;
  if ($policy =~ /other|batch/ && $was != $nice) { setpriority 0, $tid, $nice or $no->() }
  my $parameter = pack "i", $priority;
  my %number = (other => 0, fifo => 1, rr => 2, batch => 3, idle => 5);
  if (syscall($setscheduler, $tid + 0, $number{$policy}, $parameter) < 0) {
    my $why = $!;
    setpriority 0, $tid, $was;
    $! = $why;
    $no->();
  }
}
'
`;
