#!/bin/sh
# customize.sh ROOT KEYS: makes the guest of a fresh Debian root file system. mmdebstrap runs it as its last step.
# KEYS has the key that root, op and ro are let in by (id.pub) and the host's own (hostkey, hostkey.pub).
set -eu
root=$1 keys=$2 here=$(dirname "$0")

echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
echo 00112233445566778899aabbccddeeff >"$root/etc/machine-id"
echo '/dev/vda / ext4 defaults,noatime 0 1' >"$root/etc/fstab"

# QEMU's user network: nothing but the forwarded port of sshd gets in or out.
cat >"$root/etc/systemd/network/10-lan.network" <<'END'
[Match]
Name=en* eth*
[Network]
Address=10.0.2.15/24
LinkLocalAddressing=no
END
ln -sf /lib/systemd/system/systemd-networkd.service "$root/etc/systemd/system/multi-user.target.wants/"

# What a host under test needs not do at boot. libvirtd is started by the tests, when they want it.
for unit in systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer \
  e2scrub_all.timer e2scrub_reap.service libvirt-guests.service systemd-timesyncd.service; do
  ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
rm -f "$root"/etc/systemd/system/multi-user.target.wants/libvirtd.service

rm -f "$root"/etc/ssh/ssh_host_*
cp "$keys/hostkey" "$root/etc/ssh/ssh_host_ed25519_key"
cp "$keys/hostkey.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
chmod 600 "$root/etc/ssh/ssh_host_ed25519_key"
cat >"$root/etc/ssh/sshd_config.d/guest.conf" <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
UseDNS no
PermitRootLogin prohibit-password
PasswordAuthentication no
MaxSessions 32
MaxStartups 32
END

# op may become root and talk to libvirtd; ro may do nothing.
for user in op ro; do chroot "$root" useradd -m -s /bin/bash "$user"; done
chroot "$root" usermod -aG libvirt op
echo 'op ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/op"
chmod 440 "$root/etc/sudoers.d/op"
for home in root home/op home/ro; do
  mkdir -p "$root/$home/.ssh"
  cp "$keys/id.pub" "$root/$home/.ssh/authorized_keys"
  chmod 700 "$root/$home/.ssh"
done
chroot "$root" chown -R op:op /home/op
chroot "$root" chown -R ro:ro /home/ro

cp "$here/serial.xml" "$root/root/serial.xml"
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/*
