package vault

import bolt "go.etcd.io/bbolt"

// Desks lists the fingerprints of the reviewers whose desks sent return parcels.
func (v *Vault) Desks() (fingerprints []string, err error) {
	err = v.view(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketDesks).ForEach(func(k, _ []byte) error {
			fingerprints = append(fingerprints, string(k))
			return nil
		})
	})
	return fingerprints, err
}
