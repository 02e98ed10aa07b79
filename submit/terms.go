package submit

import (
	"maps"
	"slices"

	"sourdine/submit/mailbox"
	"sourdine/vault"
)

// A channel is one that a source can choose.
type channel struct {
	Name string
	// Limit is after how many days the server deletes what it holds for it, read
	// or not; 0: never. The source must know that before anything is sent.
	Limit int
}

// A term is a limit, and the channels that have it.
type term struct {
	Days  int
	Names []string
	All   bool // no other channel is open
}

// terms are the limits of these channels, the shortest first.
func terms(channels []channel) []term {
	names := map[int][]string{}
	for _, c := range channels {
		if c.Limit > 0 {
			names[c.Limit] = append(names[c.Limit], c.Name)
		}
	}
	all := make([]term, 0, len(names))
	for _, days := range slices.Sorted(maps.Keys(names)) {
		all = append(all, term{Days: days, Names: names[days], All: len(names[days]) == len(channels)})
	}
	return all
}

// A kept is a receipt with the limit of its channel as it is now.
type kept struct {
	mailbox.Receipt
	Limit int // as in channel
}

// channels are the open ones with their limits, read anew each time: the admin
// may change one while the site serves. A limit that cannot be read is an error:
// nothing is taken in under terms that nobody was told.
func (s *Site) channels() ([]channel, error) {
	names, err := s.rosters.open(s.now())
	if err != nil {
		return nil, err
	}
	all := make([]channel, len(names))
	for i, name := range names {
		policy, err := s.vault.Policy(name)
		if err != nil {
			return nil, err
		}
		all[i] = channel{Name: name, Limit: policy.Limit}
	}
	return all, nil
}

// withLimits adds the limits to receipts. One that cannot be read is left out:
// what was received must be shown as received.
func withLimits(v *vault.Vault, receipts ...mailbox.Receipt) []kept {
	limits := map[string]int{}
	all := make([]kept, len(receipts))
	for i, r := range receipts {
		limit, known := limits[r.Channel]
		if !known {
			if policy, err := v.Policy(r.Channel); err == nil {
				limit = policy.Limit
			}
			limits[r.Channel] = limit
		}
		all[i] = kept{Receipt: r, Limit: limit}
	}
	return all
}
