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
	// [Vault.AckedByAll] asks for.
	Retention int `json:"retention"`
	// Limit counts from the submission's day, acknowledged or not.
	Limit int `json:"limit"`
}

// Policy returns a channel's policy, or [ErrNotFound].
func (v *Vault) Policy(channel string) (p Policy, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		if tx.Bucket(bucketChannels).Bucket([]byte(channel)) == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		p, err = policy(tx, channel)
		return err
	})
	return p, err
}

func policy(tx *bolt.Tx, channel string) (Policy, error) {
	p := Policy{Retention: DefaultRetention}
	raw, err := get(tx.Bucket(bucketPolicies), []byte(channel))
	if err == nil && raw != nil && json.Unmarshal(raw, &p) != nil {
		err = ErrDamaged
	}
	if err != nil {
		return Policy{}, fmt.Errorf("the policy of channel %s: %w", channel, err)
	}
	return p, nil
}

// SetPolicy changes a channel's policy, or returns [ErrNotFound]. The log has
// each change.
func (v *Vault) SetPolicy(ctx context.Context, channel string, p Policy) error {
	leaf, err := translog.Encode(translog.Policy{Channel: channel, Day: today(), Retention: p.Retention, Limit: p.Limit})
	if err != nil {
		return err
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return v.update(ctx, len(raw), func(tx *bolt.Tx) error {
		if tx.Bucket(bucketChannels).Bucket([]byte(channel)) == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		if err := put(tx.Bucket(bucketPolicies), []byte(channel), raw); err != nil {
			return err
		}
		return putPending(tx, leaf)
	})
}
