import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'sim/**/*.test.ts', 'scripts/**/*.test.mjs', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    reporters: ['default'],
  },
});
