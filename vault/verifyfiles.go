package vault

import (
	"context"
	"encoding/json"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// keyFiles is where the digests of the home's other files are.
var keyFiles = []byte("files")

// SetFiles notes what the files beside the vault must be: the SHA-256, in
// lower-case hexadecimal, of each by its name in the home. It forgets what was
// noted before. (The digest of a key that is random tells nothing of it.)
func (v *Vault) SetFiles(ctx context.Context, digests map[string]string) error {
	raw, err := json.Marshal(digests)
	if err != nil {
		return err
	}
	err = v.update(ctx, len(raw), func(tx *bolt.Tx) error { return put(tx.Bucket(bucketMeta), keyFiles, raw) })
	if err != nil {
		return fmt.Errorf("failed to note the key files: %w", err)
	}
	return nil
}

// Files returns what [Vault.SetFiles] noted last; nothing when it never did.
func (v *Vault) Files() (digests map[string]string, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		raw, err := get(tx.Bucket(bucketMeta), keyFiles)
		if err == nil && raw != nil && json.Unmarshal(raw, &digests) != nil {
			err = ErrDamaged
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("the digests of the key files: %w", err)
	}
	return digests, nil
}
