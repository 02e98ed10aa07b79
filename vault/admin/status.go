package admin

import (
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
	Log      Log          `json:"log"`
	Restored *Restored    `json:"restored,omitempty"` // nil unless the vault ever went on from a backup
	Desks    []Desk       `json:"desks"`              // those that sent return parcels
	Upgraded string       `json:"upgraded,omitempty"` // what opening did to an older vault
	Problems []string     `json:"problems"`           // plain sentences; empty when all is well

	damagedChannels bool // that there seems to be none means nothing
}

// A Log is the state of the vault's log.
type Log struct {
	Size    int64  `json:"size"`    // in leaves
	Pending int    `json:"pending"` // leaves that wait for the next batch
	Root    string `json:"root"`    // in hexadecimal
}

// A Desk is what the server knows of a reviewer's desk.
type Desk struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Sequence    uint64 `json:"sequence"` // of its last return parcel
	Seen        int64  `json:"seen"`     // leaves of the log
	Refused     int    `json:"refused"`  // things in its last return parcel
}

// A Channel is a channel and its reviewers.
type Channel struct {
	Name      string      `json:"name"`
	Epoch     uint64      `json:"epoch"`
	Reviewers []Reviewer  `json:"reviewers"`
	Losses    []seal.Loss `json:"losses,omitempty"` // what the roster's certificates cost
	// Waiting counts the submissions that a reviewer has not acknowledged.
	Waiting int          `json:"waiting"`
	Policy  vault.Policy `json:"policy"`
}

// A Reviewer is a member of a roster as the admin sees it.
type Reviewer struct {
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint"`
	Valid       bool   `json:"valid"`             // the certificate can encrypt today
	Pickup      bool   `json:"pickup"`            // may reach pickup
	Renewed     bool   `json:"renewed,omitempty"` // just now, by [Admin.AddReviewer]
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
	if s.Upgraded != "" {
		list = append(list, s.Upgraded)
	}
	if len(s.Channels) == 0 && !s.damagedChannels {
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
