// SPDX-License-Identifier: MIT
/** The window on a core in memory: to look at screens and their states without engine, library or server. */
import '../../../renderer/styles.ts';
import { startApp } from '../../../renderer/app.tsx';
import { createFakeConnection } from './fake-connection.ts';

const wanted = new URLSearchParams(location.search);
const element = document.querySelector<HTMLElement>('#app');
if (element !== null) startApp(element, createFakeConnection(wanted.get('scene') ?? 'full'));
