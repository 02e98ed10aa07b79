// Package preview shows bytes from a source as pixels and text, and keeps them
// harmless (promise 8).
//
// Render starts the desk's own program again as a worker, waits until the
// worker has shut itself in (package sandbox), only then hands it the document on a
// pipe, and takes an answer of plain text or plain pixels back on another. What
// reaches the browser was made on this side: PNG encoded here from bare pixels,
// text that holds nothing hidden. The worker is killed when it takes too long,
// and what it says is believed in nothing but the values of pixels and characters.
//
// It promises that a document cannot do more to the desk than show a false
// picture or text of itself, and that where the sandbox cannot be had nothing is
// opened at all. It does not promise to recognise a document as hostile, to show it as
// its author's program would, or that a saved copy is safe to open elsewhere.
//
// Text is a string, not markup: pages must let html/template escape it, and must
// never serve it under Result.MediaType.
package preview
