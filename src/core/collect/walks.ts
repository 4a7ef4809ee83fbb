/**
 * Part of lane one (script.ts): which directories of cgroups are looked through for more of them. One `find` for all
 * machines, or one for each hierarchy where everything is wanted.
 *
 * ownedBy(pids, m, p): processes are at the path p of the hierarchy m. What is their own there is found as `ownDirectory`
 * of parse/systemdName.ts does it; where nothing tells, it is what holds all of a process. What libvirt has made for a machine
 * is looked for in all hierarchies: it may have been moved out of it in one of them.
 */
export const WALKS = String.raw`
function ownedBy(pids, m, p,   i, n, pid, d) { # what ownDirectory of parse/systemdName.ts finds in a path, or all of the path
  if (p == "/") return
  d = ""
  if (match(p, "/(machine-qemu\\\\x2d[^/]+[.]scope|[^/]+[.]libvirt-qemu)(/|$)")) d = substr(p, 1, RSTART + RLENGTH - 1)
  else if (match(p, /^.*[.](scope|service)(\/|$)/) && substr(p, RLENGTH) !~ /[.]slice(\/|$)/) d = substr(p, 1, RLENGTH)
  else if (match(p, "^(.*/)?kubepods/(.*/)?pod[0-9a-f_-]+/[^/]+")) d = substr(p, 1, RLENGTH)
  sub(/\/$/, "", d)
  if (d ~ /\/(libvirtd|virtqemud)[.]service$/) return
  if (d != "") { own[m "\n" d] = 1; return }
  n = split(pids, pid, " ")
  for (i = 1; i <= n; i++) {
    d = pid[i] "\n" m; loose[d] = loose[d] "\n" p
    if (!(d in common)) common[d] = p
    while (index(p "/", common[d] "/") != 1 && sub("/[^/]*$", "", common[d]));
  }
}
function shared(p) { return p == "" || p ~ /[.]slice$|^(\/[.][.])+$/ }
function walkOwn(   x, part, i, n, m, d, r, c, libvirts, used) { # what is the own of a machine, also those in which no thread is
  for (x in loose) { # by hand: what has all of a process, or each of its cgroups for itself
    n = split(x loose[x], part, "\n"); m = part[2]
    if (!shared(common[x])) own[m "\n" common[x]] = 1
    else for (i = 3; i <= n; i++) if (!shared(part[i])) own[m "\n" part[i]] = 1
  }
  for (x in own) {
    split(x, part, "\n"); m = part[1]; d = part[2]; r = root[m]
    if (d ~ "/(machine-qemu\\\\x2d[^/]+[.]scope|[^/]+[.]libvirt-qemu)$") libvirts[d]
    if (r != "/") { if (index(d "/", r "/") == 1) d = substr(d, length(r) + 1); else if (index(r "/", d "/") == 1) d = ""; else continue }
    else if (d ~ /^\/[.][.](\/|$)/) continue # outside the namespace
    c = c add(m, d)
    if (length(c) > 60000) { find(c); c = "" } # a command is one argument of a shell: it may have 128 KiB
  }
  if (c != "") find(c)
  # A machine may have been moved out of its directory, all of it, in one hierarchy: that has the same path where it is left.
  c = ""
  for (x in mount) used[mount[x]]
  for (d in libvirts) for (m in used) {
    if (root[m] != "/" || d ~ /^\/[.][.](\/|$)/ || (m, d) in seen || (m "\n" d) in own) continue
    c = c add(m, d)
    if (length(c) > 60000) { find(c, 1); c = "" }
  }
  if (c != "") find(c, 1)
}
function add(m, d) { d = point[m] d; top[d] = m; gsub(/\047/, "\047\"\047\"\047", d); return " \047" d "\047" }
function find(tops, perhaps,   c, d, n, k, found, m, p) { # no name of a cgroup holds a newline; one of two links has none below it
  RS = "\n"
  c = "find" tops
  if (perhaps) c = "for d in" tops "; do test -d \"$d\" && set -- \"$@\" \"$d\"; done; test $# = 0 || find \"$@\""
  c = c " -xdev -type d -print -links 2 -prune"
  while ((c | getline d) > 0) found[++n] = d
  close(c)
  RS = "\001"
  for (k = 1; k <= n; k++) {
    d = found[k]
    if (d in top) { m = top[d]; print "=w " d } # it comes before all that is below it
    p = substr(d, length(point[m]) + 1)
    if (!((m, p) in seen)) { seen[m, p] = 1; directory(d, names[m], p == "") }
  }
}
function walk(m,   i, k, d, n, found, inner, inners, c) { # every directory of one hierarchy
  for (i in point) if (index(point[i], point[m] "/") == 1) inner[++inners] = point[i]
  RS = "\n"
  print "=w " point[m]
  c = "find " quoted(point[m]) " -xdev -type d"
  while ((c | getline d) > 0) found[++n] = d
  close(c)
  RS = "\001"
  for (k = 1; k <= n; k++) {
    d = substr(found[k], length(point[m]) + 1)
    for (i = 1; i <= inners; i++) if (index(found[k] "/", inner[i] "/") == 1) break # of another hierarchy
    if (i > inners && !((m, d) in seen)) { seen[m, d] = 1; directory(found[k], names[m], d == "") }
  }
}
`;
