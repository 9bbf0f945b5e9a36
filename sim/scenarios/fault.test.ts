import { FAULT_SCENARIOS } from './all.ts';
import { describeScenarios } from './testing/describe-scenarios.ts';

describeScenarios(FAULT_SCENARIOS);
