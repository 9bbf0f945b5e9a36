import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      'src/**/*.test.ts',
      'sim/**/*.test.ts',
      'bench/**/*.test.ts',
      'scripts/**/*.test.mjs',
      'test/**/*.test.ts',
    ],
    // Every core: several files wait for processes that they have started.
    maxWorkers: '100%',
    // No file keeps state in a module, so files may share them: half of the start-up is saved.
    isolate: false,
    testTimeout: 30_000,
    reporters: ['default'],
  },
});
