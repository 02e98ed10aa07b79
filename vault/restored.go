package vault

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"sourdine/vault/translog"
)

// keyRestored is where the number of the log's last leaf of a restoration is.
var keyRestored = []byte("restored")

// markSize is what a restoration is known by, in random bytes.
const markSize = 32

// NoteRestored says at the end of the log that the vault goes on from a backup,
// and returns what it says: a leaf whose number is its Size. Nothing joins the log
// between the backup's last leaf and this one, what is pending neither: so desks
// that saw what the backup lacks find it as the first that differs. When it
// returns nil the leaf is on stable storage.
func (v *Vault) NoteRestored(ctx context.Context) (leaf translog.Restored, err error) {
	mark := make([]byte, markSize)
	rand.Read(mark)
	leaf = translog.Restored{Day: today(), Mark: hex.EncodeToString(mark)}
	err = v.updateAlone(ctx, func(tx *bolt.Tx) error {
		leaf.Size = logSize(tx)
		raw, err := translog.Encode(leaf)
		if err != nil {
			return err
		}
		if err := appendLeaves(tx, [][]byte{raw}); err != nil {
			return err
		}
		return put(tx.Bucket(bucketMeta), keyRestored, indexKey(leaf.Size))
	})
	if err != nil {
		return translog.Restored{}, fmt.Errorf("failed to note that the vault was restored: %w", err)
	}
	return leaf, nil
}

// LastRestored returns the log's last leaf of a restoration; not ok when the vault
// never went on from a backup.
func (v *Vault) LastRestored() (leaf translog.Restored, ok bool, err error) {
	err = v.view(func(tx *bolt.Tx) (err error) {
		leaf, ok, err = lastRestored(tx)
		return err
	})
	if err != nil {
		return translog.Restored{}, false, fmt.Errorf("the log's last restoration: %w", err)
	}
	return leaf, ok, nil
}

func lastRestored(tx *bolt.Tx) (leaf translog.Restored, ok bool, err error) {
	number, err := get(tx.Bucket(bucketMeta), keyRestored)
	if err != nil || number == nil {
		return leaf, false, err
	}
	raw, err := find(tx.Bucket(bucketLeaves), number)
	if err != nil {
		return leaf, false, err
	}
	decoded, err := translog.Decode(raw)
	if err != nil {
		return leaf, false, err
	}
	leaf, ok = decoded.(translog.Restored)
	if !ok || uint64(leaf.Size) != binary.BigEndian.Uint64(number) {
		return leaf, false, ErrDamaged
	}
	return leaf, true, nil
}
