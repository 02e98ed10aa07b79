// Package tornet brings up a private Tor network on loopback, for tests and
// demonstrations: three authorities that are also relays, and three relays,
// over which real v3 onion services can be published and fetched.
//
// It promises that nothing leaves the machine and that nothing is announced to
// the public Tor network; that all its processes end with Close, and with this
// process even on kill -9; that several networks can run at once; and that a
// folder that was used before is taken up again with the same keys.
//
// It offers no anonymity whatsoever: one person runs every relay.
//
// # Why it is fast
//
// A new network has to vote on its first consensus, and tor votes at fixed
// times of the day. The authorities are therefore started with their vote far
// away, and as soon as they all know all relays, it is moved (with a reload)
// to the earliest moment that the minimal delays allow, about five seconds
// ahead. No vote is ever held over an incomplete network, so none has to be
// repeated. Consensuses are valid for a week, and a folder that holds a valid
// one is up again at once, without a vote.
package tornet
