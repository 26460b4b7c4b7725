// SPDX-License-Identifier: MIT
import './old-windows.ts';
import './client/strict-policy.ts';
import './styles.ts';
import { startApp } from './app.tsx';
import { connectToCore, takeToken } from './client/connection.ts';

const element = document.querySelector<HTMLElement>('#app');
if (element === null) throw new Error('The page has no place for the window.');
startApp(element, connectToCore(location.origin, takeToken(location, history, sessionStorage)));
