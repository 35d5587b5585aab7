"""Keepers of key-encryption keys that are not a file: a security module by PKCS#11, or Vault."""
