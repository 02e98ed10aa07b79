package desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sourdine/journalist-ui/witness"
	"sourdine/vault"
	"sourdine/vault/seal"
)

// reviewers returns the certificates of those who are on a channel's roster as
// the log tells it, but for those that have expired. A certificate is known by its
// fingerprint, whichever roster's file it comes from.
func (d *Desk) reviewers(channel string, now time.Time) (seal.Roster, error) {
	members, err := d.members(channel)
	if err != nil {
		return nil, err
	}
	var roster seal.Roster
	err = d.eachRosterFile(func(r vault.Roster) {
		for _, m := range r.Members {
			if !members[m.Fingerprint] {
				continue
			}
			if c, err := seal.ParseCertificate(m.Certificate, now); err == nil && c.Fingerprint() == m.Fingerprint {
				roster = append(roster, c)
				delete(members, m.Fingerprint)
			}
		}
	})
	if err == nil && len(roster) == 0 {
		err = ErrNoRoster
	}
	return roster, err
}

// members are the fingerprints of a channel's reviewers.
func (d *Desk) members(channel string) (map[string]bool, error) {
	members := map[string]bool{}
	err := d.withLog(func(book *witness.Book) error {
		events, err := book.Events(0)
		slices.SortStableFunc(events, func(a, b witness.Event) int { return int(int64(a.Epoch) - int64(b.Epoch)) })
		for _, e := range events {
			switch {
			case e.Channel != channel:
			case e.Kind == witness.ReviewerAdded:
				members[e.Fingerprint] = true
			case e.Kind == witness.ReviewerRemoved:
				delete(members, e.Fingerprint)
			}
		}
		return err
	})
	if errors.Is(err, ErrNoVault) {
		err = ErrNoRoster
	}
	return members, err
}

// eachRosterFile reads the rosters that parcels brought (package witness,
// FORMAT.md). Those that cannot be read are passed over: an audit finds them.
func (d *Desk) eachRosterFile(do func(vault.Roster)) error {
	folder := d.path(filepath.Join(logName, "rosters"))
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("failed to read the rosters: %w", err)
	}
	for _, e := range entries {
		raw, err := readFile(filepath.Join(folder, e.Name()), witness.MaxRoster)
		if err != nil {
			continue
		}
		var r vault.Roster
		if json.Unmarshal(raw, &r) == nil {
			do(r)
		}
	}
	return nil
}
