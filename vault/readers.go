package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Readers says who may read a submission, by [translog.RecipientHash], ascending.
// It is not to be changed.
type Readers struct {
	Sealed []string // on the roster that it is sealed to: their keys open it
	Still  []string // those of them who are on its channel's current roster
	Epoch  uint64   // of the current roster
}

// Readers returns who may read a submission; nobody where the vault does not have
// the roster.
func (v *Vault) Readers(e Entry) (r Readers, err error) {
	if r.Sealed, err = v.recipients(e.Channel, e.Epoch); err != nil {
		return Readers{}, err
	}
	r.Epoch, err = v.currentEpoch(e.Channel)
	if errors.Is(err, ErrNotFound) {
		return r, nil
	}
	if err != nil {
		return Readers{}, err
	}
	current, err := v.recipients(e.Channel, r.Epoch)
	if err != nil {
		return Readers{}, err
	}
	for _, hash := range r.Sealed {
		if _, still := slices.BinarySearch(current, hash); still {
			r.Still = append(r.Still, hash)
		}
	}
	return r, nil
}

// currentEpoch is that of [Vault.Roster], which it does not read.
func (v *Vault) currentEpoch(channel string) (epoch uint64, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		epochs := tx.Bucket(bucketChannels).Bucket([]byte(channel))
		if epochs == nil {
			return fmt.Errorf("channel %w", ErrNotFound)
		}
		key, _ := epochs.Cursor().Last()
		if len(key) != 8 {
			return fmt.Errorf("the roster of channel %s: %w", channel, ErrDamaged)
		}
		epoch = binary.BigEndian.Uint64(key)
		return nil
	})
	return epoch, err
}
