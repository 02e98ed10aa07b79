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

// SpendBeyond marks a slot as spent that the file does not have: as long as it is
// open, overwriting it fails.
func SpendBeyond(v *Vault, id ID) error {
	return v.alone(func(tx *bolt.Tx) error { return put(tx.Bucket(bucketSpent), slotKey(1<<20), id[:]) })
}

// TakenSlots are those that the change has taken so far.
func (c *Change) TakenSlots() (slots []uint32) {
	for _, w := range c.taken {
		slots = append(slots, w.slot)
	}
	return slots
}
