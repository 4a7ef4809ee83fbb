import { inMode } from './inMode';

inMode('legacy');
