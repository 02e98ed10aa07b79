package submit

import (
	"sync"
	"time"

	"sourdine/vault"
	"sourdine/vault/seal"
)

// rosters keeps the parsed certificates of each channel's current epoch: a
// post-quantum one takes a millisecond to verify.
type rosters struct {
	vault *vault.Vault
	mu    sync.Mutex
	known map[string]parsedRoster

	// names are the open channels, as of a change of rosters and a time: the
	// first page asks for them, and must not read every certificate each time.
	names   []string
	version uint64
	listed  time.Time
}

// listedFor is how long a certificate that expired may still keep its channel
// on the first page.
const listedFor = time.Minute

type parsedRoster struct {
	epoch   uint64
	members seal.Roster
}

func newRosters(v *vault.Vault) *rosters {
	return &rosters{vault: v, known: make(map[string]parsedRoster)}
}

// sealer starts sealing to a channel. It returns [vault.ErrNotFound] for an
// unknown channel and [seal.ErrNoRecipients] when no reviewer could read what
// is sent.
func (r *rosters) sealer(channel string, now time.Time) (*seal.Sealer, uint64, error) {
	roster, err := r.vault.Roster(channel)
	if err != nil {
		return nil, 0, err
	}
	sealer, err := seal.New(r.parsed(roster, now), now)
	return sealer, roster.Epoch, err
}

// parsed leaves out certificates that have expired since they were added: a
// submission that the others can read is better than none. The admin's status
// names them.
func (r *rosters) parsed(roster vault.Roster, now time.Time) seal.Roster {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.known[roster.Channel]
	if !ok || p.epoch != roster.Epoch {
		p = parsedRoster{epoch: roster.Epoch}
		for _, m := range roster.Members {
			if c, err := seal.ParseCertificate(m.Certificate, now); err == nil {
				p.members = append(p.members, c)
			}
		}
		r.known[roster.Channel] = p
	}
	valid := make(seal.Roster, 0, len(p.members))
	for _, c := range p.members {
		if c.ValidAt(now) {
			valid = append(valid, c)
		}
	}
	return valid
}

// open lists the channels that can take a submission now.
func (r *rosters) open(now time.Time) ([]string, error) {
	version := r.vault.RostersVersion()
	r.mu.Lock()
	names, fresh := r.names, r.version == version && now.Sub(r.listed) < listedFor && !r.listed.IsZero()
	r.mu.Unlock()
	if fresh {
		return names, nil
	}
	all, err := r.vault.Channels()
	if err != nil {
		return nil, err
	}
	names = nil
	for _, roster := range all {
		if len(r.parsed(roster, now)) > 0 {
			names = append(names, roster.Channel)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names, r.version, r.listed = names, version, now
	return names, nil
}
