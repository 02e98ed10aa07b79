// Package control speaks to a tor's control port (control-spec) over bine's
// connection.
//
// It promises that a command either got tor's answer or broke the connection
// (which, for onion services bound to it, means that they disappear), that no
// wait is endless, and that no command is ever written to a log or quoted in
// an error: commands carry private keys. bine's DebugWriter does print them
// and is never set.
//
// It does not reconnect and interprets no answers but the status code.
package control
