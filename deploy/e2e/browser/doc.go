// Package browser drives real browsers for the end-to-end tests: Firefox ESR
// through Marionette and Chromium through the DevTools protocol, both headless
// and, unless a test asks otherwise, with JavaScript off.
//
// It is made of ordinary Go files so that several test packages can share it,
// but it is for tests only: no program of Sourdine may import it.
//
// What it promises:
//
//   - The page is handled as a person would: clicks and keys are the browser's
//     own events, and the browser itself encodes the forms. The few scripts that
//     the package runs (reading text, renaming a chosen file) run in a world of
//     their own, which pages cannot see, and which works while their scripts are off.
//   - Nothing is sent beyond loopback. Without a SOCKS address every request
//     that is not for loopback goes to a closed port and fails; with one it goes
//     there, names unresolved. Requests for loopback never use the proxy. The
//     browsers' own services are silenced, so that the proxy sees the pages' requests only.
//   - Every wait ends with its context. Once a context has ended in the middle of
//     a call, only Close is sure to work.
//   - Close ends every process it started and waits for that. If the test is
//     killed, the kernel ends the browser.
//
// What it does not promise: that Firefox is Tor Browser. It has the settings of
// the "Safest" level (no scripts, SVG, MathML, web fonts, media or WebGL), not the
// patches. And the browsers run without the care due to hostile pages (Chromium
// without its sandbox, Firefox's remote control open to every local user): let
// them visit only what a test serves.
package browser
