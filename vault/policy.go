package vault

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// DefaultRetention is that of a channel without a policy of its own, in days.
const DefaultRetention = 30

// A Policy is how long a channel's submissions are kept, in days. 0 is for ever.
type Policy struct {
	// Retention counts from the day of the last acknowledgement that
	// [Vault.AckedByAll] asks for, and not before the day of the channel's last
	// roster.
	Retention int `json:"retention"`
	// Limit counts from the submission's day, acknowledged or not, and not before
	// the day from which the channel has had this limit.
	Limit int `json:"limit"`
}

// A storedPolicy also has the day on which the limit became what it is; "" while
// there never was another.
type storedPolicy struct {
	Policy
	LimitSince string `json:"limit_since,omitempty"`
}

func (p Policy) check() error {
	for name, days := range map[string]int{"retention": p.Retention, "limit": p.Limit} {
		if days < 0 || days > translog.MaxDays {
			return fmt.Errorf("a channel's %s is 0 to %d days; 0 is for ever", name, translog.MaxDays)
		}
	}
	return nil
}

// Policy returns a channel's policy, or [ErrNotFound].
func (v *Vault) Policy(channel string) (p Policy, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketChannels).Bucket([]byte(channel)) == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		stored, err := policy(tx, channel)
		p = stored.Policy
		return err
	})
	return p, err
}

func policy(tx *bolt.Tx, channel string) (storedPolicy, error) {
	p := storedPolicy{Policy: Policy{Retention: DefaultRetention}}
	raw, err := get(tx.Bucket(bucketPolicies), []byte(channel))
	if err == nil && raw != nil && json.Unmarshal(raw, &p) != nil {
		err = ErrDamaged
	}
	if err != nil {
		return storedPolicy{}, fmt.Errorf("the policy of channel %s: %w", channel, err)
	}
	return p, nil
}

// SetPolicy changes a channel's policy, or returns [ErrNotFound]. The log has
// each change.
func (v *Vault) SetPolicy(ctx context.Context, channel string, p Policy) error {
	if err := p.check(); err != nil {
		return err
	}
	day := today()
	leaf, err := translog.Encode(translog.Policy{Channel: channel, Day: day, Retention: p.Retention, Limit: p.Limit})
	if err != nil {
		return err
	}
	return v.update(ctx, len(leaf), func(tx *bolt.Tx) error {
		if tx.Bucket(bucketChannels).Bucket([]byte(channel)) == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		stored := storedPolicy{Policy: p, LimitSince: day}
		if before, err := policy(tx, channel); err == nil && before.Limit == p.Limit {
			stored.LimitSince = before.LimitSince
		}
		raw, err := json.Marshal(stored)
		if err != nil {
			return err
		}
		if err := put(tx.Bucket(bucketPolicies), []byte(channel), raw); err != nil {
			return err
		}
		return putPending(tx, leaf)
	})
}
