package vault

import (
	"context"

	bolt "go.etcd.io/bbolt"
)

// Hide is the first step of a deletion, and nothing after it.
func Hide(v *Vault, deletions ...Deletion) error {
	return v.updateAlone(context.Background(), func(tx *bolt.Tx) error { return hide(tx, deletions, today()) })
}

// Overwrite is what follows: the slots are overwritten, and nothing is erased.
func Overwrite(v *Vault) error {
	return v.overwriteSpent(v.view, v.alone)
}

// SetAcknowledged acknowledges on another day than today.
func (c *Change) SetAcknowledged(id ID, fingerprint, day string) error {
	return put(c.tx.Bucket(bucketAcks), ackKey(id, fingerprint), []byte(day))
}

// UsedSlots is how many slots the file has for submissions.
func UsedSlots(v *Vault) int { return v.slots.Stats().Used }
