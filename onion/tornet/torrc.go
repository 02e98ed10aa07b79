package tornet

import (
	"fmt"
	"time"
)

// The voting rhythm. tor wants the interval to divide 30 minutes while there
// is no consensus, and at least two seconds for each of the two delays in a
// testing network. A long interval spares the processor, and keeps the time
// periods of onion services (24 intervals) long: around a change of period,
// and only then, a client and a service can miss each other.
const (
	votingInterval = 30 * time.Minute
	voteDelay      = 2 * time.Second
	distDelay      = 2 * time.Second
	validIntervals = 336 // a week, to be taken up again without a vote
)

// torrc are the lines of every tor in this network, clients included.
func (p plan) torrc() []string {
	lines := []string{
		"TestingTorNetwork 1",
		"AssumeReachable 1",
		"PathsNeededToBuildCircuits 0.67",
		"ShutdownWaitLength 0",
		// Fetch a new consensus when it appears, so that clients and services
		// never work with different ones for long.
		"FetchDirInfoEarly 1",
		"FetchDirInfoExtraEarly 1",
	}
	for _, a := range p.authorities() {
		lines = append(lines, fmt.Sprintf("DirAuthority %s orport=%d no-v2 v3ident=%s %s %s",
			a.Name, a.ORPort, a.V3Ident, loopback(a.DirPort), a.Fingerprint))
	}
	return lines
}

// nodeTorrc are the lines of one authority or relay.
func (p plan) nodeTorrc(a address) []string {
	lines := append(p.torrc(),
		"Nickname "+a.Name,
		"Address 127.0.0.1",
		"ORPort "+loopback(a.ORPort),
		"SocksPort 0",
		"ContactInfo none",
		// Keeps all bandwidths in the consensus at zero, whereupon tor chooses
		// among relays evenly. The first relay to measure a trace of traffic
		// would otherwise be chosen for both ends of nearly every circuit, and
		// circuits that return to where they came from are refused.
		"CountPrivateBandwidth 0",
		"ExitPolicy reject *:*",
	)
	if a.authority() {
		lines = append(lines, p.authorityTorrc(a)...)
	}
	return lines
}

func (p plan) authorityTorrc(a address) []string {
	return []string{
		"DirPort " + loopback(a.DirPort),
		"AuthoritativeDirectory 1",
		"V3AuthoritativeDirectory 1",
		"TestingV3AuthInitialVotingInterval " + seconds(votingInterval),
		"TestingV3AuthInitialVoteDelay " + seconds(voteDelay),
		"TestingV3AuthInitialDistDelay " + seconds(distDelay),
		"V3AuthVotingInterval " + seconds(votingInterval),
		"V3AuthVoteDelay " + seconds(voteDelay),
		"V3AuthDistDelay " + seconds(distDelay),
		fmt.Sprintf("V3AuthNIntervalsValid %d", validIntervals),
		fmt.Sprintf("TestingV3AuthVotingStartOffset %d seconds", p.Offset),
		"TestingDirAuthVoteGuard *",
		"TestingDirAuthVoteHSDir *",
		"TestingDirAuthVoteExit *",
		"TestingMinExitFlagThreshold 0",
	}
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d seconds", d/time.Second) }

// consensusLead is how far ahead of now a consensus can be scheduled: the two
// delays, and time for the authorities to read their new configuration.
const consensusLead = voteDelay + distDelay + 300*time.Millisecond

// offsetFor is the voting offset that makes whole second at become the start
// of an interval.
func offsetFor(at time.Time) int {
	return int(at.Unix() % int64(votingInterval/time.Second))
}

// nextConsensus is the first whole second for which a vote can be scheduled.
func nextConsensus(now time.Time) time.Time {
	return now.Add(consensusLead + time.Second - 1).Truncate(time.Second)
}
