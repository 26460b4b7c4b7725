// SPDX-License-Identifier: MIT
/** Page-wide styles and fonts, in the order in which they apply. */
import '@fontsource-variable/ibm-plex-sans/index.css';
import '@fontsource/ibm-plex-mono/latin-400.css';
import '@fontsource/ibm-plex-mono/latin-500.css';
import './ui/tokens.css';
import './ui/base.css';
