import { DIAGNOSIS_SCENARIOS } from './all.ts';
import { describeScenarios } from './testing/describe-scenarios.ts';

describeScenarios(DIAGNOSIS_SCENARIOS);
