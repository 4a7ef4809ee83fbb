import { inMode } from './inMode';

inMode('v2');
