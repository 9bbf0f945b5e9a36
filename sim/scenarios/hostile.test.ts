import { HOSTILE_SCENARIOS } from './all.ts';
import { describeScenarios } from './testing/describe-scenarios.ts';

describeScenarios(HOSTILE_SCENARIOS);
