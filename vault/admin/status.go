package admin

import (
	"context"
	"fmt"

	"sourdine/vault"
	"sourdine/vault/seal"
)

// A Status is what the admin sees of a home.
type Status struct {
	Serving  bool      `json:"serving"`
	VaultKey string    `json:"vault_key"` // what desks pin
	Channels []Channel `json:"channels"`
	vault.Stats
	Sites    []SiteStatus `json:"sites,omitempty"` // while serving
	Parcels  int          `json:"parcels"`         // how many it takes to carry everything
	Problems []string     `json:"problems"`        // plain sentences; empty when all is well
}

// A Channel is a channel and its reviewers.
type Channel struct {
	Name      string      `json:"name"`
	Epoch     uint64      `json:"epoch"`
	Reviewers []Reviewer  `json:"reviewers"`
	Losses    []seal.Loss `json:"losses,omitempty"` // what the roster's certificates cost
}

// A Reviewer is a member of a roster as the admin sees it.
type Reviewer struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Valid       bool   `json:"valid"`  // the certificate can encrypt today
	Pickup      bool   `json:"pickup"` // may reach pickup
}

// A SiteStatus tells where a site can be reached.
type SiteStatus struct {
	Site    string `json:"site"`
	Onion   string `json:"onion,omitempty"`
	Local   string `json:"local,omitempty"`
	Network string `json:"network,omitempty"` // public, private
	State   string `json:"state,omitempty"`   // one of the States; empty without Tor
}

// States of a site on Tor.
const (
	StateStarting  = "starting"
	StateReachable = "reachable"
	StateWithheld  = "withheld until a reviewer with a client key is added"
	StateStopped   = "not reachable: tor stopped"
)

// Status reads the vault's state.
func (l *Local) Status(ctx context.Context) (Status, error) {
	s := Status{VaultKey: l.publicKey, Channels: []Channel{}, Problems: []string{}}
	var err error
	if s.Stats, err = l.vault.Stats(); err != nil {
		return s, err
	}
	parts, err := l.Parts(ctx)
	if err != nil {
		return s, err
	}
	s.Parcels = len(parts)
	rosters, err := l.vault.Channels()
	if err != nil {
		return s, err
	}
	for _, roster := range rosters {
		s.Channels = append(s.Channels, l.channel(roster))
	}
	if l.Serving != nil {
		s.Serving = true
		l.Serving(&s)
	}
	s.Problems = append(s.Problems, problems(s)...)
	free, size, err := diskSpace(l.home.dir)
	if err != nil {
		return s, err
	}
	s.Problems = append(s.Problems, spaceProblems(free, size)...)
	return s, nil
}

func (l *Local) channel(roster vault.Roster) Channel {
	c := Channel{Name: roster.Channel, Epoch: roster.Epoch, Reviewers: []Reviewer{}}
	var members seal.Roster
	for _, m := range roster.Members {
		c.Reviewers = append(c.Reviewers, l.reviewer(m))
		if parsed, err := seal.ParseCertificate(m.Certificate, l.now()); err == nil {
			members = append(members, parsed)
		}
	}
	if losses, err := members.Losses(l.now()); err == nil && len(members) > 0 {
		c.Losses = losses
	}
	return c
}

func (l *Local) reviewer(m vault.Member) Reviewer {
	_, err := seal.ParseCertificate(m.Certificate, l.now())
	return Reviewer{Name: m.Name, Fingerprint: m.Fingerprint, Valid: err == nil, Pickup: m.ClientKey != ""}
}

// lossText explains a loss to the admin.
var lossText = map[seal.Loss]string{
	seal.LossPadding:     "sizes of documents can be seen in the vault",
	seal.LossPostQuantum: "a future quantum computer may open what is recorded today",
	seal.LossSpeed:       "sealing costs about ten times more CPU",
}

func problems(s Status) []string {
	var list []string
	if s.Parcels > 1 {
		list = append(list, fmt.Sprintf("everything does not fit into one parcel, it takes %d: each export says how to make the next", s.Parcels))
	}
	if len(s.Channels) == 0 {
		list = append(list, "there is no channel yet: sources cannot send anything")
	}
	for _, c := range s.Channels {
		valid := 0
		for _, r := range c.Reviewers {
			if r.Valid {
				valid++
			} else {
				list = append(list, "the certificate of reviewer "+r.Fingerprint+" in channel "+c.Name+" can no longer encrypt")
			}
		}
		if valid == 0 {
			list = append(list, "channel "+c.Name+" has no reviewer who could read a submission: it is closed to sources")
		}
		for _, loss := range c.Losses {
			list = append(list, "channel "+c.Name+": "+lossText[loss]+", because a reviewer's certificate is of an older kind")
		}
	}
	return list
}
