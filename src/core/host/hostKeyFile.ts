/** Where a host has its own key of this type: what people compare a fingerprint with. */
export function hostKeyFile(keyType: string): string {
  return `/etc/ssh/ssh_host_${['ed25519', 'ecdsa', 'rsa'].find(name => keyType.includes(name)) ?? '*'}_key.pub`;
}
