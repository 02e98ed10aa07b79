// Package journalist serves the desk's local pages: what came, one submission,
// one document shown safely, the records, what the desk found out about the
// server, and what goes back to it.
//
// The folder is called journalist-ui because that is the name of this part of the
// house; a Go package name cannot hold a hyphen, so the package is called
// journalist, and importers spell the alias.
//
// What it promises:
//
//   - Pages are for the one browser that opened the one-time address, which works
//     once; from then on a strict cookie is the key. Everything else gets a plain
//     403. Requests under another host name (DNS rebinding) and forms of another
//     origin are refused.
//   - Of a document only pixels and text are shown, made by package preview in a
//     shut-in process, after the whole document was compared with its manifest.
//     Anything else is offered for saving, behind a warning, always as an
//     attachment of no particular type.
//   - Texts of a source are escaped, and nothing in them is invisible or turns the
//     reading direction of what surrounds them; Arabic and Hebrew letters still
//     read from right to left among themselves. They never become a path, a link or
//     a title, which the browser would write into its history. Of a header they
//     become the harmless letters of the name that a saved file is offered under.
//   - Nothing is ordered of the server by an open desk alone: a return parcel is
//     signed with the passphrase, typed anew.
//   - No script, no font, no picture from elsewhere: the content security policy
//     forbids them all. French and English, light and dark, narrow and wide.
//
// What it does not promise: that the browser keeps no trace (a private window
// keeps least); to hide the pages from other programs that run as the same user.
// Cookies know no ports (RFC 6265, section 8.5): a web server of a
// stranger on the same machine, if the reviewer visits it, sees the cookie.
package journalist
