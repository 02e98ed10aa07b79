package desk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"sourdine/journalist-ui/witness"
	"sourdine/vault/order"
)

// maxAhead is how far a receipt's sequence may be past the last one that this home
// knows: a copy of it may have signed some. One past that is told, and not counted:
// after the highest number of all this desk could never sign again.
const maxAhead = 1000

// keepReceipt keeps the server's receipt for a return parcel, which an outbound one
// brought. It was verified by the caller. News is true for one that was not here;
// then foreign is true when it answers what this desk never signed. Such a one counts
// for the sequence only.
func (d *Desk) keepReceipt(signed []byte, a *order.Applied) (news, foreign bool, err error) {
	h, err := d.history()
	if err != nil {
		return false, false, err
	}
	foreign = !h.signedHere(a)
	if foreign && a.Sequence > h.last && a.Sequence-h.last > maxAhead {
		return true, true, nil
	}
	folder, name := d.path(returnsName), fmt.Sprint(a.Sequence, receiptSuffix)
	if err := makeFolders(d.home, folder); err != nil {
		return false, foreign, err
	}
	here, err := readFile(filepath.Join(folder, name), maxReturnFile)
	switch {
	case err == nil && foreign:
		return !bytes.Equal(here, signed), true, nil
	case err == nil:
		return false, false, d.clearOutbox(a, false) // a kill may have come before that
	case !errors.Is(err, fs.ErrNotExist):
		return false, foreign, err
	}
	if err := writeFile(folder, name, signed); err != nil || foreign {
		return true, foreign, err
	}
	return true, false, d.clearOutbox(a, true)
}

// signedHere tells whether a receipt answers an order of this desk's.
func (h *history) signedHere(a *order.Applied) bool {
	is := func(o signedOrder) bool { return o.Sequence == a.Sequence && o.digest() == a.Order }
	return slices.ContainsFunc(h.orders, is) || slices.ContainsFunc(h.void, is)
}

// own are the receipts for orders of this desk's.
func (h *history) own() []order.Applied {
	return slices.DeleteFunc(slices.Clone(h.receipts), func(a order.Applied) bool { return !h.signedHere(&a) })
}

// foreign is what the receipts for orders of somebody else's tell.
func (h *history) foreign() (all []witness.Finding) {
	for _, a := range h.receipts {
		if !h.signedHere(&a) {
			all = append(all, foreignReceipt(&a))
		}
	}
	return all
}

func foreignReceipt(a *order.Applied) witness.Finding {
	return witness.Finding{Kind: ReceiptForeign, Given: int64(a.Sequence), Sum: a.Order}
}

// refusesDeletion tells whether a receipt refuses a deletion. What was deleted before, by an
// order of another reviewer's or of this desk's, is deleted.
func refusesDeletion(a *order.Applied, id string) bool {
	return slices.ContainsFunc(a.Done.Refusals, func(r order.Refusal) bool {
		return r.List == order.ListDeletions && r.ID == id && r.Reason != order.ReasonDeleted
	})
}

// clearOutbox takes away the deletions that the server answered, and the new
// envelopes. A kill before that lets deletions be ordered again, which the server
// refuses as done. When the receipt is not news, what it refuses may have been
// ordered again since, and stays.
func (d *Desk) clearOutbox(a *order.Applied, news bool) error {
	h, err := d.history()
	if err != nil {
		return err
	}
	for _, o := range h.orders {
		if o.Sequence != a.Sequence || o.digest() != a.Order {
			continue
		}
		for _, x := range o.deletions {
			if !news && refusesDeletion(a, x.ID) {
				continue
			}
			err := os.Remove(filepath.Join(d.deletionsFolder(), x.ID))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("failed to clear the outbox: %w", err)
			}
		}
		if err := d.clearEnvelopes(o, a); err != nil {
			return err
		}
	}
	return nil
}
