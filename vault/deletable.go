package vault

import "fmt"

// Deletable returns nil for a submission that [Change.Delete] and
// [Change.Reenvelope] can take the key from, an error that wraps [ErrDamaged] for
// one whose header or slot is damaged, or [ErrNotFound]. After any error of those
// two the whole change must be given up; after one of this not.
func (c *Change) Deletable(id ID) error {
	_, err := header(c.tx, id)
	if err == nil {
		_, err = slotOf(c.tx, id)
	}
	if err != nil {
		return fmt.Errorf("submission %s: %w", id, err)
	}
	return nil
}
