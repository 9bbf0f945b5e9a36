import { expect, test } from 'vitest';
import { bytesToHex, encodeUtf8, hexToBytes } from '../../base/bytes.ts';
import { ed25519PublicKey, signEd25519, verifyEd25519 } from './ed25519.ts';

// RFC 8032, section 7.1: tests 1 to 3.
test.each([
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
])('signs and verifies as RFC 8032 says', (seed, publicKey, message, signature) => {
  const [seedBytes, keyBytes, messageBytes] = [seed, publicKey, message].map((text) => hexToBytes(text)!) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];
  expect(bytesToHex(ed25519PublicKey(seedBytes))).toBe(publicKey);
  expect(bytesToHex(signEd25519(seedBytes, messageBytes))).toBe(signature);
  const signed = hexToBytes(signature)!;
  expect(verifyEd25519(keyBytes, messageBytes, signed)).toBe(true);
  expect(verifyEd25519(keyBytes, encodeUtf8('something else'), signed)).toBe(false);
  signed[5]! ^= 1;
  expect(verifyEd25519(keyBytes, messageBytes, signed)).toBe(false);
});

test('what is no key and no signature is not right, and does not throw', () => {
  expect(verifyEd25519(new Uint8Array(31), new Uint8Array(1), new Uint8Array(64))).toBe(false);
  expect(verifyEd25519(new Uint8Array(32).fill(255), new Uint8Array(1), new Uint8Array(64))).toBe(false);
  expect(verifyEd25519(ed25519PublicKey(new Uint8Array(32)), new Uint8Array(1), new Uint8Array(63))).toBe(false);
});
