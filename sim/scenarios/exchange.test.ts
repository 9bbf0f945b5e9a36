import { EXCHANGE_SCENARIOS } from './all.ts';
import { describeScenarios } from './testing/describe-scenarios.ts';

describeScenarios(EXCHANGE_SCENARIOS);
