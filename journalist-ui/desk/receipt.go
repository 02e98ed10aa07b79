package desk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"sourdine/vault/order"
)

// receive keeps the server's receipt for a return parcel, which an outbound one
// brought. It was verified by the caller. News is false for one that is here.
func (d *Desk) keepReceipt(signed []byte, a *order.Applied) (news bool, err error) {
	folder := d.path(returnsName)
	if err := makeFolders(d.home, folder); err != nil {
		return false, err
	}
	name := fmt.Sprint(a.Sequence, receiptSuffix)
	if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
		return false, nil
	}
	if err := writeFile(folder, name, signed); err != nil {
		return false, err
	}
	return true, d.clearOutbox(a)
}

// clearOutbox takes away the deletions that the server answered. A kill before
// that lets them be ordered again, which the server refuses as done.
func (d *Desk) clearOutbox(a *order.Applied) error {
	h, err := d.history()
	if err != nil {
		return err
	}
	for _, o := range h.orders {
		if o.Sequence != a.Sequence || o.digest() != a.Order {
			continue
		}
		for _, x := range o.order.Deletions {
			err := os.Remove(filepath.Join(d.deletionsFolder(), x.ID))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("failed to clear the outbox: %w", err)
			}
		}
	}
	return nil
}
