package desktest

import (
	"context"
	"errors"
	"fmt"

	"sourdine/vault"
	"sourdine/vault/seal"
)

// enrol puts reviewers on the roster of v.Channel, which is made if it is not
// there. A vault's roster only grows: somebody else on it fails the test.
func (v *Vault) enrol(reviewers seal.Roster) {
	v.t.Helper()
	for _, c := range reviewers {
		if !has(v.roster(), c.Fingerprint()) {
			v.AddReviewer("reviewer "+c.Fingerprint()[:4], c)
		}
	}
	if n := len(v.roster().Members); n != len(reviewers) {
		v.t.Fatalf("channel %s has %d reviewers, the submission is for %d: give it another channel", v.Channel, n, len(reviewers))
	}
}

func has(r vault.Roster, fingerprint string) bool {
	for _, m := range r.Members {
		if m.Fingerprint == fingerprint {
			return true
		}
	}
	return false
}

// AddReviewer puts a reviewer on the roster of v.Channel, from the next
// submission on.
func (v *Vault) AddReviewer(name string, c *seal.Certificate) {
	v.t.Helper()
	raw, err := c.Marshal()
	if err != nil {
		v.t.Fatalf("failed to encode a certificate: %v", err)
	}
	v.roster() // makes the channel
	member := vault.Member{Name: name, Fingerprint: c.Fingerprint(), Certificate: raw, Added: v.Day}
	if _, err := v.vault.AddMember(context.Background(), v.Channel, member); err != nil {
		v.t.Fatalf("failed to add a reviewer: %v", err)
	}
}

// roster is that of v.Channel, which is made if it is not there.
func (v *Vault) roster() vault.Roster {
	v.t.Helper()
	roster, err := v.vault.Roster(v.Channel)
	if errors.Is(err, vault.ErrNotFound) {
		err = v.vault.AddChannel(context.Background(), v.Channel)
	}
	if err != nil {
		v.t.Fatal(fmt.Errorf("failed to find a roster: %w", err))
	}
	return roster
}
