// Package imports checks which package may import which, as a test that fails.
// It holds no code but the test.
//
// Two kinds of rules stand in it. What a package must never reach is looked for
// in everything it depends on: that is how it is known that the server has no
// way to decrypt and that the desk has none to Tor. What a package may import is
// looked for in its own imports: that is how a folder keeps its one job.
//
// A third rule is about tests: none may start a tor on the public network.
package imports
