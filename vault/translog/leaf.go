package translog

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Limits of a leaf. What is within them fits into MaxLeaf.
const (
	MaxLeaf       = 8 << 20 // bytes, encoded
	MaxPayloads   = 65_536
	MaxRecipients = 1_000 // of a submission
	MaxMembers    = 1_000 // of a roster
	MaxName       = 256   // bytes of a reviewer's or a channel's name
	MaxDays       = 36_500
	MaxEpoch      = 1<<53 - 1 // any JSON reader has it exactly
)

// A Leaf is one thing that the vault did, and is accountable for: [Submission],
// [Deletion], [Roster], [Policy] or [Restored], as values, and nothing else
// (FORMAT.md, section 1).
type Leaf interface {
	kind() string
	check() error
}

// A Submission was accepted.
type Submission struct {
	ID         string   `json:"id"` // 26 letters and digits, as package vault writes it
	Channel    string   `json:"channel"`
	Day        string   `json:"day"`        // UTC, "2006-01-02"
	Epoch      uint64   `json:"epoch"`      // of the roster that it is sealed to
	Recipients []string `json:"recipients"` // [RecipientHash] of each, ascending, none twice
	Payloads   []string `json:"payloads"`   // lower-case hexadecimal SHA-256 of payload 0, 1, …; at least one
}

// The reasons of a [Deletion].
const (
	ByOrder     = "order"     // a reviewer signed an order
	ByRetention = "retention" // all reviewers acknowledged it, and the policy's retention passed
	ByLimit     = "limit"     // the policy's hard limit passed
)

// A Deletion took a submission away.
type Deletion struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	Day     string `json:"day"`    // of the deletion, UTC
	Reason  string `json:"reason"` // ByOrder, ByRetention or ByLimit
	By      string `json:"by"`     // fingerprint of who ordered it; empty unless ByOrder
	Order   string `json:"order"`  // lower-case hexadecimal SHA-256 of the signed deletions.json; empty unless ByOrder
}

// A Roster is a channel's reviewers from this leaf on. Epochs of a channel grow
// by one; Day is that of the change.
type Roster struct {
	Channel string   `json:"channel"`
	Day     string   `json:"day"`
	Epoch   uint64   `json:"epoch"`
	Members []Member `json:"members"` // in the roster's order; no fingerprint twice
	SHA256  string   `json:"sha256"`  // of the roster's JSON as the vault stores it, lower-case hexadecimal
}

// A Member is a reviewer on a roster.
type Member struct {
	Name        string `json:"name"`        // printable; may be empty
	Fingerprint string `json:"fingerprint"` // upper-case hexadecimal, 40 digits (v4 keys) or 64 (v6)
}

// A Policy is how long a channel keeps submissions from this leaf on.
type Policy struct {
	Channel   string `json:"channel"`
	Day       string `json:"day"`       // of the change, UTC
	Retention int    `json:"retention"` // days after all reviewers acknowledged; 0: for ever
	Limit     int    `json:"limit"`     // days after the submission's day, acknowledged or not; 0: none
}

// Restored: here the vault went on from a backup. What had followed in the log is
// lost, and desks that saw it have another log from this leaf on.
type Restored struct {
	Day  string `json:"day"`  // UTC
	Size int64  `json:"size"` // of the log in the backup: the number of this leaf
	Mark string `json:"mark"` // 64 random hexadecimal digits: a backup may be restored twice on a day
}

func (Submission) kind() string { return "submission" }
func (Deletion) kind() string   { return "deletion" }
func (Roster) kind() string     { return "roster" }
func (Policy) kind() string     { return "policy" }
func (Restored) kind() string   { return "restored" }

// RecipientHash is how a submission's leaf names a reviewer: the lower-case
// hexadecimal SHA-256 of the fingerprint's upper-case hexadecimal digits.
func RecipientHash(fingerprint string) string {
	sum := sha256.Sum256([]byte(strings.ToUpper(fingerprint)))
	return hex.EncodeToString(sum[:])
}
