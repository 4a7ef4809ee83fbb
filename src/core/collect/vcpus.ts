/**
 * Of libvirt's live state (src/qemu/qemu_domain.c, src/conf/domain_conf.c) the lines that tell which thread is which vCPU
 * and where each may run. These files hold passwords and keys: what is printed is made anew of lines that are, from their
 * first to their last character, what libvirt writes there, and no other line leaves the host. Indentation tells the
 * level, as libvirt always indents; what a person may write into a machine's metadata is passed over. Besides, for each
 * vCPU of KVM that debugfs shows, its TID.
 */
export const READ_VCPUS = String.raw`
/^\/sys\// { if ((getline line < $0) > 0 && line ~ /^[0-9]+$/) printf "=f %d %s\n%s\n", length(line) + 1, $0, line; close($0) }
$0 ~ "^/run/(user/[0-9]+/libvirt/qemu/run|libvirt/qemu)/[^/]+[.]xml$" && files++ < 4000 { status($0) }
function status(f,   line, at, out) { # at: 1 in domstatus, 2 in vcpus, 3 in domain, 4 in cputune, 5 in metadata
  while (at >= 0 && (getline line < f) > 0) {
    if (!at) { if (line ~ /^<domstatus [a-z0-9 =\047-]*pid=\047[0-9]+\047>$/) { at = 1; out = "<domstatus " part(line, "pid=\047[0-9]+\047") ">\n" } }
    else if (at == 1) {
      if (line == "  <vcpus>") { at = 2; out = out line "\n" }
      else if (line ~ /^  <domain /) { at = 3; out = out "  <domain>\n" }
    }
    else if (at == 2) {
      if (line == "  </vcpus>") { at = 1; out = out line "\n" }
      else if (line ~ /^    <vcpu id=\047[0-9]+\047 pid=\047[0-9]+\047\/>$/) out = out line "\n"
    }
    else if (at == 4) {
      if (line == "    </cputune>") { at = -1; out = out line "\n" }
      else if (line ~ /^      <(vcpupin vcpu=\047[0-9]+\047|iothreadpin iothread=\047[0-9]+\047|emulatorpin) cpuset=\047[0-9,-]+\047\/>$/) out = out line "\n"
    }
    else if (at == 5) { if (line == "    </metadata>") at = 3 }
    else if (line ~ /^    <metadata[ >]/) at = 5
    else if (line == "    <cputune>") { at = 4; out = out line "\n" }
    else if (line == "    <devices>") at = -1
    else if (line ~ /^    <vcpu placement=\047static\047 cpuset=\047[0-9,-]+\047[ >]/) out = out "    <vcpu " part(line, "cpuset=\047[0-9,-]+\047") "/>\n"
    else if (line ~ /^    <uuid>[0-9a-f-]+<\/uuid>$/ || line ~ /^    <name>[^<>]+<\/name>$/ && length(line) < 4096) out = out line "\n"
  }
  close(f)
  if (at < 0) { out = out "  </domain>\n</domstatus>\n"; printf "=f %d %s\n%s", length(out), f, out }
}
function part(line, pattern) { return match(line, pattern) ? substr(line, RSTART, RLENGTH) : "" }
`;
