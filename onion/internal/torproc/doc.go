// Package torproc runs a tor as a child that cannot outlive this process.
//
// It promises that the tor it starts reads no configuration but the one given,
// keeps its files in one private folder, logs nothing about traffic, is not
// reached by the terminal's Ctrl-C (its owner stops it, in order), and ends
// when this process ends, be it by kill -9: on Linux the kernel kills it, and
// elsewhere tor itself looks for its owner every 15 seconds.
//
// It knows nothing of Tor's control protocol; see package control.
package torproc
