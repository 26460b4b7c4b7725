// SPDX-License-Identifier: MIT
import './old-windows.ts';
import './client/strict-policy.ts';
import './styles.ts';
import { connectToCore, takeToken } from './client/connection.ts';

const element = document.querySelector<HTMLElement>('#app');
if (element === null) throw new Error('The page has no place for the window.');
const connection = connectToCore(location.origin, takeToken(location, history, sessionStorage));
// What talks to the core, then what is drawn, each in a task of its own: together they would hold up the window while they begin.
const { startApp } = await import('./app.tsx');
startApp(element, connection);
