import { inMode } from './inMode';

inMode('hybrid');
