package tornet

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// knowsAll reports whether an authority that answers with these descriptors
// has heard of every node.
func (p plan) knowsAll(descriptors string) bool {
	for _, n := range p.Nodes {
		if !strings.Contains("\n"+descriptors, fmt.Sprintf("\nrouter %s 127.0.0.1 %d ", n.Name, n.ORPort)) {
			return false
		}
	}
	return true
}

// usable reports whether onion services work over a network with this
// consensus: it is valid, and every node is in it, running and a directory.
func (p plan) usable(consensus string, now time.Time) bool {
	if !validUntil(consensus).After(now) {
		return false
	}
	entries := strings.Split(consensus, "\nr ")[1:]
	running := 0
	for _, n := range p.Nodes {
		for _, e := range entries {
			if strings.HasPrefix(e, n.Name+" ") && strings.Contains(e, fmt.Sprintf(" 127.0.0.1 %d ", n.ORPort)) &&
				flagLine.MatchString(e) {
				running++
			}
		}
	}
	return running == len(p.Nodes)
}

var (
	flagLine  = regexp.MustCompile(`(?m)^s .*\bHSDir\b.*\bRunning\b`)
	untilLine = regexp.MustCompile(`(?m)^valid-until (\S+ \S+)$`)
)

// validUntil returns when a consensus ends, or the zero time.
func validUntil(consensus string) time.Time {
	m := untilLine.FindStringSubmatch(consensus)
	if m == nil {
		return time.Time{}
	}
	t, err := time.Parse(time.DateTime, m[1]) // UTC, dir-spec section 1.2
	if err != nil {
		return time.Time{}
	}
	return t
}

// warmMargin is how long a stored consensus must still be valid to build on.
const warmMargin = time.Hour

// warm reports whether all authorities in dir hold a consensus to start from.
func (p plan) warm(dir string, now time.Time) bool {
	for _, a := range p.authorities() {
		b, err := os.ReadFile(filepath.Join(dir, a.Name, "cached-microdesc-consensus"))
		if err != nil || !p.usable(string(b), now.Add(warmMargin)) {
			return false
		}
	}
	return true
}

// forget removes what the nodes in dir remember of earlier runs, but not their
// keys, so that a vote is held as in a new network.
func (p plan) forget(dir string) error {
	for _, n := range p.Nodes {
		home := filepath.Join(dir, n.Name)
		entries, err := os.ReadDir(home)
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("clearing %s: %w", n.Name, err)
		}
		for _, e := range entries {
			if e.Name() == "keys" {
				continue
			}
			if err := os.RemoveAll(filepath.Join(home, e.Name())); err != nil {
				return fmt.Errorf("clearing %s: %w", n.Name, err)
			}
		}
	}
	return nil
}
