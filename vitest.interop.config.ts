import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['interop/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['interop/global-setup.ts'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
});
